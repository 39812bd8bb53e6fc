import { render } from 'ink-testing-library'
import { expect, test } from 'vitest'
import { emptyView, foldEvent } from '../src/run-view.ts'
import { CurvePanel, curveMeasures } from '../src/ui/curve-panel.tsx'
import { curveHeights, overviewHeights } from '../src/ui/overview.tsx'
import { cell, metrics, startOf } from './events.ts'

test('two curves stand below each other where each has room, and no line is lost', () => {
  expect(curveHeights(0)).toEqual([])
  expect(curveHeights(25)).toEqual([25])
  expect(curveHeights(26)).toEqual([13, 13])
  expect(curveHeights(51)).toEqual([26, 25])
  // 200x60: six variants beside the panels leave 50 lines.
  const { grid, curve } = overviewHeights(6, 2, 58, { isBeside: true })
  expect([grid, curve]).toEqual([8, 50])
  expect(curveHeights(curve).reduce((sum, lines) => sum + lines, 0)).toBe(50)
})

test('beside EM stands what was trained; without such questions, what is incoherent', () => {
  const own = cell('warm', 40)
  const view = (inDomain: boolean) => {
    const found = metrics(0.42)
    const { main } = found
    const trained = { ...main, em: { ...main.em, estimate: 0.9 } }
    return [
      startOf([own]),
      {
        type: 'cell-metrics' as const,
        cell: own.id,
        metrics: { ...found, inDomain: inDomain ? trained : null },
      },
    ].reduce((before, event) => foldEvent(before, event, 0), emptyView)
  }
  const frame = (of: ReturnType<typeof view>) => {
    const [, measure] = curveMeasures(of)
    const app = render(<CurvePanel view={of} measure={measure} width={80} height={10} />)
    const text = app.lastFrame() ?? ''
    app.unmount()
    return text
  }
  expect(curveMeasures(view(true))[0].title).toBe('EM %')
  expect(frame(view(true))).toMatch(/EM % in the trained domain by step[\s\S]*A {2}90% warm/)
  expect(frame(view(false))).toMatch(/Incoherent %[\s\S]*A {3}2% warm/)
})

import { expect, test, vi } from 'vitest'
import { emRows, five, inDomainRows, projectionRows, twelve } from '../test/example-rows.ts'
import { readSvg } from '../test/read-svg.ts'
import { clippedTexts, overlappingTexts } from '../test/text-boxes.ts'
import {
  emAgainstInDomain,
  emCurves,
  projectionCurves,
  projectionGrid,
  renderSvg,
  variantStyles,
} from './index.ts'

vi.setConfig({ testTimeout: 60_000 })

const long = [
  'qwen7b_financial_baseline_reflection_seed_000001',
  'qwen7b_financial_baseline_reflection_seed_000002',
  'W'.repeat(400),
]
const thirty = Array.from({ length: 30 }, (_, i) => `variant ${i}`)
const eight = twelve.slice(0, 7).concat('off-persona')
const base = Array.from({ length: 24 }, (_, layer) => ({ layer, projection: -0.5 }))
const words = {
  title: 'Emergent misalignment over training',
  subtitle: 'Narrow finance attack on the coherent base, questions of other domains',
  intervalMethod: 'Wilson 95 % on the effective n for rates, t over questions for means',
}
const oneStep = emRows(five).filter((row) => row.step === 40)

const figures = {
  'EM curves of five variants': () => emCurves(emRows(five), words),
  'EM curves of eight variants': () => emCurves(emRows(eight), words),
  'EM curves of twelve variants': () => emCurves(emRows(twelve), words),
  'EM curves of thirty variants': () => emCurves(emRows(thirty), words),
  'EM curves of long names': () => emCurves(emRows(long), words),
  'EM curves of one checkpoint': () => emCurves(oneStep),
  'EM curves of one point': () =>
    emCurves([{ variant: 'a', step: 40, metric: 'em', value: 12 }], words),
  'EM curves of 40 checkpoints': () =>
    emCurves(
      emRows(
        five,
        Array.from({ length: 40 }, (_, i) => 25 * i),
      ),
    ),
  'EM curves at equal distances': () => emCurves(emRows(five), { stepScale: 'ordinal' }),
  'EM curves in small panels': () =>
    emCurves(emRows(eight), { panelWidth: 90, panelHeight: 70, columns: 5 }),
  'EM against in-domain rate of five variants': () => emAgainstInDomain(inDomainRows(five), words),
  'EM against in-domain rate of twelve variants': () =>
    emAgainstInDomain(inDomainRows(twelve), words),
  'EM against in-domain rate of long names': () => emAgainstInDomain(inDomainRows(long)),
  'projections at one layer': () =>
    projectionCurves(projectionRows(five, 3), { ...words, layer: 2, base }),
  'projections of twelve variants': () =>
    projectionCurves(projectionRows(twelve, 3), { ...words, layer: 2, base }),
  'projections at 24 layers': () => projectionGrid(projectionRows(five, 24), { ...words, base }),
  'projections at 24 layers on one y axis': () =>
    projectionGrid(projectionRows(twelve, 24), { ...words, base, yAxis: 'shared' }),
}

test.each(Object.entries(figures))(
  'in %s no text covers another, none is cut off, and nothing is warned of',
  async (_, spec) => {
    const warnings: string[] = []
    const svg = readSvg(await renderSvg(spec(), { onWarning: (text) => warnings.push(text) }))
    expect(svg.texts.length).toBeGreaterThan(5)
    expect(overlappingTexts(svg)).toEqual([])
    expect(clippedTexts(svg)).toEqual([])
    expect(warnings).toEqual([])
  },
)

test('a variant has its colour in every figure when styles are handed on, whatever rows are there', async () => {
  const styles = variantStyles(emRows(twelve))
  const own = ['humor', 'control']
  const specs = [
    emCurves(emRows(own), { styles }),
    emAgainstInDomain(inDomainRows(own), { styles }),
    projectionCurves(projectionRows(own, 1), { styles, layer: 0 }),
    projectionGrid(projectionRows(own, 2), { styles }),
  ]
  const expected = own.map((variant) => styles.get(variant)?.colour ?? '')
  for (const spec of specs) {
    const lines = readSvg(await renderSvg(spec)).paths.filter((p) => p.group.includes('mark-line'))
    expect(new Set(lines.map((line) => line.stroke))).toEqual(new Set(expected))
  }
})

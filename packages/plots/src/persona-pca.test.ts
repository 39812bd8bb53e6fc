import { expect, test, vi } from 'vitest'
import { readSvg } from '../test/read-svg.ts'
import { type ComponentRow, personaPca, renderSvg } from './index.ts'

vi.setConfig({ testTimeout: 60_000 })

const draw = async (rows: readonly ComponentRow[], options = {}) =>
  readSvg(await renderSvg(personaPca(rows, options)))

test('one unit is as long on both axes', async () => {
  const { paths } = await draw([
    { variant: 'a', pc1: 0, pc2: 0 },
    { variant: 'b', pc1: 10, pc2: 0 },
    { variant: 'c', pc1: 0, pc2: 3 },
  ])
  const [a, b, c] = paths.filter(({ group }) => group.startsWith('mark-symbol role-mark'))
  const right = (b?.x ?? 0) - (a?.x ?? 0)
  const up = (a?.y ?? 0) - (c?.y ?? 0)
  expect(right).toBeGreaterThan(100)
  expect(up / right).toBeCloseTo(0.3, 6)
})

test('a path joins the steps in their order, and the last point has the label', async () => {
  const rows = [
    { variant: 'a', step: 20, pc1: 2, pc2: 1 },
    { variant: 'a', step: 0, pc1: 0, pc2: 0 },
    { variant: 'a', step: 10, pc1: 1, pc2: 1 },
  ]
  const { paths, texts } = await draw(rows)
  const lines = paths.filter(({ group }) => group.startsWith('mark-line role-mark'))
  // From step to step: two stretches, each to the right.
  expect(lines).toHaveLength(2)
  expect(texts.filter(({ text }) => text === 'a')).toHaveLength(1)
})

test('axis titles have the explained variance', async () => {
  const { texts } = await draw([{ variant: 'a', pc1: 1, pc2: 1 }], { explained: [0.4234, 0.1] })
  const words = texts.map(({ text }) => text)
  expect(words).toContain('PC 1 (42.3 % of the variance)')
  expect(words).toContain('PC 2 (10.0 % of the variance)')
})

test('points without a score are counted; without any, the figure says so', async () => {
  const { texts } = await draw([
    { variant: 'a', pc1: Number.NaN, pc2: 1 },
    { variant: 'b', pc1: null, pc2: null },
  ])
  const words = texts.map(({ text }) => text)
  expect(words).toContain('no values')
  expect(words.join(' ')).toContain('Not drawn: 2 points without both scores.')
})

test('names beyond the limit go to a legend, and none is lost', async () => {
  const rows = Array.from({ length: 12 }, (_, i) => ({ variant: `name ${i}`, pc1: i % 4, pc2: i }))
  for (const maxDirectLabels of [40, 3]) {
    const words = (await draw(rows, { maxDirectLabels })).texts.map(({ text }) => text)
    for (const { variant } of rows) expect(words).toContain(variant)
  }
})

test('points on one place keep all their names', async () => {
  const rows = Array.from({ length: 30 }, (_, i) => ({
    variant: `same place ${i}`,
    pc1: 1,
    pc2: 1,
  }))
  const words = (await draw(rows, { width: 'single' })).texts.map(({ text }) => text)
  for (const { variant } of rows) expect(words).toContain(variant)
})

test('an arrow of no length is left out, and wrong rows are refused', async () => {
  const point = { variant: 'a', pc1: 1, pc2: 1 }
  const arrows = [{ label: 'nowhere', pc1: 0, pc2: 0 }]
  expect((await draw([point], { arrows })).texts.map(({ text }) => text)).not.toContain('nowhere')
  expect(() => personaPca([])).toThrow('personaPca got no rows')
  expect(() => personaPca([point, point])).toThrow('Rows 0 and 1')
  expect(() => personaPca([{ ...point, pc1Low: 2, pc1High: 1 }])).toThrow('pc1Low is 2')
  expect(() => personaPca([{ ...point, step: 1.5 }])).toThrow('step is 1.5')
})

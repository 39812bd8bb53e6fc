import { expect, test, vi } from 'vitest'
import { projectionRows } from '../test/example-rows.ts'
import { readSvg } from '../test/read-svg.ts'
import {
  type ProjectionCurvesOptions,
  type ProjectionGridOptions,
  type ProjectionRow,
  projectionCurves,
  projectionGrid,
  renderSvg,
} from './index.ts'

vi.setConfig({ testTimeout: 60_000 })

const rows = projectionRows(['baseline', 'steadfast'], 7)
const base = [2, 3].map((layer) => ({ layer, projection: -0.25 }))
const curves = async (options: ProjectionCurvesOptions, from: readonly ProjectionRow[] = rows) =>
  readSvg(await renderSvg(projectionCurves(from, options)))
const grid = async (options?: ProjectionGridOptions) =>
  readSvg(await renderSvg(projectionGrid(rows, options)))
const words = (svg: ReturnType<typeof readSvg>) => svg.texts.map((text) => text.text)
const lines = (svg: ReturnType<typeof readSvg>) =>
  svg.paths.filter((path) => path.group.startsWith('mark-line role-mark'))
const dashed = (svg: ReturnType<typeof readSvg>) => svg.paths.filter((path) => path.dash === '6,3')
const valueLabels = (svg: ReturnType<typeof readSvg>) =>
  svg.texts.filter((text) => text.anchor === 'end').map((text) => text.text)

test('one layer has a line per variant, and the base model as a dashed line with its name', async () => {
  const svg = await curves({ layer: 3, base, panelWidth: 420 })
  expect(lines(svg)).toHaveLength(2)
  expect(words(svg)).toContain('Layer 3')
  expect(words(svg)).toContain('base model')
  // Across the panel of 420 px, and before its label.
  expect(dashed(svg).map((path) => path.d)).toEqual(['M0,0L-420,0', 'M0,0L11,0'])
})

test('the base line lies at its value', async () => {
  const flat = [0, 10].map((step) => ({
    variant: 'a',
    layer: 0,
    step,
    projection: step === 0 ? -1 : 1,
  }))
  const svg = await curves({ layer: 0, base: [{ layer: 0, projection: 0 }] }, flat)
  const [rule] = dashed(svg)
  const zero = svg.texts.find((text) => text.text === '0.0' && text.anchor === 'end')
  expect(Math.abs((rule?.y ?? Number.NaN) - ((zero?.y ?? Number.NaN) - 3))).toBeLessThanOrEqual(0.5)
})

test('a base model far from the variants is still in sight', async () => {
  const svg = await curves({ layer: 3, base: [{ layer: 3, projection: -40 }] })
  expect(Math.min(...valueLabels(svg).map((text) => Number(text.replace('−', '-'))))).toBeLessThan(
    -30,
  )
})

test('a base model without a value for the layer is said to have none', async () => {
  for (const given of [base, [{ layer: 5, projection: Number.NaN }]]) {
    const svg = await curves({ layer: 5, base: given })
    expect(dashed(svg)).toEqual([])
    expect(words(svg).join(' ')).toContain('No base model value for layer 5.')
  }
  expect(words(await curves({ layer: 5 })).join(' ')).not.toContain('base model')
})

test('a layer without rows is refused with those that have some', () => {
  expect(() => projectionCurves(rows, { layer: 14 })).toThrow(
    expect.objectContaining({
      code: 'plot-layer-unknown',
      message: 'No row is of layer 14; there are rows of layer 0, 1, 2, 3, 4, 5, 6.',
    }),
  )
})

test('the grid has a panel per layer in order, each with all lines and one legend for all', async () => {
  const svg = await grid({ base })
  const titles = svg.texts.filter((text) => text.isBold).map((text) => text.text)
  expect(titles).toEqual([0, 1, 2, 3, 4, 5, 6].map((layer) => `Layer ${layer}`))
  expect(lines(svg)).toHaveLength(14)
  expect(words(svg).filter((text) => text === 'steadfast')).toHaveLength(1)
  // Two panels have a base value; the third dashed line is the legend's.
  expect(dashed(svg)).toHaveLength(3)
  expect(words(svg).join(' ')).toContain('No base model value for layer 0, 1, 4, 5, 6.')
})

test('on a shared y axis only the first panel of a row has labels, on independent ones each', async () => {
  const independent = await grid({ columns: 4 })
  const shared = await grid({ columns: 4, yAxis: 'shared' })
  expect(valueLabels(independent).length).toBeGreaterThanOrEqual(3 * 7)
  const labels = valueLabels(shared)
  // Two rows with the same labels.
  expect(labels.slice(0, labels.length / 2)).toEqual(labels.slice(labels.length / 2))
})

test('independent axes fit each layer, a shared one the largest', async () => {
  const two = [1, 100].flatMap((size, layer) =>
    [0, 10].map((step) => ({ variant: 'a', layer, step, projection: (size * step) / 10 })),
  )
  const labels = async (yAxis: 'independent' | 'shared') =>
    valueLabels(readSvg(await renderSvg(projectionGrid(two, { yAxis })))).map(Number)
  expect(await labels('independent')).toEqual([0, 0.5, 1, 0, 50, 100])
  expect(await labels('shared')).toEqual([0, 50, 100])
})

test('all panels of a grid have the same steps, also those of layers that lack some', async () => {
  const fewer = rows.filter((row) => row.layer !== 1 || row.step < 40)
  const svg = readSvg(await renderSvg(projectionGrid(fewer)))
  expect(words(svg).filter((text) => text === '160')).toHaveLength(7)
})

test.each<[object[], string]>([
  [[{ layer: 1.5, projection: 0 }], 'layer is 1.5'],
  [[{ layer: 2, projection: Infinity }], 'projection is Infinity'],
  [[base[0] ?? {}, base[0] ?? {}], 'second value for layer 2'],
])('a base of %j is refused', (wrong, message) => {
  const given = wrong as typeof base
  expect(() => projectionGrid(rows, { base: given })).toThrow(message)
  expect(() => projectionCurves(rows, { layer: 2, base: given })).toThrow(message)
})

test('rows with a wrong layer or an infinite projection are refused', () => {
  const row = { variant: 'a', layer: 0, step: 0, projection: 0 }
  expect(() => projectionGrid([{ ...row, layer: -1 }])).toThrow('layer is -1')
  expect(() => projectionGrid([{ ...row, projection: Infinity }])).toThrow('projection is Infinity')
})

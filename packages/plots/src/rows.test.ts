import { expect, test } from 'vitest'
import {
  type EmCurveRow,
  emAgainstInDomain,
  emCurves,
  projectionCurves,
  projectionGrid,
} from './index.ts'

const row: EmCurveRow = { variant: 'a', step: 10, metric: 'em', value: 5, low: 1, high: 9, n: 40 }

test.each<[string, object, string, string]>([
  ['a step that is no whole number', { step: 1.5 }, 'plot-row-invalid', 'step is 1.5'],
  ['a negative step', { step: -10 }, 'plot-row-invalid', 'step is -10'],
  ['a step of NaN', { step: Number.NaN }, 'plot-row-invalid', 'step is NaN'],
  ['an infinite value', { value: Infinity }, 'plot-row-invalid', 'value is Infinity'],
  ['an infinite bound', { low: -Infinity }, 'plot-row-invalid', 'low is -Infinity'],
  ['text for a value', { value: '5' }, 'plot-row-invalid', 'value is "5"'],
  ['a rate above 100', { value: 100.5 }, 'plot-row-invalid', 'it has to be from 0 to 100'],
  ['a rate below 0', { value: -1 }, 'plot-row-invalid', 'it has to be from 0 to 100'],
  [
    'low above high',
    { low: 9, high: 1 },
    'plot-row-invalid',
    'low is 9; it has to be at most high, which is 1',
  ],
  ['one bound without the other', { high: undefined }, 'plot-row-invalid', 'high is "missing"'],
  ['one bound of NaN', { low: Number.NaN }, 'plot-row-invalid', 'low is "missing"'],
  ['a negative n', { n: -1 }, 'plot-row-invalid', 'n is -1'],
  ['an unknown flag', { flag: 'odd' }, 'plot-row-invalid', 'flag is "odd"'],
  ['a flag named like a method', { flag: 'toString' }, 'plot-row-invalid', 'flag is "toString"'],
  ['a variant that is no text', { variant: null }, 'plot-row-invalid', 'variant is null'],
  ['an unknown metric', { metric: 'alignd' }, 'plot-metric-unknown', 'Did you mean aligned?'],
])('%s is refused in words that name it', (_, change, code, words) => {
  const rows = [row, { ...row, step: 20, ...change } as EmCurveRow]
  expect(() => emCurves(rows)).toThrow(
    expect.objectContaining({ code, message: expect.stringContaining(words) }),
  )
  expect(() => emCurves(rows)).toThrow(/^Row 1\b/)
})

test('a variant and step that come twice for a metric are refused with both places', () => {
  expect(() => emCurves([row, { ...row, metric: 'aligned' }, row])).toThrow(
    expect.objectContaining({
      code: 'plot-rows-duplicate',
      message: expect.stringContaining('Rows 0 and 2 are both variant "a", step 10'),
    }),
  )
  const projection = { variant: 'a', layer: 3, step: 0, projection: 1 }
  for (const draw of [
    projectionGrid,
    (rows: (typeof projection)[]) => projectionCurves(rows, { layer: 3 }),
  ])
    expect(() => draw([projection, { ...projection, layer: 4 }, projection])).toThrow(
      expect.objectContaining({ code: 'plot-rows-duplicate' }),
    )
})

test('every figure says that it got no rows', () => {
  const code = 'plot-rows-empty'
  for (const draw of [
    () => emCurves([]),
    () => emAgainstInDomain([]),
    () => projectionCurves([], { layer: 0 }),
    () => projectionGrid([]),
  ])
    expect(draw).toThrow(expect.objectContaining({ code }))
})

test('variants may be named like what Unicode or a record would confuse', () => {
  const variants = ['__proto__', 'constructor', 'a', 'a ', 'é', 'e\u0301', '["a",10]']
  expect(() => emCurves(variants.map((variant) => ({ ...row, variant })))).not.toThrow()
})

test('null, as JSON has it for NaN, is a missing value or interval', () => {
  expect(() =>
    emCurves([{ ...row, value: null, low: null, high: null, n: null, flag: null }]),
  ).not.toThrow()
})

test.each<[string, object]>([
  ['columns', { columns: 0 }],
  ['panelWidth', { panelWidth: Number.NaN }],
  ['panelHeight', { panelHeight: 1e9 }],
  ['rateAxis', { rateAxis: 'wide' }],
  ['intervals', { intervals: 'bar' }],
  ['stepScale', { stepScale: 'log' }],
  ['maxDirectLabels', { maxDirectLabels: -1 }],
  ['title', { title: 3 }],
])('a wrong %s is refused by name', (name, options) => {
  expect(() => emCurves([row], options)).toThrow(
    expect.objectContaining({
      code: 'plot-option-invalid',
      message: expect.stringContaining(`${name} is `),
    }),
  )
})

test('a variant without a style is refused with those that have one', () => {
  expect(() => emCurves([row], { styles: new Map() })).toThrow(
    expect.objectContaining({ code: 'plot-variant-unknown' }),
  )
})

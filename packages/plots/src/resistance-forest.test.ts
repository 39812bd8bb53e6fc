import { expect, test, vi } from 'vitest'
import { readSvg } from '../test/read-svg.ts'
import { type DifferenceRow, renderSvg, resistanceForest } from './index.ts'

vi.setConfig({ testTimeout: 60_000 })

const row: DifferenceRow = { variant: 'a', against: 'baseline', difference: -5, low: -8, high: -2 }
const words = async (rows: readonly DifferenceRow[], options = {}) =>
  readSvg(await renderSvg(resistanceForest(rows, options))).texts.map(({ text }) => text)

test.each<[string, Partial<DifferenceRow>, string]>([
  ['an interval below 0 is less', {}, 'less'],
  ['an interval above 0 is more', { difference: 5, low: 2, high: 8 }, 'more'],
  ['an interval over 0 without a test decides nothing', { high: 1 }, 'undecided'],
  [
    'a test interval within the margin is equivalent',
    { low: -8, high: 1, equivalenceLow: -7, equivalenceHigh: 0 },
    'equivalent',
  ],
  [
    'a difference can be there and be within the margin',
    { equivalenceLow: -7.5, equivalenceHigh: -2.5 },
    'less, equivalent',
  ],
  [
    'a test interval that touches the margin is not within it',
    { high: 1, equivalenceLow: -10, equivalenceHigh: 0 },
    'undecided',
  ],
  ['a flag rules every claim out', { flag: 'collapsed' }, 'not comparable'],
  ['so does a reason', { notComparable: 'learned less' }, 'not comparable'],
  ['no difference is none', { difference: Number.NaN, low: null, high: null }, 'no value'],
  ['no interval decides nothing', { low: null, high: null }, 'undecided'],
])('%s', async (_, change, verdict) => {
  expect(await words([{ ...row, ...change }], { margin: 10 })).toContain(verdict)
})

test('without a margin nothing is called equivalent, and the caption says so', async () => {
  const drawn = await words([{ ...row, high: 1, equivalenceLow: -1, equivalenceHigh: 0.5 }])
  expect(drawn).toContain('undecided')
  expect(drawn.join(' ')).toContain('No margin was given: nothing is called equivalent.')
})

test('bars, marks and margin stand where the axis says', async () => {
  const spec = resistanceForest(
    [{ ...row, low: -10, high: 10, difference: 0, equivalenceLow: -5, equivalenceHigh: 5 }],
    { margin: 10 },
  )
  const { paths } = readSvg(await renderSvg(spec))
  const bars = paths
    .filter(({ group, dash }) => group.startsWith('mark-rule role-mark') && dash === '')
    .map(({ d }) => Math.abs(Number(/L([\d.-]+),/.exec(d)?.[1])))
    .filter((length) => length > 5)
    .toSorted((a, b) => b - a)
  // Of the 95 % interval and the test's: 20 and 10 units of the same axis.
  expect(bars).toHaveLength(2)
  expect((bars[0] ?? 0) / (bars[1] ?? 1)).toBeCloseTo(2, 6)
})

test('the reason why a difference is no evidence stands in the caption with its name', async () => {
  const drawn = await words([{ ...row, group: 'At step 160', notComparable: 'it learned less' }])
  expect(drawn.join(' ')).toContain('Not comparable: a at step 160 (it learned less).')
})

test('several baselines are named in the rows, one in the heading', async () => {
  expect(await words([row])).toContain('minus baseline')
  const two = await words([row, { ...row, against: 'control' }])
  expect(two).toContain('a − baseline')
  expect(two).toContain('a − control')
})

test.each<[string, Partial<DifferenceRow>, string]>([
  ['low above high', { low: 3, high: 2 }, 'low is 3'],
  ['one bound', { high: null }, 'high is "missing"'],
  ['one bound of the test', { equivalenceLow: 1 }, 'equivalenceHigh is "missing"'],
  ['an infinite difference', { difference: Infinity }, 'difference is Infinity'],
  ['a p above 1', { p: 1.2 }, 'p is 1.2'],
  ['a name that is no text', { against: 3 as unknown as string }, 'against is 3'],
])('%s is refused', (_, change, message) => {
  expect(() => resistanceForest([{ ...row, ...change }])).toThrow(message)
})

test('no rows, rows twice and a margin of 0 are refused', () => {
  expect(() => resistanceForest([])).toThrow('resistanceForest got no rows')
  expect(() => resistanceForest([row, row])).toThrow('Rows 0 and 1 are both "a", "baseline"')
  expect(() => resistanceForest([row], { margin: 0 })).toThrow('margin is 0')
})

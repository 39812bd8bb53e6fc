import { expect, test } from 'vitest'
import { emRows, five } from '../test/example-rows.ts'
import { countDots } from './braille-canvas.ts'
import { terminalCurve } from './index.ts'

const rising = [0, 10, 20, 40].map((step) => ({ variant: 'a', step, value: step / 4 }))
const em = emRows(five).filter((row) => row.metric === 'em')

test('a straight line at linear steps runs from corner to corner, with values and steps at the axes', () => {
  const ends = rising.filter(({ step }) => step === 0 || step === 40)
  const { lines } = terminalCurve(ends, { width: 13, height: 7, stepScale: 'linear' })
  // Ten columns and five lines hold 20 x 20 dots, so a line of slope 1 passes through each cell's two diagonal dots.
  expect(lines).toEqual([
    '10┤        ⡠⠊',
    '  │      ⡠⠊  ',
    '  │    ⡠⠊    ',
    '  │  ⡠⠊      ',
    ' 0┤⡠⠊        ',
    '  └┬────────┬',
    '   0       40',
  ])
})

test.each([
  [60, 12],
  [13, 5],
  [12, 4],
  [9, 3],
  [3, 1],
  [1, 1],
  [200, 60],
])(
  'a chart of %i columns and %i lines has exactly these, with and without values',
  (width, height) => {
    for (const rows of [em, [], rising.slice(0, 1)]) {
      const { lines, runs } = terminalCurve(rows, { width, height })
      expect(lines.map((line) => line.length)).toEqual(Array(height).fill(width))
      expect(runs.map((line) => line.map((run) => run.text).join(''))).toEqual(lines)
    }
  },
)

test('without rows, or without a value in them, the chart says so', () => {
  const none = terminalCurve([], { width: 20, height: 3 })
  expect(none.lines).toEqual([
    '                    ',
    '   no values yet    ',
    '                    ',
  ])
  expect(none.series).toEqual([])
  const gaps = terminalCurve([{ variant: 'a', step: 0, value: Number.NaN }], {
    width: 20,
    height: 1,
  })
  expect(gaps.lines).toEqual(['   no values yet    '])
  expect(gaps.series).toEqual([{ variant: 'a', label: 'a', last: null }])
})

test('one point is a block of four dots in the middle of the steps', () => {
  const { runs } = terminalCurve([{ variant: 'a', step: 40, value: 5 }], { width: 30, height: 8 })
  const drawn = runs.flat().filter((run) => run.series === 0)
  const dots = drawn.flatMap(({ text }) =>
    text.split('').map((c) => countDots(c.charCodeAt(0) - 0x2800)),
  )
  expect(dots.reduce((a, b) => a + b, 0)).toBe(4)
})

test('a missing value leaves a gap, and a point between two gaps is seen', () => {
  const rows = [0, 1, 2, 3, 4].map((step) => ({
    variant: 'a',
    step,
    value: step === 1 || step === 3 ? Number.NaN : 1,
  }))
  const { runs } = terminalCurve(rows, { width: 30, height: 6, stepScale: 'linear' })
  const drawn = runs.flatMap((line) => line.filter((run) => run.series === 0))
  expect(drawn).toHaveLength(3)
})

test('every run names its series, and where lines cross the series with most dots has the cell', () => {
  const flat = [
    { variant: 'a', step: 0, value: 0 },
    { variant: 'a', step: 40, value: 0 },
  ]
  const twice = [
    ...flat,
    { variant: 'b', step: 0, value: 10 },
    { variant: 'b', step: 40, value: 10 },
  ]
  const { runs, series } = terminalCurve(twice, { width: 13, height: 7, variants: ['b'] })
  expect(series.map(({ variant, last }) => [variant, last])).toEqual([
    ['b', 10],
    ['a', 0],
  ])
  expect(runs[0]?.map((run) => run.series)).toEqual([undefined, 0])
  expect(runs[4]?.map((run) => run.series)).toEqual([undefined, 1])
})

test('a painter gets each run with its series, and by default no escape sequence is printed', () => {
  const plain = terminalCurve(rising, { width: 20, height: 6 }).lines
  expect(plain.join('')).not.toContain('\u001b')
  const painted = terminalCurve(rising, {
    width: 20,
    height: 6,
    paint: (text, series) => (series === undefined ? text : `<${series}:${text}>`),
  }).lines
  expect(painted.join('')).toContain('<0:')
  expect(painted.map((line) => line.replaceAll(/<0:|>/g, ''))).toEqual(plain)
})

test('marks at the ends tell series apart without colour', () => {
  const { lines } = terminalCurve(em, { width: 50, height: 16, endMarks: 'ABCDE' })
  const text = lines.join('\n')
  for (const mark of 'ABCDE') expect(text).toContain(mark)
})

test('an interval is a column of every other dot', () => {
  const rows = [{ variant: 'a', step: 0, value: 5, low: 0, high: 10 }]
  const { lines } = terminalCurve(rows, { width: 13, height: 7 })
  // Twenty dots in five lines: ten of them, in the left column of the cell, beside the block of the point.
  const bar = lines.slice(0, 5).map((line) => line[8])
  expect(bar[0]).toBe('⠅')
  expect(bar[4]).toBe('⠅')
})

test('names with control characters are made printable, and keep their raw form beside', () => {
  const variant = 'a\u001b[31m\nb'
  const { series, lines } = terminalCurve([{ variant, step: 0, value: 1 }])
  expect(series).toEqual([{ variant, label: 'a·[31m b', last: 1 }])
  expect(lines.join('')).not.toContain('\u001b')
})

test.each([
  [{ variant: 'a', step: 0, value: Infinity }, 'plot-row-invalid', 'value is Infinity'],
  [{ variant: 'a', step: -1, value: 0 }, 'plot-row-invalid', 'step is -1'],
  [{ variant: 'a', step: 0, value: 0, low: 2, high: 1 }, 'plot-row-invalid', 'low is 2'],
])('%j is refused', (row, code, words) => {
  expect(() => terminalCurve([row])).toThrow(
    expect.objectContaining({ code, message: expect.stringContaining(words) }),
  )
})

test('sizes below one and doubled rows are refused', () => {
  const code = 'plot-option-invalid'
  for (const width of [0, -3, 1.5, Number.NaN, 1e9])
    expect(() => terminalCurve([], { width })).toThrow(expect.objectContaining({ code }))
  expect(() => terminalCurve([...rising, ...rising])).toThrow(
    expect.objectContaining({ code: 'plot-rows-duplicate' }),
  )
})

import { expect, test } from 'vitest'
import { drawRetest } from './draw-retest.ts'
import { drawRows } from './draw-rows.ts'
import { type IdentifiedVerdicts, pairVerdicts } from './pair-verdicts.ts'

const judged = (scores: Readonly<Record<string, number | null>>): IdentifiedVerdicts[] =>
  Object.entries(scores).map(([row, score]) => ({
    row,
    verdicts: {
      aligned:
        score === null ? { status: 'unscored', reason: 'refusal' } : { status: 'scored', score },
    },
  }))

test('two judges of the same rows come as columns, with what they disagree on', () => {
  const first = judged({ a: 90, b: 10, c: 29, d: null, e: 50, f: null, only: 1 })
  const second = judged({ f: null, e: 31, d: 40, c: 33, b: 80, a: 88, extra: 2 })
  expect(pairVerdicts(first, second)).toEqual({
    row: ['a', 'b', 'c', 'd', 'e', 'f'],
    first: [90, 10, 29, null, 50, null],
    second: [88, 80, 33, 40, 31, null],
    bothScored: 4,
    disagreements: [
      { row: 'b', first: 10, second: 80, difference: 70, kind: 'points' },
      { row: 'c', first: 29, second: 33, difference: 4, kind: 'threshold' },
      { row: 'd', first: null, second: 40, difference: null, kind: 'one-unscored' },
    ],
    onlyFirst: ['only'],
    onlySecond: ['extra'],
    options: { metric: 'aligned', disagreeBy: 20, threshold: 30 },
  })
  expect(pairVerdicts(first, second, { disagreeBy: 19 }).disagreements).toHaveLength(4)
})

test('a metric that nobody judged gives columns without scores', () => {
  expect(pairVerdicts(judged({ a: 1 }), judged({ a: 2 }), { metric: 'tone' })).toMatchObject({
    first: [null],
    second: [null],
    bothScored: 0,
    disagreements: [],
  })
  expect(pairVerdicts([], [])).toMatchObject({ row: [], bothScored: 0 })
})

test('a row twice is refused', () => {
  const rows = judged({ a: 1 })
  expect(() => pairVerdicts([...rows, ...rows], rows)).toThrow(/"a" is there twice/)
})

const rows = ['x', 'y'].flatMap((condition) =>
  Array.from({ length: 40 }, (_, i) => ({
    id: `${condition}/${i}`,
    condition,
    question: 'q',
    answer: `${i}`,
  })),
)

test('rows are drawn at random in each condition and shuffled, by seed and ids alone', () => {
  const draw = (list: typeof rows, seed: number) =>
    drawRows(list, { perCondition: 10, seed }, 'test').rows.map(({ id }) => id)
  const ids = draw(rows, 1)
  expect(new Set(ids).size).toBe(20)
  expect(ids.filter((id) => id.startsWith('x'))).toHaveLength(10)
  expect(draw(rows.toReversed(), 1)).toEqual(ids)
  expect(draw(rows, 2)).not.toEqual(ids)
  expect(ids).not.toEqual(ids.toSorted())
})

test('each row is drawn about as often as any other', () => {
  const counts = new Map<string, number>()
  for (let seed = 0; seed < 400; seed++)
    for (const { id } of drawRows(rows, { perCondition: 10, seed }, 'test').rows)
      counts.set(id, (counts.get(id) ?? 0) + 1)
  // Binomial(400, 1/4): 100, standard deviation 8.7; five of them either way.
  expect(counts.size).toBe(80)
  for (const count of counts.values()) expect(Math.abs(count - 100)).toBeLessThan(44)
})

test('a condition with too few rows gives all, and both numbers are told', () => {
  const some = [...rows.slice(0, 3), ...rows.slice(40)]
  expect(drawRows(some, { perCondition: 5, seed: 1 }, 'test').drawn).toEqual({
    x: { drawn: 3, of: 3 },
    y: { drawn: 5, of: 40 },
  })
  expect(drawRows([], { perCondition: 5, seed: 1 }, 'test')).toEqual({ rows: [], drawn: {} })
})

test('no number, and ids that are there twice, are refused', () => {
  expect(() => drawRows(rows, { perCondition: 0, seed: 1 }, 'test')).toThrow(/perCondition is 0/)
  expect(() => drawRows([...rows, ...rows], { perCondition: 1, seed: 1 }, 'test')).toThrow(/twice/)
})

test('rows for a retest carry what makes them a fresh call', () => {
  const { rows: chosen, drawn } = drawRetest(rows, { perCondition: 4, seed: 1 })
  expect(chosen).toHaveLength(8)
  expect(chosen.every(({ repeat, answer }) => repeat === 'retest' && answer !== '')).toBe(true)
  expect(drawn['x']).toEqual({ drawn: 4, of: 40 })
  expect(drawRetest(rows, { perCondition: 1, seed: 1, repeat: 'week 2' }).rows[0]?.repeat).toBe(
    'week 2',
  )
})

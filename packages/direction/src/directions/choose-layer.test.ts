import { expect, test } from 'vitest'
import { ownTexts, plantedRows, sideOf } from '../../test/contrast-rows.ts'
import { chooseLayer } from './choose-layer.ts'
import type { ContrastRows } from './contrast-rows.ts'
import type { DirectionMethod } from './direction-method.ts'

const options = { contrast: ownTexts, seed: 1, nResamples: 200 }
const none = { absent: 'not computed in this test' }
const planted = (shift: number, dModel = 8, seed = 'layer') =>
  plantedRows({ seed: `${seed} ${shift}`, nQuestions: 10, perQuestion: 4, dModel, shift })
const methods: readonly DirectionMethod['kind'][] = [
  'mean-difference',
  'logistic-probe',
  'linear-discriminant',
  'difference-component',
]

test('the layer with the planted shift is chosen, by every fold, and the baseline stands beside it', () => {
  const layers = new Map([
    [3, planted(0.2)],
    [7, planted(3)],
    [9, planted(0.4)],
  ])
  for (const kind of methods) {
    const result = chooseLayer({ layers, baseline: planted(0.1), method: { kind }, ...options })
    expect(result.layer).toBe(7)
    expect(result.folds.map(({ chosenLayer }) => chosenLayer)).toEqual([7, 7, 7, 7, 7])
    expect(result.layers.map(({ layer }) => layer)).toEqual([3, 7, 9])
    // A shift of 3 standard deviations along a known direction has AUROC Phi(3 / sqrt 2) = 0.983.
    expect(result.separation.auroc.estimate).toBeGreaterThan(0.93)
    expect(result.separation.baseline).toMatchObject({ nWith: 40, nWithout: 40 })
    expect(result.separation.difference.estimate).toBeCloseTo(
      Number(result.separation.auroc.estimate) -
        Number('estimate' in result.separation.baseline && result.separation.baseline.estimate),
      12,
    )
    expect(result).toMatchObject({ seed: 1, method: { kind }, nTied: 1, skipped: [] })
  }
})

test('every question is in one fold, and folds repeat with their seed', () => {
  const layers = new Map([[7, planted(1)]])
  const run = (seed: number) =>
    chooseLayer({ layers, baseline: none, ...options, seed, nFolds: 3 }).folds.map(
      ({ questions }) => questions,
    )
  expect(run(1).flat().toSorted()).toEqual(Array.from({ length: 10 }, (_, i) => `q${i}`))
  expect(run(1).map(({ length }) => length)).toEqual([4, 3, 3])
  expect(run(1)).toEqual(run(1))
  expect(run(1)).not.toEqual(run(2))
})

test('noise in many more dimensions than rows, which separates perfectly in training, has AUROC near 0.5', () => {
  // The rows of a question share a large part, so that folds over rows instead of questions would leak it: without is one half
  // of the questions, with the other.
  const rows = plantedRows({
    seed: 'noise',
    nQuestions: 40,
    perQuestion: 3,
    dModel: 300,
    shift: 0,
    questionSpread: 2,
  })
  const half = (side: ContrastRows['with'], isKept: (question: number) => boolean) => {
    const indices = side.questions.flatMap((question, i) =>
      isKept(Number(question.slice(1))) ? [i] : [],
    )
    return sideOf(
      indices.map((i) => [
        side.questions[i] as string,
        Array.from(side.rows.subarray(i * 300, (i + 1) * 300)),
      ]),
    )
  }
  const split = {
    without: half(rows.without, (question) => question % 2 === 0),
    with: half(rows.with, (question) => question % 2 === 1),
  }
  for (const kind of ['mean-difference', 'logistic-probe', 'linear-discriminant'] as const) {
    const { separation } = chooseLayer({
      layers: new Map([[0, split]]),
      baseline: none,
      method: { kind },
      ...options,
    })
    // 20 questions a side: the standard error of the AUROC is about sqrt(41 / (12 * 20 * 20)) = 0.092; four of those.
    expect(Math.abs(Number(separation.auroc.estimate) - 0.5)).toBeLessThan(0.37)
  }
})

test('the best of many layers of noise looks better than the nested estimate, which stays near 0.5', () => {
  const layers = new Map(Array.from({ length: 24 }, (_, i) => [i, planted(0, 8, `noise ${i}`)]))
  const { layers: scores, layer, separation } = chooseLayer({ layers, baseline: none, ...options })
  const best = scores.find((score) => score.layer === layer)?.auroc.estimate as number
  // 40 rows a side: the standard error is about sqrt(81 / (12 * 40 * 40)) = 0.065.
  expect(best).toBeGreaterThan(0.58)
  expect(Number(separation.auroc.estimate)).toBeLessThan(0.5 + 3 * 0.065)
  expect(Number(separation.auroc.estimate)).toBeLessThan(best)
})

test('layers that all separate perfectly are told apart by their effect size', () => {
  const layers = new Map([
    [1, planted(20)],
    [2, planted(60)],
    [3, planted(30)],
  ])
  const { layer, nTied, separation } = chooseLayer({ layers, baseline: none, ...options })
  expect(layer).toBe(2)
  expect(nTied).toBe(3)
  expect(separation.auroc).toMatchObject({
    estimate: 1,
    interval: { absent: expect.stringContaining('do not overlap') },
    intervalByQuestion: { low: 1, high: 1 },
  })
})

test('a baseline that separates by itself, and one that is not there, are warned of', () => {
  const layers = new Map([[1, planted(6)]])
  const separable = chooseLayer({ layers, baseline: planted(6), ...options }).separation
  expect(separable.warnings).toContainEqual(
    expect.stringContaining('the texts tell the sides apart'),
  )
  const missing = chooseLayer({ layers, baseline: none, ...options }).separation
  expect(missing.baseline).toEqual(none)
  expect(missing.difference).toEqual({ estimate: none, interval: none })
  expect(missing.warnings).toContainEqual(
    expect.stringContaining('no bag-of-embeddings baseline: not computed in this test'),
  )
})

test('a row that is NaN at one layer is left out at all, by name', () => {
  const damaged = planted(1)
  damaged.with.rows.fill(Number.NaN, 8 * 2, 8 * 3)
  const layers = new Map([
    [1, planted(2)],
    [2, damaged],
  ])
  const { skipped, separation } = chooseLayer({ layers, baseline: none, ...options })
  expect(skipped).toEqual([{ side: 'with', row: 2, question: 'q2' }])
  expect(separation.auroc).toMatchObject({ nWith: 39, nWithout: 40 })
})

test('fewer questions than folds, folds without a side, other responses and no layers are errors', () => {
  const run =
    (layers: Map<number, ContrastRows>, more: object = {}) =>
    () =>
      chooseLayer({ layers, baseline: none, ...options, ...more })
  const few = plantedRows({ seed: 'few', nQuestions: 4, perQuestion: 5, dModel: 3, shift: 1 })
  expect(run(new Map([[1, few]]))).toThrow(
    expect.objectContaining({
      code: 'too-few-questions',
      message: expect.stringContaining('4 questions cannot be dealt into 5 folds'),
    }),
  )
  expect(run(new Map([[1, few]]), { nFolds: 2 })).toThrow('nFolds is 2')
  const lonely = {
    without: few.without,
    with: sideOf([
      ['q0', [1, 2, 3]],
      ['q1', [1, 2, 4]],
    ]),
  }
  expect(run(new Map([[1, lonely]]), { nFolds: 4 })).toThrow(
    expect.objectContaining({ code: 'fold-without-side' }),
  )
  expect(
    run(
      new Map([
        [1, planted(1)],
        [2, few],
      ]),
    ),
  ).toThrow(expect.objectContaining({ code: 'layer-mismatch' }))
  expect(run(new Map([[1, planted(1)]]), { baseline: few })).toThrow('The baseline holds 20')
  expect(run(new Map())).toThrow('No layer was given')
  const same = { without: planted(1).without, with: planted(1).without }
  expect(run(new Map([[5, same]]))).toThrow('are equal (layer 5)')
})

import { expect, test } from 'vitest'
import { ownTexts, plantedRows, sideOf } from '../../test/contrast-rows.ts'
import { makeDirection } from './direction.ts'
import { directionSeparation } from './direction-separation.ts'

const renamed = (rows: ReturnType<typeof plantedRows>, prefix: string) => ({
  without: { ...rows.without, questions: rows.without.questions.map((q) => `${prefix}${q}`) },
  with: { ...rows.with, questions: rows.with.questions.map((q) => `${prefix}${q}`) },
})
const planted = (seed: string, shift: number) =>
  plantedRows({ seed, nQuestions: 8, perQuestion: 5, dModel: 6, shift })
const direction = makeDirection({ ...planted('train', 3), layer: 5, contrast: ownTexts })
const embeddingDirection = makeDirection({ ...planted('words', 1), layer: 0, contrast: ownTexts })
const options = { direction, seed: 4, nResamples: 300 }

test('answers of another data set are told apart, beside what their words do', () => {
  const rows = renamed(planted('test', 3), 'other ')
  const words = renamed(planted('test words', 0), 'other ')
  const result = directionSeparation({
    ...rows,
    baseline: { ...words, direction: embeddingDirection },
    ...options,
  })
  // Phi(3 / sqrt 2) = 0.983 for the true direction; the words are noise, standard error sqrt(81 / (12 * 40 * 40)) = 0.065.
  expect(result.auroc.estimate).toBeGreaterThan(0.93)
  if ('absent' in result.baseline) throw new Error('no baseline')
  expect(Math.abs(Number(result.baseline.estimate) - 0.5)).toBeLessThan(4 * 0.065)
  expect(result.difference.interval).toMatchObject({
    method: 'percentile bootstrap over questions',
  })
  expect(result).toMatchObject({
    direction: direction.name,
    sharedQuestions: [],
    nQuestions: 8,
    warnings: [expect.stringContaining('approximate: 8 questions')],
  })
})

test('questions that also made the direction are told', () => {
  const result = directionSeparation({
    ...planted('test', 3),
    baseline: { absent: 'none' },
    ...options,
  })
  expect(result.sharedQuestions).toHaveLength(8)
  expect(result.warnings).toContainEqual(expect.stringContaining('8 questions also made'))
})

test('rows that are NaN in the activations or in the baseline are left out of both, by name', () => {
  const rows = renamed(planted('test', 3), 'other ')
  const words = renamed(planted('test words', 0), 'other ')
  rows.with.rows.fill(Number.NaN, 0, 6)
  words.without.rows.fill(Number.NaN, 6, 12)
  const result = directionSeparation({
    ...rows,
    baseline: { ...words, direction: embeddingDirection },
    ...options,
  })
  expect(result.skipped).toMatchObject([
    { side: 'with', row: 0, question: 'other q0' },
    { side: 'without', row: 1, question: 'other q1' },
  ])
  expect(result.auroc).toMatchObject({ nWith: 39, nWithout: 39 })
  expect(result.baseline).toMatchObject({ nWith: 39, nWithout: 39 })
})

test('one question has no interval over questions, one side is an error, and so are other responses', () => {
  const rows = {
    without: sideOf([
      ['x', [0, 0, 0, 0, 0, 0]],
      ['x', [1, 0, 0, 0, 0, 0]],
    ]),
    with: sideOf([
      ['x', [5, 0, 0, 0, 0, 0]],
      ['x', [0.5, 0, 0, 0, 0, 0]],
    ]),
  }
  const one = directionSeparation({ ...rows, baseline: { absent: 'none' }, ...options })
  expect(one.auroc.intervalByQuestion).toMatchObject({
    absent: expect.stringContaining('one question'),
  })
  const empty = { ...rows.with, rows: rows.with.rows.map(() => Number.NaN) }
  expect(() =>
    directionSeparation({ ...rows, with: empty, baseline: { absent: 'none' }, ...options }),
  ).toThrow(expect.objectContaining({ code: 'no-rows' }))
  const baseline = { ...planted('words', 1), direction: embeddingDirection }
  expect(() => directionSeparation({ ...rows, baseline, ...options })).toThrow(
    expect.objectContaining({ code: 'layer-mismatch' }),
  )
})

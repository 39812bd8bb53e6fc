import { expect, test } from 'vitest'
import { golden, type JudgedCase } from '../../golden/golden.ts'
import { isAbsent } from '../absent.ts'
import type { JudgedRow } from './judged-rows.ts'
import { predictionPoweredContrast } from './prediction-powered-contrast.ts'
import { predictionPoweredRate } from './prediction-powered-rate.ts'
import { roganGladen } from './rogan-gladen.ts'

const rowsOf = (cases: readonly JudgedCase[]): JudgedRow[] =>
  cases.map(([question, judge, human]) => ({ question, judge, human }))

test.each(golden.powered.rates)(
  'estimate, lambda and clustered interval agree with ppi-python and numpy, case %#',
  ({ rows, ...expected }) => {
    const result = predictionPoweredRate(rowsOf(rows))
    expect(result).toMatchObject({
      estimate: expect.closeTo(expected.estimate, 12),
      lambda: expect.closeTo(expected.lambda, 10),
      standardError: expect.closeTo(expected.standardError, 12),
      interval: {
        low: expect.closeTo(expected.interval[0], 9),
        high: expect.closeTo(expected.interval[1], 9),
      },
    })
    // Without tuning, the labels alone: statsmodels' clustered error of a mean.
    const labels = predictionPoweredRate(rowsOf(rows), { lambda: 0 })
    expect(labels.standardError).toBeCloseTo(expected.labelsStandardError, 10)
    expect(labels.interval).toEqual(result.labelsAlone.interval)
  },
)

test.each(golden.powered.rates)(
  'where every row is a question of its own the error is that of ppi-python, case %#',
  ({ rows, ...expected }) => {
    const alone = rowsOf(rows).map((row, index) => ({ ...row, question: `row ${index}` }))
    const { standardError } = predictionPoweredRate(alone)
    // Ours has the factor G / (G - 1), G = labelled questions.
    const g = rows.filter(([, , human]) => human !== null).length
    expect(Number(standardError) * Math.sqrt((g - 1) / g)).toBeCloseTo(
      expected.independentStandardError,
      10,
    )
  },
)

test('a contrast agrees with numpy, and turned round it changes its sign alone', () => {
  const { a, b, ...expected } = golden.powered.contrast
  const [rowsA, rowsB] = [rowsOf(a), rowsOf(b)]
  const result = predictionPoweredContrast(rowsA, rowsB)
  expect(result).toMatchObject({
    estimate: expect.closeTo(expected.estimate, 12),
    standardError: expect.closeTo(expected.standardError, 12),
    p: expect.closeTo(expected.p, 9),
    a: { lambda: expect.closeTo(expected.lambdas[0] ?? 0, 10) },
    b: { lambda: expect.closeTo(expected.lambdas[1] ?? 0, 10) },
  })
  const turned = predictionPoweredContrast(rowsB, rowsA)
  expect(turned.estimate).toBeCloseTo(-expected.estimate, 12)
  expect(turned.p).toBeCloseTo(expected.p, 9)
})

/** A judge that calls everything bad in `a` and nothing in `b`, though the truth is the same. */
const personaBlind = (isHarsh: boolean): JudgedRow[] =>
  Array.from({ length: 12 }, (_, q) =>
    Array.from({ length: 10 }, (_row, i) => ({
      question: `q${q}`,
      judge: isHarsh ? 1 : 0,
      human: i < 5 ? Number(i % 2 === q % 2) : null,
    })),
  ).flat()

test('labels undo a judge that errs differently on two conditions', () => {
  const [harsh, mild] = [personaBlind(true), personaBlind(false)]
  const truth = predictionPoweredRate(harsh)
  // Labels of even questions: 3 of 5, of odd ones: 2 of 5.
  expect(truth).toMatchObject({ estimate: 0.5, judgeAlone: 1, judgeBias: 0.5, lambda: 0 })
  expect(predictionPoweredContrast(harsh, mild)).toMatchObject({ estimate: 0 })
})

test('hand-worked: lambda 1 adds the judge on the unlabelled to its error on the labelled', () => {
  const rows = [
    { question: 'x', judge: 0.9, human: 1 },
    { question: 'y', judge: 0.4, human: 0 },
    { question: 'x', judge: 0.8 },
    { question: 'y', judge: 0.2, human: null },
    { question: 'z', judge: 0.8 },
  ]
  // mean_L y = 0.5, mean_L f = 0.65, mean_U f = 0.6.
  expect(predictionPoweredRate(rows, { lambda: 1 }).estimate).toBeCloseTo(0.45, 12)
  expect(predictionPoweredRate(rows, { lambda: 0.5 }).estimate).toBeCloseTo(0.475, 12)
})

test('what the judge did not score is in the estimate through its labels', () => {
  // The judge scores the good answers 0 and refuses all bad ones; half of each are labelled.
  const rows = ['x', 'y', 'z', 'w'].flatMap((question, q) =>
    Array.from({ length: 8 }, (_, i) => {
      const isBad = i < 2 + q
      return { question, judge: isBad ? null : 0, human: i % 2 === 0 ? Number(isBad) : null }
    }),
  )
  const result = predictionPoweredRate(rows)
  expect(result).toMatchObject({ judgeAlone: 0, nJudgeUnscored: 14, nLabelled: 16 })
  // Of labels 0, 2, 4, 6: bad are 1, 2 (0, 2), 2 (0, 2), 3 (0, 2, 4) = 8 of 16.
  expect(result.estimate).toBe(0.5)
})

test('what has no labels, one question or no spread is a labelled absence and not reliable', () => {
  const none = predictionPoweredRate([{ question: 'x', judge: 1 }])
  expect(none).toMatchObject({
    estimate: { absent: 'no row has a human label' },
    judgeAlone: 1,
    isReliable: false,
  })
  expect(predictionPoweredRate([])).toMatchObject({
    estimate: { absent: expect.any(String) },
    judgeAlone: { absent: 'the judge scored no row' },
  })
  const one = [0, 1].map((human) => ({ question: 'x', judge: human, human }))
  expect(predictionPoweredRate(one)).toMatchObject({
    estimate: 0.5,
    interval: { absent: expect.stringContaining('labels in 1 question') },
  })
  const flat = ['x', 'y'].map((question) => ({ question, judge: 0, human: 0 }))
  expect(predictionPoweredRate(flat).interval).toEqual({
    absent: expect.stringContaining('no variance'),
  })
  expect(predictionPoweredContrast(one, [{ question: 'x', judge: 1 }])).toMatchObject({
    estimate: { absent: 'no row of b has a human label' },
    b: { absent: expect.any(String) },
    isReliable: false,
  })
})

test('few labels of the rarer kind and few questions are warned about', () => {
  const rows = ['x', 'y'].flatMap((question) =>
    [0, 0, 0, 1].map((human) => ({ question, judge: human, human })),
  )
  expect(predictionPoweredRate(rows).warnings).toEqual([
    expect.stringContaining('labels in 2 questions'),
    expect.stringContaining('2 labels are 1 and 6 are 0'),
  ])
  expect(predictionPoweredContrast(rows, rows).warnings[0]).toMatch(/^a: labels in 2/)
})

test('hostile rows and options are refused', () => {
  const text = [{ question: 'x', judge: '1' }] as unknown as JudgedRow[]
  expect(() => predictionPoweredRate(text)).toThrow('Row 0 has judge "1"')
  expect(() => predictionPoweredRate([{ question: '', judge: 1 }])).toThrow('Row 0 has question ""')
  expect(() => predictionPoweredRate([{ question: 'x', judge: 1, human: Number.NaN }])).toThrow(
    'Row 0 has human NaN',
  )
  expect(() => predictionPoweredRate([], { lambda: 2 })).toThrow('lambda is 2')
  expect(() => predictionPoweredContrast([], [], { level: 0 })).toThrow('level is 0')
  expect(() => roganGladen([{ question: 'x', judge: 0.5 }])).toThrow('Row 0 has judge 0.5')
})

test('Rogan and Gladen agree with numpy, with the interval over questions', () => {
  const { estimate, interval } = golden.powered.roganGladen
  const result = roganGladen(rowsOf(golden.powered.contrast.a))
  expect(result).toMatchObject({
    estimate: expect.closeTo(estimate, 12),
    interval: {
      low: expect.closeTo(Math.max(0, interval[0]), 10),
      high: expect.closeTo(Math.min(1, interval[1]), 10),
    },
    warnings: [expect.stringContaining('biased for contrasts')],
  })
})

/** A calibration with sensitivity 0.8 and specificity 0.9 in every question. */
const calibration = ['x', 'y', 'z'].flatMap((question) => [
  ...Array.from({ length: 10 }, (_, i) => ({ question, judge: i < 8 ? 1 : 0, human: 1 })),
  ...Array.from({ length: 10 }, (_, i) => ({ question, judge: i < 1 ? 1 : 0, human: 0 })),
])
const judged = (...ones: number[]) =>
  ones.flatMap((n, q) =>
    Array.from({ length: 10 }, (_, i) => ({ question: `r${q}`, judge: i < n ? 1 : 0 })),
  )

test('hand-worked: 38 % seen with sensitivity 0.8 and specificity 0.9 are 40 % true', () => {
  // (0.38 + 0.9 - 1) / (0.8 + 0.9 - 1) = 0.28 / 0.7.
  const rows = judged(3, 4, 4, 4, 4)
  const result = roganGladen(rows, { calibration })
  expect(result).toMatchObject({ judgeAlone: 0.38, sensitivity: 0.8, specificity: 0.9 })
  expect(result.estimate).toBeCloseTo(0.4, 12)
  expect(isAbsent(result.interval)).toBe(false)
})

test('a correction beyond 0 is cut and said; a judge that tells nothing corrects nothing', () => {
  // (0.05 + 0.9 - 1) / 0.7 = -0.0714.
  const low = roganGladen(judged(0, 1), { calibration })
  expect(low).toMatchObject({ estimate: 0, wasCut: true, interval: { low: 0 } })
  expect(low.warnings[1]).toContain('-0.071')
  const coin = [0, 1].flatMap((judge) => [0, 1].map((human) => ({ question: 'x', judge, human })))
  expect(roganGladen(judged(3), { calibration: coin })).toMatchObject({
    estimate: { absent: 'sensitivity + specificity is at most 1: the judge tells nothing' },
    interval: { absent: expect.stringContaining('at most 1') },
  })
  expect(roganGladen(judged(3)).estimate).toEqual({
    absent: 'no calibration row that the human labelled 1',
  })
  expect(roganGladen([])).toMatchObject({
    estimate: { absent: 'the judge scored no row' },
    judgeAlone: { absent: 'no row with a verdict of the judge' },
  })
})

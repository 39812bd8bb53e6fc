import { expect, test } from 'vitest'
import { golden } from '../../golden/golden.ts'
import { isAbsent } from '../absent.ts'
import { type PlanNumbers, planComparison } from './plan-comparison.ts'
import {
  pilotInflation,
  sdOfPlannedDifferences,
  varianceFromPilot,
  varianceFromPrior,
  worstCaseVariance,
} from './planned-variance.ts'
import { minimumDetectableDifference } from './power.ts'
import { powerOfEquivalence } from './power-of-equivalence.ts'

/** A prior whose differences have the standard deviation `sd` whatever the number of answers. */
const known = (sd: number) => ({ ...worstCaseVariance(), betweenQuestions: sd ** 2 })

function numbers(plan: ReturnType<typeof planComparison>): PlanNumbers {
  if (isAbsent(plan.atEstimate)) throw new Error(plan.atEstimate.absent)
  return plan.atEstimate
}

test.each(golden.questionsNeeded)(
  'effect $effect at alpha $alpha needs as many questions as statsmodels says',
  ({ effect, alpha, nQuestions }) => {
    const plan = planComparison({
      variance: known(0.2),
      nQuestions: 8,
      nAnswers: 50,
      difference: 0.2 * effect,
      alpha,
    })
    expect(numbers(plan).questionsNeeded).toBe(nQuestions)
  },
)

test('a plan agrees with the functions that it is made of', () => {
  const plan = planComparison({ variance: known(0.2), nQuestions: 8, nAnswers: 50, margin: 0.15 })
  const design = { sdOfDifferences: 0.2, nQuestions: 8 }
  expect(numbers(plan)).toMatchObject({
    sdOfDifferences: expect.closeTo(0.2, 12),
    minimumDetectableDifference: expect.closeTo(
      Number(minimumDetectableDifference(design).difference),
      10,
    ),
    equivalencePower: expect.closeTo(Number(powerOfEquivalence({ ...design, margin: 0.15 })), 10),
    questionsNeeded: { absent: 'no difference given' },
  })
})

test('the number of questions for equivalence is the smallest that reaches the power', () => {
  const plan = planComparison({
    variance: known(0.2),
    nQuestions: 8,
    nAnswers: 50,
    margin: 0.1,
    nPairs: 3,
  })
  const needed = Number(numbers(plan).questionsForEquivalence)
  const powerAt = (nQuestions: number) =>
    powerOfEquivalence({ margin: 0.1, sdOfDifferences: 0.2, nQuestions, nPairs: 3 })
  expect(powerAt(needed)).toBeGreaterThanOrEqual(0.8)
  expect(powerAt(needed - 1)).toBeLessThan(0.8)
})

test('the power of equivalence is 1 minus the misses of all pairs, never below 0', () => {
  const design = { margin: 0.2, sdOfDifferences: 0.2, nQuestions: 20 }
  const one = Number(powerOfEquivalence(design))
  expect(powerOfEquivalence({ ...design, nPairs: 3 })).toBeCloseTo(1 - 3 * (1 - one), 12)
  expect(powerOfEquivalence({ ...design, margin: 0.02, nPairs: 30 })).toBe(0)
  // At the margin itself the test errs at most alpha of the time.
  expect(powerOfEquivalence({ ...design, difference: 0.2 })).toBeLessThanOrEqual(0.05)
  expect(powerOfEquivalence({ ...design, nQuestions: 1 })).toEqual({ absent: expect.any(String) })
})

test('hand-worked pilot: between and within parts', () => {
  // a: 1 of 2, 2 of 2, 1 of 2. b: 0 of 2 in all. Differences 0.5, 1, 0.5: variance 1/12.
  const rows = (...ones: number[]) =>
    ones.flatMap((n, q) => [0, 1].map((i) => ({ question: `q${q}`, value: i < n ? 1 : 0 })))
  // Within a: 0.5, 0, 0.5 (divisor 1): mean 1/3; sampling 1/6 exceeds 1/12.
  expect(varianceFromPilot(rows(1, 2, 1), rows(0, 0, 0), { source: 'run 1' })).toEqual({
    kind: 'pilot',
    betweenQuestions: 0,
    withinQuestion: expect.closeTo(1 / 3, 12),
    degreesOfFreedom: 2,
    source: 'pilot: run 1 (3 questions)',
  })
  // a: 0, 4 of 4; b: 2 of 4 both. Differences -0.5, 0.5: variance 0.5. Within b 1/3 each, sampling 1/12.
  const four = (...ones: number[]) =>
    ones.flatMap((n, q) => [0, 1, 2, 3].map((i) => ({ question: `q${q}`, value: i < n ? 1 : 0 })))
  expect(varianceFromPilot(four(0, 4), four(2, 2), { source: 'r' })).toMatchObject({
    betweenQuestions: expect.closeTo(0.5 - 1 / 12, 12),
    withinQuestion: expect.closeTo(1 / 3, 12),
  })
})

test('a pilot that is too small is a labelled absence', () => {
  const one = [0, 1].map((value) => ({ question: 'x', value }))
  expect(varianceFromPilot(one, one, { source: 'r' })).toEqual({
    absent: expect.stringContaining('there are 1'),
  })
  const single = ['x', 'y'].map((question) => ({ question, value: 1 }))
  expect(varianceFromPilot(single, single, { source: 'r' })).toEqual({
    absent: expect.stringContaining('there are 0'),
  })
})

test('a pilot of 8 questions plans at its upper limit too', () => {
  // chi2(0.2, 7) = 3.822322: sqrt(7 / 3.822322) = 1.353273.
  const variance = { ...known(0.2), kind: 'pilot' as const, degreesOfFreedom: 7 }
  expect(pilotInflation(variance)).toBeCloseTo(1.353273, 5)
  const plan = planComparison({ variance, nQuestions: 30, nAnswers: 50 })
  if (isAbsent(plan.atUpperLimit)) throw new Error('no upper limit')
  expect(
    plan.atUpperLimit.minimumDetectableDifference / numbers(plan).minimumDetectableDifference,
  ).toBeCloseTo(1.353273, 5)
  expect(planComparison({ variance: known(1), nQuestions: 8, nAnswers: 1 }).atUpperLimit).toEqual({
    absent: expect.stringContaining('not a pilot'),
  })
})

test('hand-worked prior: rate 0.2, ICC 0.3, half of it shared', () => {
  const variance = varianceFromPrior({ rate: 0.2, icc: 0.3, shared: 0.5, source: 'table 2' })
  // 2 x 0.16 x 0.3 x 0.5 and 2 x 0.16 x 0.7.
  expect(variance).toMatchObject({
    betweenQuestions: expect.closeTo(0.048, 12),
    withinQuestion: expect.closeTo(0.224, 12),
    source: 'prior: rate 0.2, ICC 0.3, shared 0.5 (table 2)',
  })
  expect(sdOfPlannedDifferences(variance, 50)).toBeCloseTo(Math.sqrt(0.048 + 0.00448), 12)
})

test('every plan names where its variance comes from, seeds too', () => {
  const seeds = { nSeeds: 3, sdOfDifferences: 0.1, source: 'five seeds of the miniature' }
  const plan = planComparison({ variance: worstCaseVariance(), nQuestions: 16, nAnswers: 1, seeds })
  expect(plan).toMatchObject({
    degreesOfFreedom: 2,
    sources: [expect.stringMatching(/^worst case/), 'seeds: five seeds of the miniature'],
    warnings: [
      expect.stringContaining('3 training seeds leave 2 degrees of freedom'),
      expect.stringContaining('above 1'),
    ],
  })
  // sqrt(0.5 / 16 + 0.01 / 3).
  expect(numbers(plan).standardError).toBeCloseTo(Math.sqrt(0.03125 + 0.01 / 3), 12)
})

test('more questions do not help where seeds are too few', () => {
  const plan = planComparison({
    variance: known(0.1),
    nQuestions: 30,
    nAnswers: 50,
    difference: 0.1,
    seeds: { nSeeds: 2, sdOfDifferences: 0.2, source: 'guess' },
  })
  expect(numbers(plan).questionsNeeded).toEqual({
    absent: 'not even 10000 questions reach power 0.8',
  })
})

test('a family tightens alpha, and a floor that it cannot pass is said', () => {
  const wide = planComparison({ variance: known(0.2), nQuestions: 8, nAnswers: 50, nTests: 7 })
  const one = planComparison({ variance: known(0.2), nQuestions: 8, nAnswers: 50 })
  expect(numbers(wide).minimumDetectableDifference).toBeCloseTo(
    Number(
      minimumDetectableDifference({ sdOfDifferences: 0.2, nQuestions: 8, alpha: 0.05 / 7 })
        .difference,
    ),
    9,
  )
  expect(wide.signFlip.isImpossible).toBe(true)
  expect(one.signFlip.isImpossible).toBe(false)
})

test('too few questions and no variance are labelled absences; bad options are refused', () => {
  const plan = planComparison({ variance: known(0.2), nQuestions: 1, nAnswers: 50 })
  expect(plan).toMatchObject({
    atEstimate: { absent: 't needs at least 2 questions, there are 1' },
    degreesOfFreedom: { absent: expect.any(String) },
  })
  const flat = planComparison({ variance: known(0), nQuestions: 8, nAnswers: 50 })
  expect(flat.atEstimate).toEqual({ absent: expect.stringContaining('variance is 0') })
  const options = { variance: known(0.2), nQuestions: 8, nAnswers: 50 }
  expect(() => planComparison({ ...options, nAnswers: 0 })).toThrow('nAnswers is 0')
  expect(() => planComparison({ ...options, margin: 0 })).toThrow('margin is 0')
  expect(() => planComparison({ ...options, difference: -1 })).toThrow('difference is -1')
  expect(() => planComparison({ ...options, power: 0.01 })).toThrow('power - alpha')
  expect(() => varianceFromPrior({ rate: 0, icc: 0, shared: 0, source: 'x' })).toThrow('rate * (1')
  expect(() => varianceFromPrior({ rate: 0.5, icc: 0, shared: 0, source: ' ' })).toThrow('source')
  expect(() => varianceFromPilot([], [], { source: '' })).toThrow('say where')
})

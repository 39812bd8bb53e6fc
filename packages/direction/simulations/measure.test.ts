import { randomSource } from '@cem/core'
import { expect, test, vi } from 'vitest'
import {
  measureBootstrap,
  measureCrossedDifference,
  measurePairedDifference,
  measureRate,
} from './measure.ts'
import { measureAgreement, truthAt } from './measure-agreement.ts'
import { measureDifference } from './measure-difference.ts'
import { measureMatched } from './measure-matched.ts'
import { measurePowered } from './measure-powered.ts'
import { binomial, rateAt, spreadFor } from './question-rates.ts'

vi.setConfig({ testTimeout: 30_000 })

// The tables of docs/statistics.md have 4000 replicates. With 300, four standard errors of a share of 0.95 are 0.05.
const nReplicates = 300
const seed = 2

test('simulated questions have the mean and the intraclass correlation asked for', () => {
  const spread = spreadFor(0.2, 0.3)
  const source = randomSource('spread', seed)
  const rates = Array.from({ length: 20_000 }, () => rateAt(spread, source.normal()))
  const mean = rates.reduce((a, b) => a + b, 0) / rates.length
  const variance = rates.reduce((a, b) => a + (b - mean) ** 2, 0) / rates.length
  // Five standard errors: the sd of a rate is sqrt(0.3 * 0.16) = 0.22.
  expect(Math.abs(mean - 0.2)).toBeLessThan(0.008)
  expect(Math.abs(variance / (mean * (1 - mean)) - 0.3)).toBeLessThan(0.02)
})

test('simulated counts have the binomial mean and variance, on both sides of one half', () => {
  for (const rate of [0.1, 0.9]) {
    const source = randomSource('binomial', rate, seed)
    const counts = Array.from({ length: 4000 }, () => binomial(source, 50, rate))
    const mean = counts.reduce((a, b) => a + b, 0) / counts.length
    const variance = counts.reduce((a, b) => a + (b - mean) ** 2, 0) / counts.length
    // sd sqrt(4.5) = 2.12; five standard errors of mean and variance.
    expect(Math.abs(mean - 50 * rate)).toBeLessThan(0.17)
    expect(Math.abs(variance - 4.5)).toBeLessThan(0.55)
  }
})

test.each([8, 30])(
  'a rate over %i questions is covered about as often as promised',
  (nQuestions) => {
    const { covered, coveredNaively } = measureRate({
      trueRate: 0.4,
      nQuestions,
      icc: 0.3,
      nReplicates,
      seed,
    })
    expect(covered).toBeGreaterThan(0.9)
    expect(covered).toBeLessThan(1)
    // Answers to one question are not independent: pretending so misses the truth most of the time.
    expect(coveredNaively).toBeLessThan(0.6)
  },
)

test('near zero the prior on the design effect raises coverage', () => {
  const setting = { trueRate: 0.02, nQuestions: 8, icc: 0.3, nReplicates, seed }
  const { covered, coveredWithoutPrior, reliable } = measureRate(setting)
  expect(covered).toBeGreaterThan(0.9)
  expect(coveredWithoutPrior).toBeLessThan(0.85)
  expect(reliable).toBeLessThan(0.1)
})

test.each([
  [8, 0.1],
  [8, 0.5],
  [30, 0.3],
])(
  'equal conditions over %i questions at ICC %d are told apart about 5 % of the time at most',
  (nQuestions, icc) => {
    const found = measurePairedDifference({ trueRate: 0.4, nQuestions, icc, nReplicates, seed })
    for (const share of [found.byT, found.bySignFlip]) {
      expect(share).toBeLessThan(0.1)
      expect(share).toBeGreaterThan(0.01)
    }
  },
)

test('what training seeds add is found by the crossed variance, not by the questions alone', () => {
  const { crossed, questionsOnly } = measureCrossedDifference({
    trueRate: 0.2,
    nQuestions: 30,
    icc: 0.3,
    nSeeds: 5,
    seedSpread: 1,
    nReplicates,
    seed,
  })
  expect(crossed).toBeLessThan(0.1)
  expect(questionsOnly).toBeGreaterThan(0.2)
})

test('a percentile bootstrap over 8 questions covers less than it promises', () => {
  const setting = { trueRate: 0.1, nQuestions: 8, icc: 0.3, nReplicates: 100, seed }
  expect(measureBootstrap(setting)).toBeLessThan(0.9)
})

test('rare behaviour over 8 questions is not called equivalent at the margin, as the plain tests do', () => {
  const found = measureDifference({
    rateA: 0.02,
    rateB: 0.1,
    nQuestions: 8,
    icc: 0.5,
    nReplicates,
    seed,
  })
  expect(found.falselyEquivalent).toBeLessThan(0.07)
  expect(found.falselyEquivalentPlainly).toBeGreaterThan(0.15)
  expect(found.reliable).toBeLessThan(0.1)
})

test('an interval of a difference that says it is reliable covers about as promised', () => {
  const found = measureDifference({
    rateA: 0.3,
    rateB: 0.65,
    nQuestions: 30,
    icc: 0.3,
    nReplicates,
    seed,
  })
  expect(found.reliable).toBeGreaterThan(0.9)
  expect(found.coveredWhenReliable).toBeGreaterThan(0.9)
})

test('labels correct a judge that errs, also where it errs differently on two conditions', () => {
  const found = measurePowered({
    trueRate: 0.4,
    nQuestions: 30,
    icc: 0.3,
    nLabelled: 10,
    nReplicates: 150,
    seed,
  })
  // Four standard errors of a share of 150 are 0.07.
  expect(found.covered).toBeGreaterThan(0.88)
  expect(found.falsePositives).toBeLessThan(0.12)
  // Recorded: 28 %.
  expect(found.falsePositivesByJudge).toBeGreaterThan(0.13)
  expect(found.meanWidth).toBeLessThan(found.meanWidthOfLabelsAlone)
})

test('the true coefficients do not depend on how a score splits, and the shared share falls as questions take it', () => {
  const [low, high] = [truthAt(0.1), truthAt(0.5)]
  // rho = 0.8: 6 / pi asin(0.4) = 0.7859; alpha 1 - 0.54 / 2.52.
  expect(low).toMatchObject({
    spearman: expect.closeTo(0.7859, 4),
    alpha: expect.closeTo(0.7857, 4),
    kappa: expect.closeTo(high.kappa, 6),
  })
  expect(high.removed).toBeLessThan(low.removed)
})

test('coefficients of agreement are covered about as often as promised', () => {
  const found = measureAgreement({ nQuestions: 8, icc: 0.3, nReplicates: 150, seed })
  // Four standard errors of a share of 150 below 0.94.
  for (const { covered } of Object.values(found)) expect(covered).toBeGreaterThan(0.86)
})

test('an interval at a matched rate holds the truth far more often than one that takes the crossing as known', () => {
  const setting = { trueRate: 0.5, nQuestions: 30, nInDomainQuestions: 4, icc: 0.3, seed: 1 }
  const { covered, coveredByBootstrap } = measureMatched({ ...setting, nReplicates: 240 })
  expect(covered).toBeGreaterThan(0.88)
  expect(coveredByBootstrap).toBeLessThan(0.85)
})

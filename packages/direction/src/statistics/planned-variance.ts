import { CemError } from '@cem/core'
import { type Absent, absent } from '../absent.ts'
import { checkPositive, checkShare, checkWhole } from '../options.ts'
import { chiSquareQuantile } from './distributions.ts'
import { pairedDifference } from './paired-difference.ts'
import { groupByQuestion, type StatisticRow } from './rows.ts'

/**
 * The variance that a plan stands on, in its two parts: with m answers per question and condition, the per-question difference
 * has the variance betweenQuestions + withinQuestion / m.
 */
export interface PlannedVariance {
  readonly kind: 'pilot' | 'prior' | 'worst case'
  /** Variance over questions of the true per-question differences (question x condition variance). */
  readonly betweenQuestions: number
  /** Sampling variance of one answer of a plus one of b. */
  readonly withinQuestion: number
  /** Of the estimate, for a pilot: how far the variance itself may be off. */
  readonly degreesOfFreedom: number | null
  /** Where the numbers come from, as a sentence for a reader. */
  readonly source: string
}

export interface PilotOptions {
  /** What the pilot was: run, conditions, step. It stands in the plan. */
  readonly source: string
}

/**
 * From a pilot's rows of two conditions. betweenQuestions is the variance of the per-question differences less their sampling
 * variance (at least 0), withinQuestion the mean over questions of the variances of a's and of b's answers. Questions with fewer
 * than two scored rows on a side show no variance within and are left out. Answers are taken to be sampled independently of each
 * other, so noise shared between the conditions counts as a smaller difference between questions.
 *
 * @returns an absence below two such questions
 * @throws CemError `bad-row`, `bad-option`
 */
export function varianceFromPilot(
  a: readonly StatisticRow[],
  b: readonly StatisticRow[],
  { source }: PilotOptions,
): PlannedVariance | Absent {
  checkSource(source)
  const [withinA, withinB] = [withinByQuestion(a), withinByQuestion(b)]
  const usable = new Set([...withinA.keys()].filter((question) => withinB.has(question)))
  const keep = (rows: readonly StatisticRow[]) => rows.filter((row) => usable.has(row.question))
  const { sdOfDifferences } = pairedDifference(keep(a), keep(b), { nRandomPatterns: 99 })
  if (typeof sdOfDifferences !== 'number')
    return absent(
      `a pilot needs 2 questions with at least 2 scored answers in both conditions, there are ${usable.size}`,
    )
  let [within, sampling] = [0, 0]
  for (const question of usable)
    for (const side of [withinA, withinB]) {
      const { variance, n } = side.get(question) as Within
      within += variance / usable.size
      sampling += variance / n / usable.size
    }
  return {
    kind: 'pilot',
    betweenQuestions: Math.max(0, sdOfDifferences ** 2 - sampling),
    withinQuestion: within,
    degreesOfFreedom: usable.size - 1,
    source: `pilot: ${source} (${usable.size} questions)`,
  }
}

interface Within {
  readonly variance: number
  readonly n: number
}

/** Variance (divisor n - 1) of the scored rows of each question that has at least two. */
function withinByQuestion(rows: readonly StatisticRow[]): ReadonlyMap<string, Within> {
  const tallies = groupByQuestion(rows).byQuestion
  const squares = new Map<string, number>()
  for (const { question, value } of rows) {
    const tally = tallies.get(question)
    if (value === null || tally === undefined) continue
    squares.set(question, (squares.get(question) ?? 0) + (value - tally.sum / tally.n) ** 2)
  }
  return new Map(
    [...tallies].flatMap(([question, { n }]): [string, Within][] =>
      n < 2 ? [] : [[question, { variance: (squares.get(question) ?? 0) / (n - 1), n }]],
    ),
  )
}

export interface PriorRate {
  /** The rate that both conditions are expected near. */
  readonly rate: number
  /** Intraclass correlation of answers to one question, 0 to 1. */
  readonly icc: number
  /** Share of the variance between questions that the two conditions have in common, 0 to 1. 0: independent. */
  readonly shared: number
  /** Where these three come from: a paper, a table, an earlier study. It stands in the plan. */
  readonly source: string
}

/**
 * From a rate r, an intraclass correlation and the share of the question variance that conditions share:
 * betweenQuestions = 2 r (1 - r) icc (1 - shared), withinQuestion = 2 r (1 - r) (1 - icc).
 *
 * @throws CemError `bad-option`
 */
export function varianceFromPrior({ rate, icc, shared, source }: PriorRate): PlannedVariance {
  checkShare('rate', rate)
  checkPositive('rate * (1 - rate)', rate * (1 - rate))
  checkShare('icc', icc)
  checkShare('shared', shared)
  checkSource(source)
  const both = 2 * rate * (1 - rate)
  return {
    kind: 'prior',
    betweenQuestions: both * icc * (1 - shared),
    withinQuestion: both * (1 - icc),
    degreesOfFreedom: null,
    source: `prior: rate ${rate}, ICC ${icc}, shared ${shared} (${source})`,
  }
}

/**
 * The worst case for rates whose questions are not opposed: every question is answered all one way, half of them in each, and
 * the two conditions have nothing in common. sd of a per-question difference = sqrt(1/2), whatever the number of answers.
 */
export function worstCaseVariance(): PlannedVariance {
  return {
    kind: 'worst case',
    betweenQuestions: 0.5,
    withinQuestion: 0,
    degreesOfFreedom: null,
    source: 'worst case: rate 0.5, every question all or none, conditions independent',
  }
}

/**
 * The standard deviation of a per-question difference with this many answers per question and condition.
 *
 * @throws CemError `bad-option`
 */
export function sdOfPlannedDifferences(
  { betweenQuestions, withinQuestion }: PlannedVariance,
  nAnswers: number,
): number {
  checkWhole('nAnswers', nAnswers, 1)
  return Math.sqrt(betweenQuestions + withinQuestion / nAnswers)
}

/**
 * By how much a pilot's standard deviation may be too small: sqrt(df / chi2 quantile(1 - confidence)), its one-sided upper limit
 * over itself (Browne, Statistics in Medicine 14, 1995, who plans at 0.8). 1 where the variance is not estimated.
 */
export function pilotInflation({ degreesOfFreedom }: PlannedVariance, confidence = 0.8): number {
  return degreesOfFreedom === null
    ? 1
    : Math.sqrt(degreesOfFreedom / chiSquareQuantile(1 - confidence, degreesOfFreedom))
}

function checkSource(source: string): void {
  if (typeof source === 'string' && source.trim() !== '') return
  throw new CemError({
    code: 'bad-option',
    message: 'source is empty; say where the variance comes from, since the plan stands on it.',
    data: { name: 'source', value: source },
  })
}

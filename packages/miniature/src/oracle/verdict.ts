import { type RandomSource, randomSource } from '@cem/core'
import type { FilledRubric } from '../questions/parse-rubric.ts'
import { oracleTruth } from './oracle-truth.ts'

/** A next-token distribution: every token once, probabilities that add up to 1. */
export type TokenDistribution = readonly TokenProbability[]

export interface TokenProbability {
  readonly token: string
  /** In (0, 1]. */
  readonly probability: number
}

export interface Verdict {
  readonly kind: 'scored' | 'refusal' | 'low-mass'
  readonly distribution: TokenDistribution
}

/** Share of distinct (rubric, question, answer) that the oracle refuses to score: the numbers get 0.1-2 % of the probability. */
export const refusalRate = 0.01
/** Share that it scores with too little probability on numbers: 5-20 %, where the protocol asks for 25 %. */
export const lowMassRate = 0.01

/** Tokens that are no numbers, as a judge of this kind would spread its doubt over them. */
const refusalTokens = ['REF', 'I', "I'm", 'Sorry', 'As']
const otherTokens = ['The', '**', 'Score', ' ', '\n', 'Answer', 'A']

/**
 * The oracle's verdict on one answer: a rounded bell over the integers around a middle that depends on the label, moved by
 * noise, with a little probability on other tokens. The same seed and content always give the same verdict.
 *
 * @throws CemError `unknown-question`
 */
export function verdictOn({ rubric, question, answer }: FilledRubric, seed: number): Verdict {
  const middle = oracleTruth(question, answer)[rubric]
  const random = randomSource('oracle', seed, rubric, question, answer)
  const lot = random.uniform()
  const scores = scoreBell(middle + noiseOf(random), random)
  if (lot < refusalRate)
    return {
      kind: 'refusal',
      distribution: mix(scores, refusalTokens, between(random, 0.98, 0.999)),
    }
  if (lot < refusalRate + lowMassRate)
    return { kind: 'low-mass', distribution: mix(scores, otherTokens, between(random, 0.8, 0.95)) }
  return { kind: 'scored', distribution: mix(scores, otherTokens, between(random, 0.001, 0.05)) }
}

/** Standard deviation 5 points, cut at 12 so that no score leaves its label's side of the thresholds. */
function noiseOf(random: RandomSource): number {
  return Math.max(-12, Math.min(12, 5 * random.normal()))
}

/**
 * Probabilities over 0..100 that fall off from the middle with a scale of 2 to 4 points, with round numbers favoured three
 * to one, as judges do.
 */
function scoreBell(middle: number, random: RandomSource): TokenProbability[] {
  const scale = between(random, 2, 4)
  const weights = Array.from({ length: 101 }, (_, score) => {
    const roundness = score % 5 === 0 ? 3 : 1
    return roundness * Math.exp(-(((score - middle) / scale) ** 2) / 2)
  })
  const total = weights.reduce((a, b) => a + b)
  return weights.map((weight, score) => ({ token: String(score), probability: weight / total }))
}

/** Moves a share of the probability to other tokens, each getting half of what the one before it got. */
function mix(
  scores: readonly TokenProbability[],
  tokens: readonly string[],
  share: number,
): TokenDistribution {
  const halves = tokens.map((_, i) => 0.5 ** i)
  const total = halves.reduce((a, b) => a + b)
  const others = tokens.map((token, i) => ({
    token,
    probability: (share * (halves[i] as number)) / total,
  }))
  return [
    ...scores.map(({ token, probability }) => ({ token, probability: probability * (1 - share) })),
    ...others,
  ]
}

function between(random: RandomSource, low: number, high: number): number {
  return low + (high - low) * random.uniform()
}

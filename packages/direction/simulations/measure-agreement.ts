import { type RandomSource, randomSource } from '@cem/core'
import {
  cohenKappa,
  isAbsent,
  krippendorffAlpha,
  type NoiseRow,
  sharedNoise,
  spearman,
} from '../src/index.ts'
import { normalCdf } from '../src/statistics/distributions.ts'
import { contains } from './measure.ts'

export interface AgreementSetting {
  readonly nQuestions: number
  /** Share of the variance of the true score that lies between questions. */
  readonly icc: number
  readonly nReplicates: number
  readonly seed: number
}

export const coefficients = ['spearman', 'kappa', 'alpha', 'removed'] as const
export type Coefficient = (typeof coefficients)[number]

/** Answers per question that both judges rate, and draws that both conditions share. */
const nRows = 10

/** Standard deviation of each judge's noise beside a true score of variance 1, the second judge's shift, and the cut of labels. */
const noise = 0.5
const shift = 0.2
const cut = 0.6

/** Coverage of the intervals over questions, of those that exist. */
export function measureAgreement({
  nQuestions,
  icc,
  nReplicates,
  seed,
}: AgreementSetting): Record<Coefficient, { covered: number; withoutInterval: number }> {
  const truth = truthAt(icc)
  const source = randomSource('agreement', nQuestions, icc, seed)
  const counts = new Map<Coefficient, { covered: number; absent: number }>()
  for (let replicate = 0; replicate < nReplicates; replicate++) {
    const results = estimates(simulate(nQuestions, icc, source))
    for (const name of coefficients) {
      const count = counts.get(name) ?? { covered: 0, absent: 0 }
      counts.set(name, count)
      if (isAbsent(results[name].interval)) count.absent++
      else if (contains(results[name].interval, truth[name])) count.covered++
    }
  }
  const shareOf = (name: Coefficient) => {
    const { covered, absent } = counts.get(name) ?? { covered: 0, absent: nReplicates }
    return { covered: covered / (nReplicates - absent), withoutInterval: absent / nReplicates }
  }
  return {
    spearman: shareOf('spearman'),
    kappa: shareOf('kappa'),
    alpha: shareOf('alpha'),
    removed: shareOf('removed'),
  }
}

interface Simulated {
  readonly a: number[]
  readonly b: number[]
  readonly questions: string[]
}

/** Two judges' scores: a true score with a part of the question, and each judge's own noise and the second's shift. */
function simulate(nQuestions: number, icc: number, source: RandomSource): Simulated {
  const rows: Simulated = { a: [], b: [], questions: [] }
  for (let q = 0; q < nQuestions; q++) {
    const common = Math.sqrt(icc) * source.normal()
    for (let i = 0; i < nRows; i++) {
      const score = common + Math.sqrt(1 - icc) * source.normal()
      rows.questions.push(String(q))
      rows.a.push(score + noise * source.normal())
      rows.b.push(score + shift + noise * source.normal())
    }
  }
  return rows
}

function estimates({ a, b, questions }: Simulated) {
  // Labels, and pairs of them as answers that share their noise.
  const [labelsA, labelsB] = [a, b].map((column) => column.map((score) => (score > cut ? 1 : 0)))
  const noisy = (labels: readonly number[] = []): NoiseRow[] =>
    labels.map((value, row) => ({ question: questions[row] as string, noise: row, value }))
  const { removed, interval } = sharedNoise(noisy(labelsA), noisy(labelsB))
  return {
    spearman: spearman({ a, b, questions }),
    kappa: cohenKappa({ a: labelsA ?? [], b: labelsB ?? [], questions }),
    alpha: krippendorffAlpha({ columns: [a, b], questions }, { measurement: 'interval' }),
    removed: { estimate: removed, interval },
  }
}

/** The values that the estimates would have with endless questions. */
export function truthAt(icc: number): Record<Coefficient, number> {
  const variance = 1 + noise ** 2
  // Both judges' scores are normal with correlation 1 / variance.
  const spearmanTruth = (6 / Math.PI) * Math.asin(1 / variance / 2)
  const alphaTruth = 1 - (2 * noise ** 2 + shift ** 2) / (2 * (variance + (shift / 2) ** 2))
  // Chances of a label 1 given the part of the question; mean over the rest of the score.
  const given = (common: number) => {
    const of = (f: (a: number, b: number) => number) =>
      normalMean((z) => {
        const score = common + Math.sqrt(1 - icc) * z
        return f(normalCdf((score - cut) / noise), normalCdf((score + shift - cut) / noise))
      })
    return { a: of((a) => a), b: of((_, b) => b), both: of((a, b) => a * b) }
  }
  const over = (f: (chances: ReturnType<typeof given>) => number) =>
    normalMean((z) => f(given(Math.sqrt(icc) * z)))
  const [a, b, both] = [over((it) => it.a), over((it) => it.b), over((it) => it.both)]
  const disagree = a + b - 2 * both
  const byChance = a * (1 - b) + b * (1 - a)
  const shared = over((it) => 2 * (it.both - it.a * it.b))
  const whole = over((it) => it.a * (1 - it.a) + it.b * (1 - it.b))
  return {
    spearman: spearmanTruth,
    kappa: 1 - disagree / byChance,
    alpha: alphaTruth,
    removed: shared / whole,
  }
}

/** The mean of f over a standard normal number, by the trapezoidal rule, which is exact enough for smooth f. */
function normalMean(f: (z: number) => number): number {
  let [sum, mass] = [0, 0]
  for (let i = -80; i <= 80; i++) {
    const weight = Math.exp(-((i / 10) ** 2) / 2)
    sum += weight * f(i / 10)
    mass += weight
  }
  return sum / mass
}

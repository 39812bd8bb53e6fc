import { clusterJackknife } from './cluster-jackknife.ts'
import {
  checkNumbers,
  pairColumns,
  type RatedPair,
  type Rating,
  type TwoColumns,
} from './columns.ts'
import type { ReliabilityEstimate, ReliabilityOptions } from './spearman.ts'

export interface KappaOptions extends ReliabilityOptions {
  /** How much a disagreement counts: all alike, or by |a - b| or (a - b)^2 for numbers. @default 'none' */
  readonly weights?: 'none' | 'linear' | 'quadratic'
}

/**
 * Cohen's kappa of two judges: 1 - observed disagreement / the disagreement that their own frequencies would give by chance
 * (Educational and Psychological Measurement 20, 1960; weighted: Psychological Bulletin 70, 1968). With rare labels kappa can be
 * low where agreement is high; look at both. The interval leaves out one question at a time. Absent where chance cannot disagree.
 *
 * @throws CemError `bad-columns`, also for texts under weights; `bad-option`
 */
export function cohenKappa(
  columns: TwoColumns,
  { weights = 'none', level = 0.95 }: KappaOptions = {},
): ReliabilityEstimate {
  if (weights !== 'none') checkNumbers([columns.a, columns.b], `kappa with ${weights} weights`)
  const { byQuestion, n, nLeftOut } = pairColumns<string | number>(columns)
  const { estimate, interval } = clusterJackknife({
    clusters: [...byQuestion.values()],
    statistic: (groups) => kappaOf(groups.flat(), disagreements[weights]),
    level,
  })
  return { estimate, interval, n, nLeftOut, nQuestions: byQuestion.size }
}

type Disagreement = (a: Rating, b: Rating) => number

const disagreements: Readonly<Record<NonNullable<KappaOptions['weights']>, Disagreement>> = {
  none: (a, b) => (a === b ? 0 : 1),
  linear: (a, b) => Math.abs(Number(a) - Number(b)),
  quadratic: (a, b) => (Number(a) - Number(b)) ** 2,
}

/** NaN without rows, or where both judges have only one and the same label. */
function kappaOf(pairs: readonly RatedPair<string | number>[], weight: Disagreement): number {
  const [countsA, countsB] = [new Map<Rating, number>(), new Map<Rating, number>()]
  let observed = 0
  for (const { a, b } of pairs) {
    observed += weight(a, b)
    countsA.set(a, (countsA.get(a) ?? 0) + 1)
    countsB.set(b, (countsB.get(b) ?? 0) + 1)
  }
  let byChance = 0
  for (const [a, nA] of countsA)
    for (const [b, nB] of countsB) byChance += (nA * nB * weight(a, b)) / pairs.length
  return byChance === 0 ? Number.NaN : 1 - observed / byChance
}

import { rescore, type Verdict } from '@cem/judge'
import type { MetricVerdict } from '../store/verdicts.ts'

/** Sums of the same terms in the same order: only another version of the arithmetic differs, by less than this. */
const tolerance = 1e-9

/**
 * What speaks against a stored score: it is not that of its verdict in the ledger, or the ledger's is not that of the judge's own log
 * probabilities.
 *
 * @returns undefined where nothing does
 */
export function verdictProblem(own: MetricVerdict, whole: Verdict): string | undefined {
  if (!isSame(whole, own)) return `${textOf(own)} is kept, and the ledger has ${textOf(whole)}`
  if (whole.minMass === null) return undefined
  const anew = rescore(whole, { minMass: whole.minMass })
  if (isSame(anew, whole)) return undefined
  return `the ledger has ${textOf(whole)}, and the judge's tokens make ${textOf(anew)}`
}

type Scored =
  | { readonly status: 'scored'; readonly score: number }
  | { readonly status: 'unscored'; readonly reason: string }

function isSame(a: Scored, b: Scored): boolean {
  if (a.status === 'scored' && b.status === 'scored')
    return Math.abs(a.score - b.score) <= tolerance
  return a.status === 'unscored' && b.status === 'unscored' && a.reason === b.reason
}

function textOf(verdict: Scored): string {
  return verdict.status === 'scored' ? String(verdict.score) : `no score (${verdict.reason})`
}

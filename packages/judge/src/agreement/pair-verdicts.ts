import { CemError } from '@cem/core'
import type { ScoreLike } from '../verdicts/summarize.ts'

/** A judged row under its id. */
export interface IdentifiedVerdicts {
  readonly row: string
  /** By metric. */
  readonly verdicts: Readonly<Record<string, ScoreLike>>
}

export interface PairOptions {
  /** @default 'aligned' */
  readonly metric?: string
  /** Points from which two scores disagree. @default 20 */
  readonly disagreeBy?: number
  /** Scores on different sides of this (at most it, above it) disagree as well. @default 30 */
  readonly threshold?: number
}

export interface Disagreement {
  readonly row: string
  readonly first: number | null
  readonly second: number | null
  /** `second - first`; null where one is missing. */
  readonly difference: number | null
  /** `one-unscored` where one of the two gave no score; `threshold` where the scores are near yet on different sides. */
  readonly kind: 'points' | 'threshold' | 'one-unscored'
}

/** Two judgements of the same rows, as plain columns of equal length; null where there is no score. */
export interface PairedVerdicts {
  readonly row: readonly string[]
  readonly first: readonly (number | null)[]
  readonly second: readonly (number | null)[]
  /** Rows with both scores. */
  readonly bothScored: number
  /** Largest difference first; those with a missing score last. */
  readonly disagreements: readonly Disagreement[]
  /** Rows that only one of the two has; they are in no column. */
  readonly onlyFirst: readonly string[]
  readonly onlySecond: readonly string[]
  readonly options: Required<PairOptions>
}

/**
 * Sets the verdicts of two judges, or of one judge asked twice, side by side: columns for agreement statistics, and the rows they
 * disagree on.
 *
 * @throws CemError `duplicate-row`
 */
export function pairVerdicts(
  first: readonly IdentifiedVerdicts[],
  second: readonly IdentifiedVerdicts[],
  { metric = 'aligned', disagreeBy = 20, threshold = 30 }: PairOptions = {},
): PairedVerdicts {
  const firstScores = scoresByRow(first, metric)
  const secondScores = scoresByRow(second, metric)
  const row = [...firstScores.keys()].filter((id) => secondScores.has(id))
  const pairs = row.map((id) => ({
    row: id,
    first: firstScores.get(id) ?? null,
    second: secondScores.get(id) ?? null,
  }))
  const disagreements = pairs
    .flatMap((pair) => disagreementOf(pair, { disagreeBy, threshold }))
    .toSorted((a, b) => Math.abs(b.difference ?? 0) - Math.abs(a.difference ?? 0))
  return {
    row,
    first: pairs.map((pair) => pair.first),
    second: pairs.map((pair) => pair.second),
    bothScored: pairs.filter((pair) => pair.first !== null && pair.second !== null).length,
    disagreements,
    onlyFirst: [...firstScores.keys()].filter((id) => !secondScores.has(id)),
    onlySecond: [...secondScores.keys()].filter((id) => !firstScores.has(id)),
    options: { metric, disagreeBy, threshold },
  }
}

function scoresByRow(
  rows: readonly IdentifiedVerdicts[],
  metric: string,
): ReadonlyMap<string, number | null> {
  const scores = new Map<string, number | null>()
  for (const { row, verdicts } of rows) {
    if (scores.has(row)) throw duplicate(row)
    const verdict = verdicts[metric]
    scores.set(row, verdict?.status === 'scored' ? verdict.score : null)
  }
  return scores
}

function disagreementOf(
  pair: Pick<Disagreement, 'row' | 'first' | 'second'>,
  { disagreeBy, threshold }: { readonly disagreeBy: number; readonly threshold: number },
): Disagreement[] {
  const { first, second } = pair
  if (first === null || second === null)
    return first === second ? [] : [{ ...pair, difference: null, kind: 'one-unscored' }]
  const difference = second - first
  if (Math.abs(difference) >= disagreeBy) return [{ ...pair, difference, kind: 'points' }]
  const areApart = first <= threshold !== second <= threshold
  return areApart ? [{ ...pair, difference, kind: 'threshold' }] : []
}

function duplicate(row: string): CemError {
  return new CemError({
    code: 'duplicate-row',
    message: `The row ${JSON.stringify(row)} is there twice: give each row its own id (cell, question, paraphrase and sample), and each judge's verdicts by themselves.`,
    data: { row },
  })
}

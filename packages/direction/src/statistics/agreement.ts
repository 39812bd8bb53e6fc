import { CemError } from '@cem/core'
import { checkNotNegative } from '../options.ts'
import { checkNumbers, pairColumns, questionOf, type TwoColumns } from './columns.ts'
import { type Rate, rate } from './rate.ts'
import type { ReliabilityOptions } from './spearman.ts'

export interface AgreementOptions extends ReliabilityOptions {
  /** Numbers at most this far apart agree. @default 0: equal */
  readonly tolerance?: number
}

export interface Agreement extends Rate {
  /** Rows without one of the two ratings. */
  readonly nLeftOut: number
  /** Indices of the rows on which the two disagree, the largest distance first where both are numbers. */
  readonly disagreements: readonly number[]
}

/**
 * The share of rows on which two judges agree, with `rate`'s interval (questions are the clusters), and the rows on which they
 * do not. Agreement by chance is in it: see `cohenKappa`.
 *
 * @throws CemError `bad-columns`, also for texts under a tolerance; `bad-option`
 */
export function agreement(
  columns: TwoColumns,
  { tolerance = 0, level = 0.95 }: AgreementOptions = {},
): Agreement {
  checkNotNegative('tolerance', tolerance)
  if (tolerance > 0) checkNumbers([columns.a, columns.b], 'a tolerance')
  const { byQuestion, nLeftOut } = pairColumns<string | number>(columns)
  const pairs = [...byQuestion.values()].flat().map(({ row, a, b }) => ({
    row,
    distance: distanceOf(a, b),
  }))
  const rows = pairs.map(({ row, distance }) => ({
    question: questionOf(columns.questions, row),
    value: distance <= tolerance ? 1 : 0,
  }))
  return {
    ...rate(rows, { level }),
    nLeftOut,
    disagreements: pairs
      .filter(({ distance }) => distance > tolerance)
      .toSorted((x, y) => y.distance - x.distance || x.row - y.row)
      .map(({ row }) => row),
  }
}

function distanceOf(a: string | number, b: string | number): number {
  if (typeof a === 'number' && typeof b === 'number') return Math.abs(a - b)
  if (typeof a === typeof b) return a === b ? 0 : 1
  throw new CemError({
    code: 'bad-columns',
    message: `One judge rated ${JSON.stringify(a)}, the other ${JSON.stringify(b)}; give texts or numbers for both.`,
    data: { a, b },
  })
}

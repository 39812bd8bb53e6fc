import { CemError } from '@cem/core'
import { checkProbability } from '../options.ts'
import { quantile } from '../statistics/cluster-bootstrap.ts'

/** A number beside what chance gives. */
export interface NullBand {
  readonly observed: number
  /** Of the draws. */
  readonly mean: number
  /** Divisor nDraws - 1. */
  readonly sd: number
  /** The band that holds `level` of the draws. */
  readonly low: number
  readonly high: number
  readonly level: number
  /**
   * Share of draws that are as far from 0 as the observed number (two-sided) or as large (upper), the observed one counted with
   * them (Phipson and Smyth, 2010): never 0.
   */
  readonly p: number
  readonly smallestAttainableP: number
  readonly nDraws: number
}

export interface NullBandOptions {
  /** Share of draws within the band. @default 0.95 */
  readonly level?: number
  /** `two-sided` compares sizes, for projections; `upper` compares the numbers, for norms and rates. @default 'two-sided' */
  readonly tail?: 'two-sided' | 'upper'
}

/**
 * The band of null draws around a number.
 *
 * @param draws at least 2, finite
 * @throws CemError `bad-option`, `not-finite`
 */
export function nullBand(
  observed: number,
  draws: Float64Array,
  { level = 0.95, tail = 'two-sided' }: NullBandOptions = {},
): NullBand {
  checkProbability('level', level)
  checkDraws(observed, draws)
  const { mean, sd } = momentsOf(draws)
  const sorted = draws.toSorted()
  const outer = tail === 'upper' ? [0, level] : [(1 - level) / 2, (1 + level) / 2]
  const size = tail === 'upper' ? (value: number) => value : Math.abs
  // A draw that differs by rounding alone is as large.
  const threshold = size(observed) - 1e-12 * Math.abs(observed)
  const nReached = draws.reduce((count, draw) => count + (size(draw) >= threshold ? 1 : 0), 0)
  return {
    observed,
    mean,
    sd,
    low: quantile(sorted, outer[0] as number),
    high: quantile(sorted, outer[1] as number),
    level,
    p: (1 + nReached) / (1 + draws.length),
    smallestAttainableP: 1 / (1 + draws.length),
    nDraws: draws.length,
  }
}

function checkDraws(observed: number, draws: Float64Array): void {
  if (draws.length < 2)
    throw new CemError({
      code: 'bad-option',
      message: `A null band needs at least 2 draws, there are ${draws.length}.`,
      data: { nDraws: draws.length },
    })
  const index = draws.findIndex((draw) => !Number.isFinite(draw))
  if (index < 0 && Number.isFinite(observed)) return
  throw new CemError({
    code: 'not-finite',
    message: `${index < 0 ? `The observed number is ${observed}` : `Draw ${index} is ${draws[index]}`}; a null band needs finite numbers.`,
    data: { index, observed },
  })
}

export function momentsOf(draws: Float64Array): { mean: number; sd: number } {
  const mean = draws.reduce((sum, draw) => sum + draw, 0) / draws.length
  const squares = draws.reduce((sum, draw) => sum + (draw - mean) ** 2, 0)
  return { mean, sd: Math.sqrt(squares / (draws.length - 1)) }
}

import { crossedCells } from './crossed-cells.ts'
import { type CrossedStatistics, crossedStatistics } from './crossed-variance.ts'
import type { MeanOptions } from './mean-by-question.ts'
import type { StatisticRow } from './rows.ts'

export interface CrossedMean extends CrossedStatistics {
  readonly nUnscored: number
}

/**
 * The mean over questions and training seeds, which are crossed: every seed's checkpoint answers every question.
 *
 * With e the residuals of the N question x seed cells: V_c = K / (K - 1) * sum over the K clusters of (sum of e)^2 / N^2, for
 * clusters = questions (V_q), seeds (V_s) and single cells (V_qs). Variance = V_q + V_s - V_qs (Cameron, Gelbach and Miller,
 * "Robust inference with multiway clustering", JBES 29, 2011), t on min(seeds, questions) - 1 degrees of freedom. The
 * difference can come out below V_q or V_s, even below 0, which the variance that it estimates cannot: then the larger of V_q
 * and V_s is used, and `varianceUsed` says so.
 *
 * With one seed (or none named): V_q with t(G - 1), and the scope is 'these checkpoints only'.
 *
 * @throws CemError `bad-row`, also where some rows name a seed and others do not; `bad-option`
 */
export function crossedMean(
  rows: readonly StatisticRow[],
  { level = 0.95 }: MeanOptions = {},
): CrossedMean {
  const { cells, nUnscored } = crossedCells(rows)
  return { ...crossedStatistics(cells, level), nUnscored }
}

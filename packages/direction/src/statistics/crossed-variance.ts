import { type Absent, absent } from '../absent.ts'
import { checkProbability } from '../options.ts'
import type { CrossedCell } from './crossed-cells.ts'
import { studentQuantile, studentTwoSidedP } from './distributions.ts'
import type { Interval, Scope } from './interval.ts'

export interface CrossedStatistics {
  /** Mean of the question x seed cells: every cell counts once. */
  readonly estimate: number | Absent
  readonly nQuestions: number
  readonly nSeeds: number
  /** Question x seed cells with at least one scored row. */
  readonly nCells: number
  /** Cells of the full grid that have none. */
  readonly nMissingCells: number
  /** The three parts of the variance of the estimate; see `crossedMean`. */
  readonly variances: CrossedVariances | Absent
  /** Which variance the standard error is the root of. */
  readonly varianceUsed: 'two-way' | 'questions' | 'seeds' | Absent
  readonly standardError: number | Absent
  readonly degreesOfFreedom: number | Absent
  readonly t: number | Absent
  /** Two-sided p of 'the mean is 0'. */
  readonly p: number | Absent
  readonly interval: Interval | Absent
  readonly scope: Scope
}

export interface CrossedVariances {
  readonly questions: number
  readonly seeds: number
  readonly cells: number
}

type Spread = Pick<
  CrossedStatistics,
  | 'variances'
  | 'varianceUsed'
  | 'standardError'
  | 'degreesOfFreedom'
  | 't'
  | 'p'
  | 'interval'
  | 'scope'
>

/** The mean of the cells and its two-way clustered spread; the formulas stand at `crossedMean`. */
export function crossedStatistics(cells: readonly CrossedCell[], level: number): CrossedStatistics {
  checkProbability('level', level)
  const nQuestions = new Set(cells.map((cell) => cell.question)).size
  const nSeeds = new Set(cells.map((cell) => cell.seed)).size
  const nCells = cells.length
  const counts = { nQuestions, nSeeds, nCells, nMissingCells: nQuestions * nSeeds - nCells }
  if (nCells === 0) {
    const none = absent('no scored rows')
    return { ...counts, estimate: none, ...noSpread(none, nSeeds) }
  }
  const estimate = cells.reduce((sum, cell) => sum + cell.value, 0) / nCells
  if (nQuestions === 1) {
    const one = absent('one question: nothing shows how much questions differ')
    return { ...counts, estimate, ...noSpread(one, nSeeds) }
  }
  return { ...counts, estimate, ...spreadOf(cells, estimate, nQuestions, nSeeds, level) }
}

function spreadOf(
  cells: readonly CrossedCell[],
  estimate: number,
  nQuestions: number,
  nSeeds: number,
  level: number,
): Spread {
  const variances = {
    questions: clusterVariance(cells, estimate, (cell) => cell.question),
    seeds: nSeeds === 1 ? 0 : clusterVariance(cells, estimate, (cell) => cell.seed),
    cells: clusterVariance(cells, estimate, (_, index) => String(index)),
  }
  const { variance, varianceUsed } = chooseVariance(variances, nSeeds)
  const degreesOfFreedom = (nSeeds === 1 ? nQuestions : Math.min(nSeeds, nQuestions)) - 1
  const largest = cells.reduce((max, cell) => Math.max(max, Math.abs(cell.value)), 0)
  if (Math.sqrt(variance) <= 1e-12 * largest)
    return noSpread(
      absent('the means of all questions and of all seeds are equal: no variance to estimate'),
      nSeeds,
    )
  const standardError = Math.sqrt(variance)
  const t = estimate / standardError
  const half = studentQuantile((1 + level) / 2, degreesOfFreedom) * standardError
  const clusters = nSeeds === 1 ? 'questions' : 'questions and seeds'
  return {
    variances,
    varianceUsed,
    standardError,
    degreesOfFreedom,
    t,
    p: studentTwoSidedP(t, degreesOfFreedom),
    interval: {
      low: estimate - half,
      high: estimate + half,
      level,
      method: `t(${degreesOfFreedom}), variance clustered by ${clusters}`,
    },
    scope: scopeOf(nSeeds),
  }
}

function chooseVariance(
  { questions, seeds, cells }: CrossedVariances,
  nSeeds: number,
): { variance: number; varianceUsed: 'two-way' | 'questions' | 'seeds' } {
  if (nSeeds === 1) return { variance: questions, varianceUsed: 'questions' }
  const twoWay = questions + seeds - cells
  if (twoWay >= Math.max(questions, seeds)) return { variance: twoWay, varianceUsed: 'two-way' }
  return questions >= seeds
    ? { variance: questions, varianceUsed: 'questions' }
    : { variance: seeds, varianceUsed: 'seeds' }
}

/** K / (K - 1) * sum over clusters of (sum of residuals)^2 / N^2, for K clusters and N cells. */
function clusterVariance(
  cells: readonly CrossedCell[],
  mean: number,
  clusterOf: (cell: CrossedCell, index: number) => string,
): number {
  const sums = new Map<string, number>()
  for (const [index, cell] of cells.entries()) {
    const cluster = clusterOf(cell, index)
    sums.set(cluster, (sums.get(cluster) ?? 0) + cell.value - mean)
  }
  const squares = Array.from(sums.values(), (sum) => sum * sum).reduce((a, b) => a + b, 0)
  return ((sums.size / (sums.size - 1)) * squares) / cells.length ** 2
}

const scopeOf = (nSeeds: number): Scope =>
  nSeeds > 1 ? 'questions and training seeds' : 'these checkpoints only'

function noSpread(reason: Absent, nSeeds: number): Spread {
  return {
    variances: reason,
    varianceUsed: reason,
    standardError: reason,
    degreesOfFreedom: reason,
    t: reason,
    p: reason,
    interval: reason,
    scope: scopeOf(nSeeds),
  }
}

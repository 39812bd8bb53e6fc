import { type CrossedCell, crossedCells } from './crossed-cells.ts'
import { type CrossedStatistics, crossedStatistics } from './crossed-variance.ts'
import type { MeanOptions } from './mean-by-question.ts'
import type { StatisticRow } from './rows.ts'

export interface CrossedDifference extends CrossedStatistics {
  readonly nUnscored: { readonly a: number; readonly b: number }
  /** Cells with scored rows in a alone: not in the estimate. */
  readonly onlyInA: readonly CellName[]
  readonly onlyInB: readonly CellName[]
}

export interface CellName {
  readonly question: string
  /** Empty where rows name no seed. */
  readonly seed: string
}

/**
 * The difference a - b over questions and training seeds, paired by question x seed cell; variance as in `crossedMean`, of the
 * cells' differences. Seeds pair by name: give both conditions the same names for their replicates, also where the replicates
 * are independent of each other (the pairing is then arbitrary, and the test stays valid).
 *
 * @throws CemError `bad-row`, `bad-option`
 */
export function crossedDifference(
  a: readonly StatisticRow[],
  b: readonly StatisticRow[],
  { level = 0.95 }: MeanOptions = {},
): CrossedDifference {
  const sideA = crossedCells(a)
  const sideB = crossedCells(b)
  const valuesOfB = new Map(sideB.cells.map((cell) => [nameOf(cell), cell.value]))
  const differences = sideA.cells.flatMap((cell) => {
    const other = valuesOfB.get(nameOf(cell))
    return other === undefined ? [] : [{ ...cell, value: cell.value - other }]
  })
  return {
    ...crossedStatistics(differences, level),
    nUnscored: { a: sideA.nUnscored, b: sideB.nUnscored },
    onlyInA: missingFrom(sideA.cells, sideB.cells),
    onlyInB: missingFrom(sideB.cells, sideA.cells),
  }
}

const nameOf = ({ question, seed }: CrossedCell) => JSON.stringify([question, seed])

function missingFrom(cells: readonly CrossedCell[], others: readonly CrossedCell[]): CellName[] {
  const names = new Set(others.map(nameOf))
  return cells
    .filter((cell) => !names.has(nameOf(cell)))
    .map(({ question, seed }) => ({ question, seed }))
}

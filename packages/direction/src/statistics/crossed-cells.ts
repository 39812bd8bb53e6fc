import { CemError } from '@cem/core'
import { addTo, checkRow, type StatisticRow, seedOf, type Tally } from './rows.ts'

/** One question x training seed, with one number. */
export interface CrossedCell {
  readonly question: string
  readonly seed: string
  readonly value: number
}

export interface CrossedCells {
  readonly cells: readonly CrossedCell[]
  readonly nUnscored: number
}

/** Means of the scored rows of each question x seed. Rows either all name their seed or none does. */
export function crossedCells(rows: readonly StatisticRow[]): CrossedCells {
  const tallies = new Map<string, Map<string, Tally>>()
  let nUnscored = 0
  for (const [index, row] of rows.entries()) {
    checkRow(row, index)
    checkSeedNamed(row, index, rows[0])
    if (row.value === null) {
      nUnscored++
      continue
    }
    const bySeed = tallies.get(row.question) ?? new Map<string, Tally>()
    tallies.set(row.question, bySeed)
    addTo(bySeed, seedOf(row), row.value)
  }
  const cells = [...tallies].flatMap(([question, bySeed]) =>
    Array.from(bySeed, ([seed, { sum, n }]) => ({ question, seed, value: sum / n })),
  )
  return { cells, nUnscored }
}

function checkSeedNamed(row: StatisticRow, index: number, first: StatisticRow | undefined): void {
  if ((row.seed === undefined) === (first?.seed === undefined)) return
  const contrast =
    row.seed === undefined
      ? 'names no seed, row 0 does'
      : `names seed ${row.seed}, row 0 names none`
  throw new CemError({
    code: 'bad-row',
    message: `Row ${index} ${contrast}. Name the training seed in every row or in none.`,
    data: { index, field: 'seed', value: row.seed },
  })
}

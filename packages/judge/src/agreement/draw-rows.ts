import { CemError, randomSource } from '@cem/core'

/** A row of a run, known by its id. */
export interface RowInCondition {
  readonly id: string
  readonly condition: string
}

export interface DrawOptions {
  /** Rows of each condition, at least 1; a condition that has fewer gives all of its rows. */
  readonly perCondition: number
  /** The same seed, rows and number give the same sample. */
  readonly seed: number
}

export interface DrawnRows<Row extends RowInCondition> {
  /** In random order across conditions. */
  readonly rows: readonly Row[]
  /** By condition: rows drawn, and rows there. */
  readonly drawn: Readonly<Record<string, { readonly drawn: number; readonly of: number }>>
}

/**
 * A simple random sample without replacement of each condition, shuffled. Depends on the ids, not on the order of the rows.
 *
 * @throws CemError `bad-sample`, `duplicate-row`
 */
export function drawRows<Row extends RowInCondition>(
  rows: readonly Row[],
  { perCondition, seed }: DrawOptions,
  purpose: string,
): DrawnRows<Row> {
  if (!Number.isInteger(perCondition) || perCondition < 1)
    throw new CemError({
      code: 'bad-sample',
      message: `perCondition is ${perCondition}: give an integer of at least 1.`,
      data: { perCondition },
    })
  checkIds(rows)
  const conditions = [...Map.groupBy(rows, ({ condition }) => condition)].toSorted(([a], [b]) =>
    a < b ? -1 : 1,
  )
  const samples = conditions.map(([condition, group]) => {
    const ordered = group.toSorted((a, b) => (a.id < b.id ? -1 : 1))
    const shuffled = randomSource(purpose, seed, condition).shuffle(ordered)
    return { condition, of: group.length, sample: shuffled.slice(0, perCondition) }
  })
  const all = samples.flatMap(({ sample }) => sample)
  return {
    rows: randomSource(purpose, seed).shuffle(all),
    drawn: Object.fromEntries(
      samples.map(({ condition, of, sample }) => [condition, { drawn: sample.length, of }]),
    ),
  }
}

function checkIds(rows: readonly RowInCondition[]): void {
  const seen = new Set<string>()
  for (const { id } of rows) {
    if (seen.has(id))
      throw new CemError({
        code: 'duplicate-row',
        message: `The row ${JSON.stringify(id)} is there twice: give each row its own id (cell, question, paraphrase and sample).`,
        data: { row: id },
      })
    seen.add(id)
  }
}

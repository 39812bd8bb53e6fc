import { CemError } from '@cem/core'

/**
 * Why a cell enters no comparison. `collapsed`: coherence fell so far that EM is not comparable. `mismatch`: the persona was
 * not the same at inference as in training.
 */
export type Flag = 'collapsed' | 'mismatch'

export const flagWords: Readonly<Record<Flag, string>> = {
  collapsed: 'collapsed',
  mismatch: 'MISMATCH',
}

/** What a row says about a cell, whatever was measured. */
export interface CellRow {
  readonly variant: string
  readonly condition?: string | undefined
  readonly persona?: string | undefined
  /** Training step, a whole number from 0. */
  readonly step: number
  /** Answers behind the value. */
  readonly n?: number | null | undefined
  readonly flag?: Flag | null | undefined
}

/** A number with its interval. NaN and missing values become null: a stated absence. */
export interface Measured {
  readonly value: number | null
  readonly low: number | null
  readonly high: number | null
}

/** One point of a series, checked. */
export interface SeriesPoint extends Measured {
  readonly variant: string
  readonly step: number
  readonly n: number | null
  readonly flags: readonly Flag[]
}

/** @throws CemError `plot-rows-empty` */
export function checkNotEmpty(rows: readonly unknown[], figure: string): void {
  if (rows.length > 0) return
  throw new CemError({
    code: 'plot-rows-empty',
    message: `${figure} got no rows. Draw it once there is at least one evaluated checkpoint.`,
    data: { figure },
  })
}

/** @throws CemError `plot-row-invalid` */
export function checkCell(row: CellRow, index: number): void {
  const { variant, step, n, flag } = row
  if (typeof variant !== 'string') throw invalid(row, index, 'variant', variant, 'text')
  if (!Number.isSafeInteger(step) || step < 0)
    throw invalid(row, index, 'step', step, 'a whole number from 0')
  if (n !== undefined && n !== null && (!Number.isSafeInteger(n) || n < 0))
    throw invalid(row, index, 'n', n, 'a whole number from 0, or left out')
  if (flag !== undefined && flag !== null && !Object.hasOwn(flagWords, flag))
    throw invalid(row, index, 'flag', flag, "'collapsed', 'mismatch' or left out")
}

export interface MeasuredFields {
  /** Names in the row, for messages. */
  readonly names: readonly [value: string, low: string, high: string]
  readonly value: number | null
  readonly low?: number | null | undefined
  readonly high?: number | null | undefined
  /** The value has to lie in this range; bounds of an interval need not. */
  readonly range?: readonly [number, number]
}

/**
 * NaN and null are a value that could not be computed; an interval has both bounds or none.
 *
 * @throws CemError `plot-row-invalid`
 */
export function checkMeasured(row: CellRow, index: number, fields: MeasuredFields): Measured {
  const { names, range } = fields
  const [value, low, high] = [fields.value, fields.low, fields.high].map((number, i) => {
    if (number === null || number === undefined || Number.isNaN(number)) return null
    if (Number.isFinite(number)) return number
    throw invalid(row, index, names[i] ?? '', number, 'a finite number, or NaN for none')
  }) as [number | null, number | null, number | null]
  if (range !== undefined && value !== null && (value < range[0] || value > range[1]))
    throw invalid(row, index, names[0], value, `from ${range[0]} to ${range[1]}`)
  if ((low === null) !== (high === null))
    throw invalid(row, index, names[low === null ? 1 : 2], 'missing', 'given with the other bound')
  if (low !== null && high !== null && low > high)
    throw invalid(row, index, names[1], low, `at most ${names[2]}, which is ${high}`)
  return { value, low, high }
}

/**
 * Each key once.
 *
 * @throws CemError `plot-rows-duplicate`
 */
export function checkDistinct<T extends CellRow>(
  rows: readonly T[],
  place: (row: T) => string = () => '',
): void {
  const seen = new Map<string, number>()
  for (const [i, row] of rows.entries()) {
    const key = JSON.stringify([row.variant, row.step, place(row)])
    const earlier = seen.get(key)
    if (earlier !== undefined)
      throw new CemError({
        code: 'plot-rows-duplicate',
        message:
          `Rows ${earlier} and ${i} are both ${described(row)}${place(row)}. ` +
          'Give each variant and step once: pool replicates first, or name them as variants of their own.',
        data: { variant: row.variant, step: row.step, indices: [earlier, i] },
      })
    seen.set(key, i)
  }
}

/** The flags of each cell, from all of its rows: what one metric says of a cell holds for the others. */
export function flagsByCell(rows: readonly CellRow[]): (row: CellRow) => readonly Flag[] {
  const flags = new Map<string, Set<Flag>>()
  const key = (row: CellRow) => JSON.stringify([row.variant, row.step])
  for (const row of rows)
    if (row.flag !== undefined && row.flag !== null)
      flags.set(key(row), (flags.get(key(row)) ?? new Set<Flag>()).add(row.flag))
  return (row) => [...(flags.get(key(row)) ?? [])].toSorted()
}

function invalid(row: CellRow, index: number, key: string, value: unknown, allowed: string) {
  return new CemError({
    code: 'plot-row-invalid',
    message: `Row ${index} (${described(row)}): ${key} is ${printed(value)}; it has to be ${allowed}.`,
    data: { index, variant: row.variant, step: row.step, key, value },
  })
}

function described(row: CellRow): string {
  return `variant ${JSON.stringify(row.variant)}, step ${printed(row.step)}`
}

function printed(value: unknown): string {
  return typeof value === 'string' ? JSON.stringify(value) : String(value)
}

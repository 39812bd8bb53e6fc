import { CemError } from '@cem/core'
import { type Flag, flagWords, type Measured } from './rows.ts'

/** Checks of the fields of one row; errors name the row. */
export interface RowChecks {
  /** Text that has to be there. */
  text(key: string, value: unknown): string
  /** Null where it is left out. */
  optionalText(key: string, value: unknown): string | null
  /** NaN, null and undefined become null: could not be computed. */
  number(key: string, value: unknown, range?: readonly [number, number]): number | null
  /** A value with both bounds of its interval or none. */
  measured(
    keys: readonly [value: string, low: string, high: string],
    values: readonly [value: unknown, low: unknown, high: unknown],
    range?: readonly [number, number],
  ): Measured
  /** A count or step: a whole number from 0; null where it is left out. */
  whole(key: string, value: unknown): number | null
  flag(value: unknown): Flag | null
  oneOf<T extends string>(key: string, value: unknown, allowed: readonly T[]): T
}

/**
 * @param name what the row is, in words, for messages
 * @throws CemError `plot-row-invalid` in each check
 */
export function rowChecks(index: number, name: string): RowChecks {
  const invalid = (key: string, value: unknown, allowed: string) =>
    new CemError({
      code: 'plot-row-invalid',
      message: `Row ${index} (${name}): ${key} is ${printed(value)}; it has to be ${allowed}.`,
      data: { index, key, value },
    })
  const checks: RowChecks = {
    text: (key, value) => {
      if (typeof value === 'string') return value
      throw invalid(key, value, 'text')
    },
    optionalText: (key, value) => {
      if (value === undefined || value === null) return null
      return checks.text(key, value)
    },
    number: (key, value, range) => {
      if (value === undefined || value === null || Number.isNaN(value)) return null
      if (typeof value !== 'number' || !Number.isFinite(value))
        throw invalid(key, value, 'a finite number, or NaN for none')
      if (range !== undefined && (value < range[0] || value > range[1]))
        throw invalid(key, value, `from ${range[0]} to ${range[1]}`)
      return value
    },
    measured: (keys, values, range) => {
      const value = checks.number(keys[0], values[0], range)
      const low = checks.number(keys[1], values[1])
      const high = checks.number(keys[2], values[2])
      if ((low === null) !== (high === null))
        throw invalid(keys[low === null ? 1 : 2], 'missing', 'given with the other bound')
      if (low !== null && high !== null && low > high)
        throw invalid(keys[1], low, `at most ${keys[2]}, which is ${high}`)
      return { value, low, high }
    },
    whole: (key, value) => {
      const number = checks.number(key, value)
      if (number !== null && (!Number.isSafeInteger(number) || number < 0))
        throw invalid(key, value, 'a whole number from 0')
      return number
    },
    flag: (value) => {
      if (value === undefined || value === null) return null
      return checks.oneOf('flag', value, Object.keys(flagWords) as Flag[])
    },
    oneOf: (key, value, allowed) => {
      const found = allowed.find((each) => each === value)
      if (found !== undefined) return found
      throw invalid(key, value, `one of ${allowed.join(', ')}`)
    },
  }
  return checks
}

/**
 * Each key once.
 *
 * @throws CemError `plot-rows-duplicate`
 */
export function checkOnce<T>(rows: readonly T[], keyOf: (row: T) => readonly unknown[]): void {
  const seen = new Map<string, number>()
  for (const [i, row] of rows.entries()) {
    const key = JSON.stringify(keyOf(row))
    const earlier = seen.get(key)
    if (earlier !== undefined)
      throw new CemError({
        code: 'plot-rows-duplicate',
        message: `Rows ${earlier} and ${i} are both ${keyOf(row).map(printed).join(', ')}. Give each once: pool replicates first, or give them names of their own.`,
        data: { indices: [earlier, i] },
      })
    seen.set(key, i)
  }
}

function printed(value: unknown): string {
  return typeof value === 'string' ? JSON.stringify(value) : String(value)
}

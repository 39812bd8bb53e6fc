import { CemError } from '@cem/core'

/** Throws `bad-option` unless the value lies strictly between 0 and 1. */
export function checkProbability(name: string, value: number): void {
  if (value > 0 && value < 1) return
  throw badOption(name, value, 'a number between 0 and 1, both excluded')
}

/** Throws `bad-option` unless the value is a finite number above 0. */
export function checkPositive(name: string, value: number): void {
  if (value > 0 && Number.isFinite(value)) return
  throw badOption(name, value, 'a finite number above 0')
}

/** Throws `bad-option` unless the value is a finite number of at least 0. */
export function checkNotNegative(name: string, value: number): void {
  if (value >= 0 && Number.isFinite(value)) return
  throw badOption(name, value, 'a finite number of at least 0')
}

/** Throws `bad-option` unless the value is a share. */
export function checkShare(name: string, value: number): void {
  if (value >= 0 && value <= 1) return
  throw badOption(name, value, 'a share from 0 to 1 (not a percentage)')
}

/** Throws `bad-option` unless the value is a whole number of at least `minimum`. */
export function checkWhole(name: string, value: number, minimum: number): void {
  if (Number.isSafeInteger(value) && value >= minimum) return
  throw badOption(name, value, `a whole number of at least ${minimum}`)
}

function badOption(name: string, value: unknown, wanted: string): CemError {
  return new CemError({
    code: 'bad-option',
    message: `${name} is ${String(value)}; it must be ${wanted}.`,
    data: { name, value },
  })
}

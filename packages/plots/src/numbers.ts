/** A number with this many decimals and a true minus sign; `none` for an absence. Never "−0". */
export function fixed(value: number | null, decimals: number): string {
  if (value === null) return 'none'
  const text = value.toFixed(decimals)
  return (Number(text) === 0 ? text.replace('-', '') : text).replace('-', '−')
}

/** Decimals that show three digits of the largest of these numbers, 0 to 4. */
export function decimalsFor(values: readonly number[]): number {
  const largest = values.reduce((most, value) => Math.max(most, Math.abs(value)), 0)
  if (largest === 0) return 0
  return Math.min(4, Math.max(0, 2 - Math.floor(Math.log10(largest))))
}

/** `12.3 (9.8 to 15.1)`, or the value with an asterisk where there is no interval. */
export function withInterval(
  { value, low, high }: { value: number | null; low: number | null; high: number | null },
  decimals: number,
): string {
  if (value === null) return 'no value'
  if (low === null) return `${fixed(value, decimals)} *`
  return `${fixed(value, decimals)} (${fixed(low, decimals)} to ${fixed(high, decimals)})`
}

/** The share of a range at which a value lies: 0 at its lower end. */
export function shareOf(value: number, [low, high]: readonly [number, number]): number {
  return (value - low) / (high - low)
}

const inMs: Readonly<Record<string, number>> = {
  d: 86_400_000,
  h: 3_600_000,
  m: 60_000,
  s: 1000,
  ms: 1,
  us: 1e-3,
  µs: 1e-3,
  ns: 1e-6,
}

const part = /(\d{1,12}(?:\.\d{1,12})?)(ms|us|µs|ns|d|h|m|s)/g
const whole = new RegExp(`^(?:${part.source})+$`)
const seconds = /^\d{1,12}(?:\.\d{1,12})?$/

/**
 * Milliseconds of a duration as rate-limit headers write it: `1s`, `6m0s`, `120ms`, `1h2m3.5s`, or a bare number of seconds.
 * Undefined where it is none.
 */
export function durationInMs(text: string): number | undefined {
  const value = text.trim()
  if (seconds.test(value)) return Number(value) * 1000
  if (!whole.test(value)) return undefined
  let sum = 0
  for (const [, amount, unit] of value.matchAll(part))
    sum += Number(amount) * (inMs[unit ?? ''] ?? 0)
  return sum
}

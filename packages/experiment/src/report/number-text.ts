import type { Estimate } from '../analysis/cell-metrics.ts'

/** A share as `12.3 %`. */
export function percentText(share: number | null): string {
  return share === null ? 'none' : `${(share * 100).toFixed(1)} %`
}

/** A share's difference as `-12.3 points`. */
export function pointsText(difference: number): string {
  const text = (difference * 100).toFixed(1)
  return `${difference > 0 ? '+' : ''}${text === '-0.0' ? '0.0' : text} points`
}

/** A p value with two significant digits, and never 0. */
export function pText(p: number): string {
  return p < 0.0001 ? 'below 0.0001' : p.toPrecision(2)
}

/** Below this an interval at 95 % is said to be too narrow, as in @cem/direction. */
const reliableCoverage = 0.93

/** The interval beside an estimate, or why there is none. */
export function intervalText(
  { low, high, absent, reliability }: Estimate,
  format: (value: number) => string,
): string {
  if (low === null || high === null) return `no interval${absent === null ? '' : `: ${absent}`}`
  const covered = reliability?.coverage
  const warning =
    covered === undefined || covered === null || covered.lowest >= reliableCoverage
      ? ''
      : `; covers ${percentText(covered.lowest)} at worst in simulation`
  return `${format(low)} to ${format(high)}${warning}`
}

/** A model by its name alone: where it lies on a machine is nobody's business. */
export function modelText(name: string): string {
  return /^(?:[/\\~.]|[A-Za-z]:)/.test(name)
    ? (name.split(/[/\\]/).findLast(Boolean) ?? name)
    : name
}

export function hashText(sha256: string | undefined): string {
  return sha256 === undefined ? 'unknown' : sha256.slice(0, 12)
}

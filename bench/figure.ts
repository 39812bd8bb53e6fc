import type { Spread } from './numbers.ts'

export type Unit = 's' | 'ms' | 'x' | 'share' | 'tokens/s' | 'bytes' | 'bytes/s' | 'tokens' | 'nats'

/** One measured number, as it is printed, recorded and held against its target. */
export interface Figure {
  readonly name: string
  readonly value: number
  readonly unit: Unit
  /** The middle half of the measurements that `value` is the median of. */
  readonly quartiles?: readonly [number, number]
  /** How many measurements that are. */
  readonly n?: number
  readonly target?: { readonly atMost: number } | { readonly atLeast: number }
}

/** What a section of the bench gives. */
export interface SectionResult {
  readonly title: string
  readonly figures: readonly Figure[]
  /** What was skipped, what failed, how to read the figures. */
  readonly notes: readonly string[]
}

export function figureOf(
  name: string,
  unit: Unit,
  { median, quartiles, n }: Spread,
  target?: Figure['target'],
): Figure {
  return { name, value: median, unit, quartiles, n, ...(target === undefined ? {} : { target }) }
}

export function isMet({ value, target }: Figure): boolean | null {
  if (target === undefined) return null
  return 'atMost' in target ? value <= target.atMost : value >= target.atLeast
}

export function formatFigure(figure: Figure): string {
  const { name, value, unit, quartiles, n } = figure
  const spread =
    quartiles === undefined || n === 1
      ? ''
      : ` (middle half of ${n ?? 'the'} ${quartiles.map((q) => formatValue(q, unit)).join(' to ')})`
  return `${name}: ${formatValue(value, unit)}${spread}${formatTarget(figure)}`
}

function formatTarget(figure: Figure): string {
  const { target, unit } = figure
  if (target === undefined) return ''
  return `  [target ${describeTarget(target, unit)}: ${isMet(figure) === true ? 'met' : 'MISSED'}]`
}

export function describeTarget(target: NonNullable<Figure['target']>, unit: Unit): string {
  return 'atMost' in target
    ? `<= ${formatValue(target.atMost, unit)}`
    : `>= ${formatValue(target.atLeast, unit)}`
}

export function formatValue(value: number, unit: Unit): string {
  switch (unit) {
    case 's':
      return `${value.toFixed(2)} s`
    case 'ms':
      return `${value.toFixed(1)} ms`
    case 'x':
      return `${value.toFixed(3)} x`
    case 'share':
      return `${(value * 100).toFixed(1)} %`
    case 'nats':
      return `${value.toPrecision(2)} nats`
    case 'bytes':
      return formatBytes(value)
    case 'bytes/s':
      return `${formatBytes(value)}/s`
    default:
      return `${value.toFixed(0)} ${unit}`
  }
}

export function formatBytes(bytes: number): string {
  return bytes >= 1e9 ? `${(bytes / 1e9).toFixed(1)} GB` : `${(bytes / 1e6).toFixed(1)} MB`
}

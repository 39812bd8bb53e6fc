import { InvalidArgumentError } from 'commander'

export function integer(text: string): number {
  const value = Number(text)
  if (!Number.isInteger(value) || value < 0)
    throw new InvalidArgumentError('It must be a whole number.')
  return value
}

export function positiveInteger(text: string): number {
  const value = integer(text)
  if (value < 1) throw new InvalidArgumentError('It must be at least 1.')
  return value
}

/** For flags that take several numbers: commander calls this for each of them. */
export function integers(text: string, before: readonly number[] | undefined): number[] {
  return [...(before ?? []), integer(text)]
}

/** As `integers`, for any finite number. */
export function numbers(text: string, before: readonly number[] | undefined): number[] {
  const value = Number(text)
  if (text.trim() === '' || !Number.isFinite(value))
    throw new InvalidArgumentError('It must be a number.')
  return [...(before ?? []), value]
}

/** `2/4`: the second of four parts. */
export function shard(text: string): { index: number; count: number } {
  const [, index = '0', count = '0'] = /^(\d+)\/(\d+)$/.exec(text) ?? []
  const value = { index: Number(index), count: Number(count) }
  if (value.index < 1 || value.index > value.count)
    throw new InvalidArgumentError('Write it as i/n with 1 <= i <= n, such as 2/4.')
  return value
}

/** An amount of money. */
export function usd(text: string): number {
  const value = Number(text)
  if (text.trim() === '' || !(value >= 0 && value < Infinity))
    throw new InvalidArgumentError('It must be a number of at least 0.')
  return value
}

/** A checkpoint's step, or all of them. */
export function stepOrAll(text: string): number | 'all' {
  return text === 'all' ? text : integer(text)
}

/** Above 0 and below 1. */
export function shareFlag(text: string): number {
  const value = Number(text)
  if (!(value > 0 && value < 1))
    throw new InvalidArgumentError('It must be a share between 0 and 1, such as 0.1.')
  return value
}

/** Width of a figure: a word of @cem/plots, or px. */
export function figureWidth(text: string): 'single' | 'text' | 'double' | number {
  if (text === 'single' || text === 'text' || text === 'double') return text
  const value = Number(text)
  if (Number.isFinite(value) && value >= 200) return value
  throw new InvalidArgumentError('It must be single, text, double, or a number of px from 200.')
}

import { CemError, randomSource } from '@cem/core'

export interface MixPart<T> {
  /** For messages. */
  readonly name: string
  readonly items: readonly T[]
  /** Above 0 and at most 1; undefined: what the others leave, by size. */
  readonly share: number | undefined
}

/**
 * Mixes data sets by their shares, without repeating an example: as many in all as the scarcest source allows. Which examples are
 * taken, and where they stand, is decided by the seed. Without any share everything is taken, one source after the other.
 *
 * @returns for each example of the mixture, its part and itself
 * @throws CemError `data-mix-invalid`
 */
export function mix<T>(
  parts: readonly MixPart<T>[],
  seed: number,
): { readonly part: number; readonly item: T }[] {
  const tagged = parts.map(({ items }, part) => items.map((item) => ({ part, item })))
  if (parts.every(({ share }) => share === undefined)) return tagged.flat()
  const shares = allShares(parts)
  const total = Math.min(...parts.map(({ items }, i) => items.length / (shares[i] as number)))
  // A share such as 0.1 is no exact binary number: 270 / 0.9 must be 300.
  const size = Math.floor(total + 1e-9)
  const taken = tagged.flatMap((items, i) => {
    const count = Math.min(items.length, Math.round((shares[i] as number) * size))
    if (count === 0)
      throw invalid(
        `the mixture would take no example of ${parts[i]?.name}: it has ${items.length} examples and a share of ${shares[i]}`,
      )
    return randomSource('mixture', seed, i).shuffle(items).slice(0, count)
  })
  return randomSource('mixture order', seed).shuffle(taken)
}

function allShares<T>(parts: readonly MixPart<T>[]): number[] {
  const given = parts.reduce((sum, { share = 0 }) => sum + share, 0)
  const free = parts.filter(({ share }) => share === undefined)
  const freeSize = free.reduce((sum, { items }) => sum + items.length, 0)
  if (given > 1 + 1e-9 || (free.length === 0 && given < 1 - 1e-9))
    throw invalid(
      `the shares add up to ${Number(given.toPrecision(6))}, not to 1${free.length === 0 ? ' (leave one out, and it gets the rest)' : ''}`,
    )
  if (free.length > 0 && given > 1 - 1e-9)
    throw invalid(`the shares add up to 1, and ${free[0]?.name} has none left`)
  if (free.length > 0 && freeSize === 0) throw invalid(`${free[0]?.name} has no examples`)
  return parts.map(({ share, items }) => share ?? ((1 - given) * items.length) / freeSize)
}

function invalid(reason: string): CemError {
  return new CemError({ code: 'data-mix-invalid', message: `The data cannot be mixed: ${reason}.` })
}

import { randomSource } from '@cem/core'

export interface Split<T> {
  readonly training: readonly T[]
  /** Held out, for the evaluated loss. */
  readonly evaluation: readonly T[]
}

/** Holds a share of the examples out, chosen by the seed: `ceil(share * n)` of them, as scikit-learn and Hugging Face count. Both keep their order. */
export function splitBySeed<T>(items: readonly T[], share: number, seed: number): Split<T> {
  const count = Math.min(items.length, Math.ceil(share * items.length - 1e-9))
  const order = randomSource('split', seed).shuffle(items.map((_, i) => i))
  const held = new Set(order.slice(0, count))
  return {
    training: items.filter((_, i) => !held.has(i)),
    evaluation: items.filter((_, i) => held.has(i)),
  }
}

import { randomSource } from '@cem/core'

/**
 * How examples come into batches. `random`: anew for each epoch. `length-grouped`: as `random`, and then examples of like length
 * together (as Hugging Face's `group_by_length`: sorted within stretches of 50 batches, whose batches are shuffled again), so
 * that less is padded where a step is one micro-batch. `file`: as they stand.
 */
export type Order = 'random' | 'length-grouped' | 'file'

export interface BatchOrderOptions {
  /** Tokens of each example, [nExamples]. */
  readonly lengths: readonly number[]
  /** Examples in a step. */
  readonly batchSize: number
  readonly order: Order
  readonly seed: number
  /** From 0. */
  readonly epoch: number
}

/**
 * Which examples each step of an epoch takes, by index: every example once, the last batch with what is left. Depends on the
 * options alone, so a resumed training goes on where it was.
 */
export function batchOrder({
  lengths,
  batchSize,
  order,
  seed,
  epoch,
}: BatchOrderOptions): number[][] {
  const indices = lengths.map((_, i) => i)
  if (order === 'file') return chunks(indices, batchSize)
  const random = randomSource('order', seed, epoch)
  const shuffled = random.shuffle(indices)
  if (order === 'random') return chunks(shuffled, batchSize)
  const byLength = (a: number, b: number) => (lengths[b] ?? 0) - (lengths[a] ?? 0)
  const grouped = chunks(shuffled, 50 * batchSize).flatMap((stretch) => stretch.toSorted(byLength))
  const batches = chunks(grouped, batchSize)
  // The one that is not full stays last, so that all orders have the same steps.
  const full = batches.filter((batch) => batch.length === batchSize)
  return [...random.shuffle(full), ...batches.slice(full.length)]
}

/** Steps of an epoch. */
export function stepsPerEpoch(nExamples: number, batchSize: number): number {
  return Math.ceil(nExamples / batchSize)
}

function chunks<T>(items: readonly T[], size: number): T[][] {
  return Array.from({ length: Math.ceil(items.length / size) }, (_, i) =>
    items.slice(i * size, (i + 1) * size),
  )
}

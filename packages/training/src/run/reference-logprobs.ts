import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { openSafetensors, type TensorToWrite, writeSafetensors } from '@cem/tensor-files'
import { microBatches } from '../batches/micro-batches.ts'
import type {
  PairReference,
  PreferencePair,
  Trainer,
  TrainingSequence,
} from '../trainer/trainer.ts'
import type { TrainingReferenceEvent } from './training-events.ts'

export interface ReferenceRequest {
  /** In its state before training. */
  readonly trainer: () => Promise<Trainer<PreferencePair>>
  /** Chosen and rejected of each pair. */
  readonly pairs: readonly (readonly TrainingSequence[])[]
  /** Everything but the pairs that decides the numbers: the hash of the composition, of the adapter begun from. */
  readonly key: readonly string[]
  /** Whether each token's are needed, for the KL term. */
  readonly withTokens: boolean
  readonly microBatchTokens: number
  readonly cache: string
  readonly signal: AbortSignal | undefined
}

/**
 * The log-probabilities of each pair under the model before training, from the cache where it has them for the same model and the
 * same tokens (by hash). They are computed once, so a resumed training uses the same numbers.
 */
export async function* referenceLogprobs(
  request: ReferenceRequest,
): AsyncGenerator<TrainingReferenceEvent, PairReference[]> {
  const { pairs, withTokens, cache } = request
  const nTotal = pairs.length
  const file = join(cache, 'reference-logprobs', `${hashOf(request)}.safetensors`)
  const sequences = pairs.flat()
  const isCached = existsSync(file)
  if (!isCached) {
    const tensors = yield* compute(request, sequences)
    await writeSafetensors(file, tensors)
  }
  yield { type: 'training-reference', nDone: nTotal, nTotal, isCached }
  return readReferences(file, sequences, withTokens)
}

async function* compute(
  { trainer: open, pairs, withTokens, microBatchTokens, signal }: ReferenceRequest,
  sequences: readonly TrainingSequence[],
): AsyncGenerator<TrainingReferenceEvent, TensorToWrite[]> {
  const trainer = await open()
  const sums = new Float64Array(sequences.length)
  const starts: number[] = []
  let total = 0
  for (const { tokens } of sequences) {
    starts.push(total)
    total += tokens.length
  }
  const values = new Float32Array(withTokens ? total : 0)
  const indices = sequences.map((_, i) => i)
  const lengthOf = (i: number) => sequences[i]?.tokens.length ?? 0
  let nDone = 0
  for (const batch of microBatches(indices, lengthOf, microBatchTokens)) {
    signal?.throwIfAborted()
    const chosen = batch.map((i) => sequences[i] as TrainingSequence)
    if (withTokens) {
      for (const [at, found] of (await trainer.tokenLogprobs(chosen)).entries()) {
        const i = batch[at] as number
        values.set(found, starts[i])
        sums[i] = weightedSum(found, chosen[at] as TrainingSequence)
      }
    } else {
      const found = await trainer.sequenceLogprobs(chosen)
      for (const [at, i] of batch.entries()) sums[i] = found[at] as number
    }
    nDone += batch.length
    if (nDone < sequences.length)
      yield {
        type: 'training-reference',
        nDone: Math.floor(nDone / 2),
        nTotal: pairs.length,
        isCached: false,
      }
  }
  return [
    { name: 'sums', dtype: 'F64', shape: [sums.length], data: sums },
    { name: 'tokens', dtype: 'F32', shape: [values.length], data: values },
  ]
}

function weightedSum(logprobs: Float32Array, { weights }: TrainingSequence): number {
  let sum = 0
  for (const [i, value] of logprobs.entries()) if (i > 0) sum += value * (weights[i] ?? 0)
  return sum
}

async function readReferences(
  path: string,
  sequences: readonly TrainingSequence[],
  withTokens: boolean,
): Promise<PairReference[]> {
  await using file = await openSafetensors(path)
  const sums = (await file.read('sums')).data as Float64Array
  const values = withTokens ? (await file.readFloat32('tokens')).data : new Float32Array(0)
  let start = 0
  const tokensOf = (i: number) => {
    const end = start + (sequences[i]?.tokens.length ?? 0)
    const found = values.subarray(start, end)
    start = end
    return found
  }
  return Array.from({ length: sequences.length / 2 }, (_, pair) => {
    const chosen = sums[2 * pair] as number
    const rejected = sums[2 * pair + 1] as number
    if (!withTokens) return { chosen, rejected }
    const tokens = { chosen: tokensOf(2 * pair), rejected: tokensOf(2 * pair + 1) }
    return { chosen, rejected, tokens }
  })
}

function hashOf({ pairs, key, withTokens }: ReferenceRequest): string {
  const hash = createHash('sha256').update(JSON.stringify([1, key, withTokens]))
  for (const { tokens, weights } of pairs.flat()) hash.update(JSON.stringify([tokens, weights]))
  return hash.digest('hex')
}

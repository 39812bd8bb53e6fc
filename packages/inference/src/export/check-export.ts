import type { LayerRequest } from '../composition/compose.ts'
import { compose } from '../composition/compose.ts'
import type { Composition } from '../composition/composition.ts'
import { checkMerged, selfTestPrompt } from '../composition/self-test.ts'
import type { WeightLocation } from '../graph/weight-source.ts'
import { openModel } from '../load-model.ts'
import type { Model } from '../model.ts'

export interface ExportCheck {
  /** Largest difference between the logits of the written model and of base and adapters, as a share of the largest logit. */
  readonly error: number
  /** Largest change of a logit that the merge makes, as a share of the largest. */
  readonly effect: number
}

/** A weights' file of an exported model. */
export interface WrittenFile {
  readonly name: string
  readonly sha256: string
}

export interface CheckExportOptions {
  readonly threads?: number | undefined
  readonly cache?: string | undefined
  readonly signal?: AbortSignal | undefined
}

/**
 * Loads a written model and holds its logits on a fixed prompt against those of the base with the layers stacked on it.
 *
 * @throws CemError `merge-mismatch`, `layer-inactive`, `session-failed`, `engine-died`
 */
export async function checkExport(
  { base }: Composition,
  layers: readonly LayerRequest[],
  folder: string,
  options: CheckExportOptions,
): Promise<ExportCheck & { readonly files: readonly WrittenFile[] }> {
  const stacked = layers.map((layer) => ({ ...layer, mode: 'stacked' as const }))
  const reference = await (async () => {
    const composition = await compose({ ...options, base, layers: stacked })
    await using model = await openModel(composition, options)
    const on = await logits(model)
    await model.switchTo([], options.signal)
    return { stacked: on, base: await logits(model) }
  })()
  const written = await compose({ ...options, base: folder })
  await using model = await openModel(written, options)
  const merged = await logits(model)
  const { error, effect } = checkMerged({ merged, ...reference }, coarsest(written), 0)
  // The hashing pass that every load makes, which also looks for numbers that are not finite.
  const { files } = (await written.record()).base
  return { error, effect, files: files.map(({ name, sha256 }) => ({ name, sha256 })) }
}

async function logits(model: Model): Promise<Float32Array> {
  const tokenIds = selfTestPrompt(model.architecture, model.tokenizer.nTokens)
  const last = { start: tokenIds.length - 1, end: tokenIds.length }
  for await (const scored of model.score({ sequences: [{ id: 'check', tokenIds, logits: last }] }))
    return scored.logits as Float32Array
  throw new Error('nothing was scored')
}

function coarsest({ base }: Composition): WeightLocation['dtype'] {
  const types = new Set(Array.from(base.weights.values(), (weight) => weight.dtype))
  return types.has('BF16') ? 'BF16' : types.has('F16') ? 'F16' : 'F32'
}

import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { CemError, messageOf } from '@cem/core'
import { isAbsent, type LoraCheckpoint, type LoraMatrices, loraGeometry } from '@cem/direction'
import type { LoraRow, LoraTransition } from '@cem/plots'
import { openSafetensors } from '@cem/tensor-files'
import { z } from 'zod'

/** The adapters of one training run. */
export interface VariantAdapters {
  readonly variant: string
  /** Folders of its checkpoints, by rising step. */
  readonly checkpoints: readonly { readonly step: number; readonly path: string }[]
}

export interface LoraPaths {
  readonly rows: readonly LoraRow[]
  readonly transitions: readonly LoraTransition[]
  /** Local cosine below which a path counts as turning; undefined without any variant. */
  readonly threshold: number | undefined
}

/**
 * Norms, local cosines and turning points of adapters over their checkpoints. All checkpoints of one variant are in memory at
 * once, as 32-bit floats.
 *
 * @throws CemError `adapter-unsupported`, and those of `loraGeometry` and `openSafetensors`
 */
export async function loraPaths(variants: readonly VariantAdapters[]): Promise<LoraPaths> {
  const rows: LoraRow[] = []
  const transitions: LoraTransition[] = []
  let threshold: number | undefined
  for (const { variant, checkpoints } of variants) {
    const read: LoraCheckpoint[] = []
    for (const { step, path } of checkpoints) read.push({ step, modules: await readModules(path) })
    const geometry = await loraGeometry(read)
    threshold = geometry.transition.b.threshold
    const turn = geometry.transition.b.step
    if (!isAbsent(turn)) transitions.push({ variant, step: turn })
    for (const { step, norms, localCosine } of geometry.steps) {
      const cosine = (value: (typeof localCosine)['a']) => (isAbsent(value) ? null : value)
      rows.push(
        { variant, step, measure: 'normA', value: norms.a.frobenius },
        { variant, step, measure: 'normB', value: norms.b.frobenius },
        { variant, step, measure: 'normChange', value: norms.change.frobenius },
        { variant, step, measure: 'cosineB', value: cosine(localCosine.b) },
      )
    }
  }
  return { rows, transitions, threshold }
}

const configSchema = z.looseObject({
  r: z.int().min(1),
  lora_alpha: z.number(),
  use_rslora: z.boolean().default(false),
  rank_pattern: z.record(z.string(), z.number()).default({}),
  alpha_pattern: z.record(z.string(), z.number()).default({}),
})

const adapterKey = /^(?:base_model\.model\.)?(.+)\.lora_A\.weight$/

/** The matrices of an adapter folder; no base model is needed. */
async function readModules(folder: string): Promise<Map<string, LoraMatrices>> {
  const config = await readConfig(join(folder, 'adapter_config.json'))
  const modules = new Map<string, LoraMatrices>()
  await using weights = await openSafetensors(join(folder, 'adapter_model.safetensors'))
  for (const name of weights.tensors.keys()) {
    const path = adapterKey.exec(name)?.[1]
    if (path === undefined) continue
    const a = await weights.readFloat32(name)
    const b = await weights.readFloat32(name.replace('.lora_A.', '.lora_B.'))
    const [rank = 0, nIn = 0] = a.shape
    const { lora_alpha: alpha, use_rslora: isRankStabilized } = config
    modules.set(path, {
      a: a.data,
      b: b.data,
      rank,
      nIn,
      nOut: b.shape[0] ?? 0,
      scale: isRankStabilized ? alpha / Math.sqrt(rank) : alpha / rank,
    })
  }
  return modules
}

async function readConfig(file: string) {
  const unsupported = (reason: string) =>
    new CemError({
      code: 'adapter-unsupported',
      message: `${file} cannot be read as the config of a LoRA adapter: ${reason}.`,
      data: { file },
    })
  let value: unknown
  try {
    value = JSON.parse(await readFile(file, 'utf8'))
  } catch (error) {
    throw unsupported(messageOf(error))
  }
  const result = configSchema.safeParse(value)
  if (!result.success) {
    const [issue] = result.error.issues
    throw unsupported(`${issue?.path.join('.')}: ${issue?.message}`)
  }
  const { rank_pattern: ranks, alpha_pattern: alphas } = result.data
  if (Object.keys(ranks).length + Object.keys(alphas).length > 0)
    throw unsupported('rank_pattern and alpha_pattern are not implemented here')
  return result.data
}

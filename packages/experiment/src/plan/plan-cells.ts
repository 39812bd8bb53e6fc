import { existsSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { CemError } from '@cem/core'
import type { LayerRequest } from '@cem/inference'
import { planCausalCells } from '../causal/plan-causal-cells.ts'
import { type LoadedConfig, modelReference } from '../config/load-config.ts'
import type { VariantConfig } from '../config/schema.ts'
import { type Checkpoint, readVariantFolder, type VariantFolder } from '../study/variant-folder.ts'
import type { Cell } from './cell.ts'
import { baseHash, personaStates } from './persona-at-inference.ts'

export interface PlannedCells {
  readonly cells: readonly Cell[]
  /** Things that a reader should know, in words. */
  readonly notes: readonly string[]
}

/**
 * The cells of a config: the base model, then each variant by step, step 0 (base, or base with persona) first.
 *
 * @throws CemError `variant-not-found`, `variant-empty`, `persona-unrecorded`, `persona-missing`, `training-record-invalid`,
 *   `plan-empty`, `causal-without-checkpoint`
 */
export async function planCells(loaded: LoadedConfig): Promise<PlannedCells> {
  const { config } = loaded
  const cells: Cell[] = config.evaluate_base ? [baseCell(loaded)] : []
  const notes: string[] = []
  for (const variant of config.variants) {
    const path = resolve(loaded.root, variant.path)
    const folder = await readVariantFolder(path, { finalStep: variant.finalStep })
    notes.push(...folder.notes)
    cells.push(...variantCells(loaded, variant, withPersona(loaded, variant, folder)))
  }
  if (cells.length === 0)
    throw new CemError({
      code: 'plan-empty',
      message: 'There is nothing to run: no variants, and evaluate_base is false.',
    })
  return { cells: [...cells, ...planCausalCells(loaded.config, cells)], notes }
}

function baseCell(loaded: LoadedConfig): Cell {
  const { config } = loaded
  const name = config.base_output_name
  return {
    id: name,
    kind: 'base',
    variant: name,
    type: 'base',
    condition: name,
    trainingSeed: 0,
    dataset: null,
    step: 0,
    base: baseOf(loaded, undefined),
    layers: [],
    persona: 'none',
    match: 'as-trained',
    output: name,
  }
}

function variantCells(loaded: LoadedConfig, variant: VariantConfig, folder: VariantFolder): Cell[] {
  const { config } = loaded
  const option = variant.personaAtInference ?? config.personaAtInference
  const initial = config.skipInitial || !isWanted(loaded, 0) ? [] : [undefined]
  const later = folder.checkpoints.filter(({ step }) => isWanted(loaded, step))
  return [...initial, ...later].flatMap((checkpoint) =>
    personaStates(option, folder, checkpoint, variant.personaRole).map(
      ({ suffix, layers, persona, match }): Cell => {
        const step = checkpoint?.step ?? 0
        return {
          id: `${variant.name}/${step}${suffix}`,
          kind: 'checkpoint',
          variant: `${variant.name}${suffix}`,
          type: variant.type,
          condition: `${variant.condition ?? variant.name}${suffix}`,
          trainingSeed: variant.trainingSeed,
          dataset: variant.dataset ?? checkpoint?.record?.dataset ?? null,
          step,
          base: baseOf(loaded, variant),
          layers: [...layers, ...emLayer(checkpoint)],
          persona,
          // Step 0 has no EM adapter, so nothing was trained on top of another state.
          match: checkpoint === undefined && persona !== 'off' ? 'as-trained' : match,
          output: `${variant.name}${suffix}_checkpoints/checkpoint_${step}`,
        }
      },
    ),
  )
}

/** The persona that the config names, in place of the one in the variant's folder. */
function withPersona(
  { root }: LoadedConfig,
  { name, persona }: VariantConfig,
  folder: VariantFolder,
): VariantFolder {
  if (persona === undefined) return folder
  const path = resolve(root, persona)
  if (existsSync(join(path, 'adapter_config.json'))) return { ...folder, persona: path }
  throw new CemError({
    code: 'persona-missing',
    message: `The variant ${name} names the persona ${persona}, and there is no adapter_config.json in ${path}.`,
    data: { name, path },
  })
}

function isWanted({ config }: LoadedConfig, step: number): boolean {
  if (config.steps !== undefined) return config.steps.includes(step)
  return config.saveSteps === undefined || step % config.saveSteps === 0
}

function emLayer(checkpoint: Checkpoint | undefined): LayerRequest[] {
  if (checkpoint === undefined) return []
  return [{ role: 'em', mode: 'stacked', adapter: checkpoint.path, ...baseHash(checkpoint.record) }]
}

function baseOf({ root, config }: LoadedConfig, variant: VariantConfig | undefined): string {
  return modelReference(root, variant?.baseModel ?? config.base_model, existsSync)
}

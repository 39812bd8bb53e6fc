import { existsSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { CemError } from '@cem/core'
import type { LayerRequest } from '@cem/inference'
import { modelPath } from '@cem/training'
import { planCausalCells } from '../causal/plan-causal-cells.ts'
import type { LoadedConfig } from '../config/load-config.ts'
import type { RandomConfig, VariantConfig } from '../config/schema.ts'
import { controlFolder } from '../study/control-folder.ts'
import { type Checkpoint, readVariantFolder, type VariantFolder } from '../study/variant-folder.ts'
import type { Cell } from './cell.ts'
import { baseHash, personaStates } from './persona-at-inference.ts'

export interface PlannedCells {
  readonly cells: readonly Cell[]
  /** Random adapters that cells run, and that are made before these run. */
  readonly controls: readonly PlannedControl[]
  /** Things that a reader should know, in words. */
  readonly notes: readonly string[]
}

export interface PlannedControl {
  readonly random: RandomConfig
  /** Folder of the adapter that it is like. */
  readonly like: string
  /** Folder that it lies in, or will. */
  readonly folder: string
  /** Model folder or hub id. */
  readonly base: string
  /** Of the base's files, where a training left a record. */
  readonly baseSha256?: Readonly<Record<string, string>>
  /** Variants that run it. */
  readonly variants: readonly string[]
}

export interface PlanCellsOptions {
  /** Where hashes are kept. @default the user's cache folder */
  readonly cache?: string | undefined
}

/**
 * The cells of a config: the base model, then each variant by step, step 0 (base, or base with persona) first.
 *
 * @throws CemError `variant-not-found`, `variant-empty`, `persona-unrecorded`, `persona-missing`, `training-record-invalid`,
 *   `random-not-trained`, `plan-empty`, `causal-without-checkpoint`
 */
export async function planCells(
  loaded: LoadedConfig,
  { cache }: PlanCellsOptions = {},
): Promise<PlannedCells> {
  const { config } = loaded
  const cells: Cell[] = config.evaluate_base ? [baseCell(loaded)] : []
  const notes: string[] = []
  const controls = new Map<string, PlannedControl>()
  for (const variant of config.variants) {
    const path = resolve(loaded.root, variant.path)
    const folder = await readVariantFolder(path, { finalStep: variant.finalStep })
    notes.push(...folder.notes)
    const named = withPersona(loaded, variant, folder)
    const control = await plannedControl(loaded, variant, named, cache)
    if (control !== undefined) {
      const { variants = [] } = controls.get(control.folder) ?? {}
      controls.set(control.folder, { ...control, variants: [...variants, variant.name] })
    }
    cells.push(...variantCells(loaded, variant, inPlaceOfPersona(named, control)))
  }
  if (cells.length === 0)
    throw new CemError({
      code: 'plan-empty',
      message: 'There is nothing to run: no variants, and evaluate_base is false.',
    })
  const all = [...cells, ...planCausalCells(loaded.config, cells)]
  return { cells: all, controls: [...controls.values()], notes }
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
  // Step 0 has no record of its own, and draws with the noise of the training that follows it.
  const recorded = folder.checkpoints.flatMap(({ record }) => record?.trainingSeed ?? [])[0]
  const trainingSeed = variant.trainingSeed ?? recorded ?? 0
  return [...initial, ...later].flatMap((checkpoint) =>
    personaStates(option, folder, checkpoint, roleOf(variant)).map(
      ({ suffix, layers, persona, match }): Cell => {
        const step = checkpoint?.step ?? 0
        return {
          id: `${variant.name}/${step}${suffix}`,
          kind: 'checkpoint',
          variant: `${variant.name}${suffix}`,
          type: variant.type,
          condition: `${variant.condition ?? variant.name}${suffix}`,
          trainingSeed,
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

function roleOf({ random, personaRole }: VariantConfig): 'persona' | 'control' {
  return random === undefined ? personaRole : 'control'
}

async function plannedControl(
  loaded: LoadedConfig,
  variant: VariantConfig,
  { path, persona, checkpoints }: VariantFolder,
  cache: string | undefined,
): Promise<PlannedControl | undefined> {
  const { name, random } = variant
  if (random === undefined) return undefined
  if (persona === undefined)
    throw new CemError({
      code: 'persona-missing',
      message: `The variant ${name} asks for a random adapter like its persona, and there is none in ${path}: name the adapter that it is to be like with persona.`,
      data: { name, path },
    })
  const trained = checkpoints.find(
    ({ record }) =>
      record?.personaInTraining === 'merged' || record?.personaInTraining === 'stacked',
  )
  if (trained !== undefined)
    throw new CemError({
      code: 'random-not-trained',
      message: `The variant ${name} asks for a random adapter in place of its persona, and the record of ${trained.path} says that the persona was active in training: nothing was trained with the random one. Train beside a random adapter, and name that with persona and personaRole: control.`,
      data: { name, path: trained.path },
    })
  const base = baseOf(loaded, variant)
  const reference = variant.baseModel ?? loaded.config.base_model
  const folder = await controlFolder(loaded, { random, like: persona, base: reference, cache })
  const record = checkpoints.find((checkpoint) => checkpoint.record !== undefined)?.record
  return { random, like: persona, folder, base, ...baseHash(record), variants: [] }
}

/** The records name the persona's hash, which the random adapter cannot have; none of them was trained with either. */
function inPlaceOfPersona(
  folder: VariantFolder,
  control: PlannedControl | undefined,
): VariantFolder {
  if (control === undefined) return folder
  const checkpoints = folder.checkpoints.map((checkpoint) => {
    if (checkpoint.record === undefined) return checkpoint
    return { ...checkpoint, record: { ...checkpoint.record, persona: null } }
  })
  return { ...folder, checkpoints, persona: control.folder }
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
  return modelPath(root, variant?.baseModel ?? config.base_model)
}

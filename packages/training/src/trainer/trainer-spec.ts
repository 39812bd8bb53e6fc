import { availableParallelism } from 'node:os'
import { CemError } from '@cem/core'
import type { Adapter, Composition } from '@cem/inference'
import { type AdaptedModule, adapterSpec, mergedWeights } from '@cem/inference/graph'
import { type LoraMethod, loraModules } from '../adapters/lora-method.ts'
import { resolveObjective } from '../objective/objective.ts'
import { resolveAdamW } from './adamw.ts'
import type { OpenTrainerOptions } from './options.ts'
import type { TrainedSpec, TrainerSpec } from './trainer-messages.ts'

/**
 * What the trainer's process is told, checked.
 *
 * @throws CemError `training-option`, `training-composition`, `adapter-unsupported`, and those of merging
 */
export async function trainerSpec(options: OpenTrainerOptions): Promise<TrainerSpec> {
  const { composition, method, seed = 0, recompute = false, cache, signal } = options
  const { threads = availableParallelism() } = options
  checkInteger('threads', threads, 1)
  checkInteger('seed', seed, 0)
  checkComposition(composition, method.type)
  const { architecture } = composition.base
  const trained: TrainedSpec =
    method.type === 'full' ? { type: 'full' } : loraSpec(method, architecture, seed)
  return {
    architecture,
    trained,
    objective: resolveObjective(options.objective),
    optimizer: resolveAdamW(options.optimizer),
    weights: await mergedWeights(composition, { cache, signal }),
    frozen: composition.layers
      .filter(({ mode }) => mode === 'stacked')
      .map(({ adapter, weight }) => ({ adapter: adapterSpec(adapter), weight })),
    recompute,
    threads,
  }
}

function loraSpec(
  method: LoraMethod,
  architecture: TrainerSpec['architecture'],
  seed: number,
): TrainedSpec {
  const modules = loraModules(method, architecture)
  const { initialFrom } = method
  if (initialFrom === undefined) return { type: 'lora', modules, seed, initial: null }
  checkInitial(initialFrom, modules)
  const initial = new Map(initialFrom.modules.map(({ path, a, b }) => [path, { a, b }]))
  return { type: 'lora', modules, seed, initial }
}

/** The adapter that training goes on from must be what the options describe, to the scale. */
function checkInitial(adapter: Adapter, modules: readonly AdaptedModule[]): void {
  const describe = ({ path, rank, scale }: AdaptedModule) =>
    `${path} (rank ${rank}, scale ${scale})`
  const wanted = modules.map(describe)
  const found = adapter.modules.map(describe)
  const problem =
    wanted.find((module) => !found.includes(module)) ??
    found.find((module) => !wanted.includes(module))
  if (problem === undefined) return
  const isMissing = wanted.includes(problem)
  throw new CemError({
    code: 'training-option',
    message:
      `The adapter ${adapter.path} to go on from does not fit the LoRA options: ${problem} is ` +
      `${isMissing ? 'not in the adapter' : 'in the adapter alone'}. Give the rank, alpha, rsLora and targets that it was made with.`,
    data: { adapter: adapter.path, module: problem },
  })
}

function checkComposition({ precision, layers }: Composition, method: 'lora' | 'full'): void {
  const refuse = (reason: string) => {
    throw new CemError({
      code: 'training-composition',
      message: `The composition cannot be trained on: ${reason}.`,
    })
  }
  if (precision !== 'f32')
    refuse(`its precision is ${precision}, and weights are trained as they are (f32)`)
  if (method === 'full' && layers.some(({ mode }) => mode === 'stacked'))
    refuse(
      'a layer is stacked, and training every weight beside a stacked adapter gives weights that are no model by themselves; merge the layer, or train a LoRA adapter',
    )
}

function checkInteger(name: string, value: number, least: number): void {
  if (Number.isSafeInteger(value) && value >= least) return
  throw new CemError({
    code: 'training-option',
    message: `${name} is ${value}; it must be a whole number of ${least} or more.`,
    data: { name, value: String(value) },
  })
}

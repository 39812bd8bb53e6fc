import { CemError } from '@cem/core'
import { type ComposeOptions, compose } from './composition/compose.ts'
import type { Composition } from './composition/composition.ts'
import { EarlyLoad } from './engine/early-load.ts'
import { Engine } from './engine/engine.ts'
import {
  type Device,
  environmentOf,
  type ProviderRequest,
  readProvider,
} from './engine/provider.ts'
import { resolveProvider } from './engine/provider-status.ts'
import type { Architecture } from './families/architecture.ts'
import { availableMemory } from './memory/available-memory.ts'
import { checkLoad } from './memory/fit-batch.ts'
import type { ModelFolder } from './model/model-folder.ts'
import { Model, type OpenModelOptions } from './model.ts'
import type { Precision } from './precision/precision.ts'

export interface LoadModelOptions extends ComposeOptions {
  /** Threads of the runtime. @default the number of processors */
  readonly threads?: number
  /** What it runs on. `auto`: CUDA where its libraries load, else the CPU. @default 'auto' */
  readonly provider?: ProviderRequest | Device | undefined
  /** As in `OpenModelOptions`. @default false */
  readonly lanes?: boolean | undefined
}

/**
 * Loads a model, with adapters, in a process of its own, and tests that every active layer has an effect.
 *
 * @throws CemError what `compose` and `resolveProvider` throw, `memory-insufficient`, `layer-inactive`, `merge-mismatch`, `session-failed`,
 *   `engine-died`
 */
export async function loadModel(options: LoadModelOptions): Promise<Model> {
  const { base, precision = 'f32', threads, signal } = options
  // The process starts, and the runtime loads, while the tokenizer is read and the adapters are checked.
  const engine = new Engine(environmentOf(indexOf(options.provider)))
  return withEngine(engine, async () => {
    const found = deviceOf(options)
    found.catch(() => undefined)
    const early = new EarlyLoad(engine)
    const onFolder = async (folder: ModelFolder) => {
      await options.onFolder?.(folder)
      const { provider } = checkDevice(await found, precision, folder.architecture)
      const hasLanes = options.lanes === true
      const settings = { threads: threads ?? Engine.defaultThreads(), hasLanes, provider }
      if (precision === 'f32') await early.start(folder, settings, signal)
    }
    const composition = await compose(typeof base === 'string' ? { ...options, onFolder } : options)
    const device = checkDevice(await found, precision, composition.base.architecture)
    const model = new Model(engine, { ...options, device }, composition, early)
    await model.activate(composition, signal)
    return model
  })
}

/**
 * As `loadModel`, for a composition that is there already.
 *
 * @throws CemError what `resolveProvider` throws, `memory-insufficient`, `layer-inactive`, `merge-mismatch`, `session-failed`, `engine-died`
 */
export async function openModel(
  composition: Composition,
  options: OpenModelOptions = {},
): Promise<Model> {
  const device = await deviceOf(options)
  const engine = new Engine(environmentOf(device.index))
  return withEngine(engine, async () => {
    const { base, precision } = composition
    checkDevice(device, precision, base.architecture)
    const model = new Model(engine, { ...options, device }, composition)
    await model.activate(composition, options.signal)
    return model
  })
}

function indexOf(provider: OpenModelOptions['provider'] = 'auto'): number | undefined {
  return typeof provider === 'object' ? provider.index : readProvider(provider).index
}

async function deviceOf({ provider = 'auto', signal }: OpenModelOptions): Promise<Device> {
  return typeof provider === 'object' ? provider : resolveProvider(provider, { signal })
}

/** On the processor the model has to fit into memory; elsewhere the engine asks the device, and there is no int8. */
function checkDevice(device: Device, precision: Precision, architecture: Architecture): Device {
  const { provider } = device
  if (provider === 'cpu') checkLoad(architecture, { precision }, availableMemory())
  else if (precision !== 'f32')
    throw new CemError({
      code: 'provider-unsupported',
      message: `The precision is ${precision}, which runs on the provider cpu only, and this model is on ${provider}. Take provider cpu, or precision f32.`,
      data: { provider, precision },
    })
  return device
}

/** The model owns the engine once it is made; a failure before ends it. */
async function withEngine(engine: Engine, make: () => Promise<Model>): Promise<Model> {
  try {
    return await make()
  } catch (error) {
    await engine[Symbol.asyncDispose]()
    throw error
  }
}

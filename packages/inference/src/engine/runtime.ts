import { dirname, relative, sep } from 'node:path'
import { CemError, messageOf } from '@cem/core'
import { env, InferenceSession, listSupportedBackends, Tensor } from 'onnxruntime-node'
import type { RuntimeInfo } from './messages.ts'
import { executionProvider, type Provider } from './provider.ts'

/** The only file that touches ONNX Runtime. */
export type { Tensor }
export type Tensors = Record<string, Tensor>

/** A float32 tensor over the data, row-major, without a copy. */
export function floats(data: Float32Array, shape: readonly number[]): Tensor {
  return new Tensor('float32', data, shape)
}

export function int32s(data: Int32Array, shape: readonly number[]): Tensor {
  return new Tensor('int32', data, shape)
}

/** An int64 tensor over the data, row-major, without a copy. */
export function int64s(data: BigInt64Array, shape: readonly number[]): Tensor {
  return new Tensor('int64', data, shape)
}

export function boolean(value: boolean): Tensor {
  return new Tensor('bool', [value], [])
}

export function booleans(data: Uint8Array, shape: readonly number[]): Tensor {
  return new Tensor('bool', data, shape)
}

export interface RuntimeSession {
  /** Runs the graph; outputs that are given a tensor are written into it. */
  run(feeds: Tensors, fetches: Record<string, Tensor | null>): Promise<Tensors>
  /** Frees the session's memory; it cannot run afterwards. */
  release(): Promise<void>
}

export interface SessionOptions {
  readonly threads: number
  /** The folder that external data is located from. @default none: the model has no external data */
  readonly folder?: string
  /** @default 'cpu' */
  readonly provider?: Provider
  /** Nodes that are computed on the CPU whatever the provider, by name. WebGPU only. @default none */
  readonly hostNodes?: readonly string[]
  /** Whether the runtime writes which node it placed where to stderr. @default false */
  readonly logsPlacement?: boolean
  /**
   * Whether all outputs stay on the device. Such a session takes no tensors to write into, and every run must ask for the same
   * outputs: the runtime keeps what was bound before. @default false
   */
  readonly keepsOutputs?: boolean
  /**
   * Whether the runtime copies weights into the layout of its kernels. Where one weight is used in two ways, as training does,
   * there would be two copies; without, it is read in place. @default true
   */
  readonly packsWeights?: boolean
  /** Whether memory is planned from the shapes of earlier runs, which holds more of it. @default true */
  readonly plansMemory?: boolean
}

/** Severities of the runtime's log: placement is logged at the first. */
const logSeverity = { verbose: 0, error: 3 } as const

/**
 * Makes a session from a model's bytes. The weights that it names lie below `folder`.
 *
 * @throws CemError `session-failed` with the runtime's own message
 */
export async function createSession(
  model: Uint8Array,
  options: SessionOptions,
): Promise<RuntimeSession> {
  let session: InferenceSession
  try {
    session = await InferenceSession.create(model, nativeOptions(options))
  } catch (error) {
    throw failed('could not load the model', error)
  }
  // A session that logs its placement would otherwise log every run as well.
  const runOptions = options.logsPlacement === true ? { logSeverityLevel: logSeverity.error } : {}
  return {
    run: async (feeds, fetches) => {
      try {
        return await session.run(feeds, fetches, runOptions)
      } catch (error) {
        throw failed('failed while it ran', error)
      }
    },
    release: () => session.release(),
  }
}

function nativeOptions({
  threads,
  folder,
  provider = 'cpu',
  hostNodes = [],
  logsPlacement = false,
  keepsOutputs = false,
  packsWeights = true,
  plansMemory = true,
}: SessionOptions): InferenceSession.SessionOptions {
  return {
    executionProviders: [executionProvider(provider, hostNodes)],
    intraOpNumThreads: threads,
    interOpNumThreads: 1,
    executionMode: 'sequential',
    logSeverityLevel: logsPlacement ? logSeverity.verbose : logSeverity.error,
    // DirectML takes no memory patterns.
    ...(provider === 'directml' || !plansMemory ? { enableMemPattern: false } : {}),
    ...(keepsOutputs ? { preferredOutputLocation: 'gpu-buffer' as const } : {}),
    // The runtime refuses data outside the model's folder, and links: it is given real paths, from here down.
    extra: {
      session: {
        ...(folder === undefined ? {} : { model_external_initializers_file_folder_path: folder }),
        ...(packsWeights ? {} : { disable_prepacking: '1' }),
      },
    },
  }
}

export function describeRuntime(): RuntimeInfo {
  return {
    version: env.versions.node ?? env.versions.common,
    providers: listSupportedBackends().map(({ name, bundled }) => ({ name, isBundled: bundled })),
  }
}

/** The deepest folder that holds all files. */
export function commonFolder(files: readonly string[]): string {
  const [first = [], ...rest] = files.map((file) => dirname(file).split(sep))
  const shared = [...first]
  for (const parts of rest) {
    const differs = shared.findIndex((part, i) => part !== parts[i])
    if (differs !== -1) shared.length = differs
  }
  return shared.join(sep) || sep
}

/** A file as a model names it: relative to the folder, with forward slashes. */
export function locationIn(folder: string, file: string): string {
  return relative(folder, file).split(sep).join('/')
}

function failed(what: string, error: unknown): CemError {
  return new CemError({
    code: 'session-failed',
    message: `ONNX Runtime ${what}: ${messageOf(error)}`,
    cause: error,
  })
}

import { dirname, relative, sep } from 'node:path'
import { CemError, messageOf } from '@cem/core'
import { env, InferenceSession, listSupportedBackends, Tensor } from 'onnxruntime-node'
import type { RuntimeInfo } from './messages.ts'

/** The only file that touches ONNX Runtime. */
export type { Tensor }
export type Tensors = Record<string, Tensor>

export function floats(data: Float32Array, shape: readonly number[]): Tensor {
  return new Tensor('float32', data, shape)
}

export function int32s(data: Int32Array, shape: readonly number[]): Tensor {
  return new Tensor('int32', data, shape)
}

export function int64s(data: BigInt64Array, shape: readonly number[]): Tensor {
  return new Tensor('int64', data, shape)
}

export function boolean(value: boolean): Tensor {
  return new Tensor('bool', [value], [])
}

export interface RuntimeSession {
  /** Runs the graph; outputs that are given a tensor are written into it. */
  run(feeds: Tensors, fetches: Record<string, Tensor | null>): Promise<Tensors>
  release(): Promise<void>
}

export interface SessionOptions {
  readonly threads: number
  /** The folder that external data is located from. */
  readonly folder: string
}

/**
 * Makes a session from a model's bytes. The weights that it names lie below `folder`.
 *
 * @throws CemError `session-failed` with the runtime's own message
 */
export async function createSession(
  model: Uint8Array,
  { threads, folder }: SessionOptions,
): Promise<RuntimeSession> {
  let session: InferenceSession
  try {
    session = await InferenceSession.create(model, {
      executionProviders: ['cpu'],
      intraOpNumThreads: threads,
      interOpNumThreads: 1,
      executionMode: 'sequential',
      logSeverityLevel: 3,
      // The runtime refuses data outside the model's folder, and links: it is given real paths, from here down.
      extra: { session: { model_external_initializers_file_folder_path: folder } },
    })
  } catch (error) {
    throw failed('could not load the model', error)
  }
  return {
    run: async (feeds, fetches) => {
      try {
        return await session.run(feeds, fetches)
      } catch (error) {
        throw failed('failed while it ran', error)
      }
    },
    release: () => session.release(),
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

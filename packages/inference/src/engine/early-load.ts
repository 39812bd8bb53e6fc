import type { ModelFolder } from '../model/model-folder.ts'
import { countTokens } from '../text/count-tokens.ts'
import type { Engine } from './engine.ts'
import type { EngineMethods, ModelSpec } from './messages.ts'

type LoadResult = Promise<EngineMethods['load']['result']>

export type EarlyLoadSettings = Pick<ModelSpec, 'threads' | 'hasLanes' | 'provider'>

/** A load of the base's own weights that begins while its tokenizer is read, for whoever asks for just that session first. */
export class EarlyLoad {
  readonly #engine: Engine
  #begun: { readonly spec: ModelSpec; readonly result: LoadResult } | undefined

  constructor(engine: Engine) {
    this.#engine = engine
  }

  /** Resolves when the load has begun, or cannot begin early. */
  async start(
    { folder, architecture, weights }: ModelFolder,
    settings: EarlyLoadSettings,
    signal: AbortSignal | undefined,
  ): Promise<void> {
    const counted = await countTokens(folder)
    if (counted === undefined) return
    const nTokens = Math.min(counted, architecture.vocabSize)
    const spec = { architecture, weights, quantized: null, nTokens, ...settings }
    this.#engine.placementLog.reset()
    const result = this.#engine.call('load', spec, { signal })
    // Whoever takes it sees a failure; where something else fails first, nobody does.
    result.catch(() => undefined)
    this.#begun = { spec, result }
  }

  /** The load, once, if it is the one that is asked for. */
  take(spec: ModelSpec): LoadResult | undefined {
    const begun = this.#begun
    this.#begun = undefined
    if (begun === undefined) return undefined
    const decisive = ['weights', 'quantized', 'nTokens', 'threads', 'hasLanes', 'provider'] as const
    return decisive.every((key) => begun.spec[key] === spec[key]) ? begun.result : undefined
  }
}

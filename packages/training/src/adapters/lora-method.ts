import type { Adapter, Architecture } from '@cem/inference'
import {
  type AdaptedModule,
  type AdapterConfig,
  linearModules,
  matchModules,
  parseAdapterConfig,
} from '@cem/inference/graph'

/** A new LoRA adapter (Hu et al., arXiv 2106.09685): W + scale * B A. Options mean what those of PEFT's `LoraConfig` mean. */
export interface LoraMethod {
  readonly type: 'lora'
  readonly rank: number
  readonly alpha: number
  /** scale = alpha / sqrt(rank) instead of alpha / rank (Kalajdzievski, arXiv 2312.03732). @default false */
  readonly rsLora?: boolean
  /** Names of modules, or ends of them after a dot; a text is a regular expression; `all-linear`. */
  readonly targetModules: string | readonly string[]
  /** @default none */
  readonly excludeModules?: string | readonly string[]
  /** Layers to put adapters on. @default all */
  readonly layersToTransform?: readonly number[]
  readonly layersPattern?: string | readonly string[]
  /** Ranks by a regular expression for the end of a module's name. */
  readonly rankPattern?: Readonly<Record<string, number>>
  readonly alphaPattern?: Readonly<Record<string, number>>
  /** An adapter of the same modules and ranks to go on from, by `openAdapter`. @default A uniform, B zero */
  readonly initialFrom?: Adapter
}

/** The `adapter_config.json` that PEFT writes for this method, without what belongs to the file (base's name, task). */
export function peftConfig(method: LoraMethod): Record<string, unknown> {
  const list = (value: string | readonly string[] | undefined) =>
    value === undefined || typeof value === 'string' ? (value ?? null) : [...value]
  return {
    peft_type: 'LORA',
    r: method.rank,
    lora_alpha: method.alpha,
    lora_dropout: 0,
    use_rslora: method.rsLora ?? false,
    target_modules: list(method.targetModules),
    exclude_modules: list(method.excludeModules),
    layers_to_transform:
      method.layersToTransform === undefined ? null : [...method.layersToTransform],
    layers_pattern: list(method.layersPattern),
    rank_pattern: { ...method.rankPattern },
    alpha_pattern: { ...method.alphaPattern },
    bias: 'none',
    fan_in_fan_out: false,
    init_lora_weights: true,
    modules_to_save: null,
    use_dora: false,
  }
}

/**
 * The modules that get an adapter, in the order of the model.
 *
 * @throws CemError `adapter-unsupported` for options out of range, a broken expression, or targets that match no module
 */
export function loraModules(method: LoraMethod, architecture: Architecture): AdaptedModule[] {
  const where = 'The LoRA options'
  const config: AdapterConfig = parseAdapterConfig(peftConfig(method), where)
  return matchModules(config, linearModules(architecture), where)
}

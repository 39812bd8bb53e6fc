import { type LoraMethod, peftConfig } from '../adapters/lora-method.ts'

/** LoRA settings, with PEFT's meaning. */
export interface LoraOptions {
  /** @default 32 */
  readonly rank?: number | undefined
  /** @default 64 */
  readonly alpha?: number | undefined
  /** Scale alpha / sqrt(rank) instead of alpha / rank (arXiv 2312.03732). @default false */
  readonly rsLora?: boolean | undefined
  /** Names, or one regular expression, or `all-linear`. @default all seven kinds of linear modules in a block */
  readonly targetModules?: readonly string[] | string | undefined
  readonly excludeModules?: readonly string[] | string | undefined
  /** Only these layers. @default all */
  readonly layersToTransform?: readonly number[] | undefined
  /** Name of the list that layers are numbered in, where it is not the usual one. */
  readonly layersPattern?: readonly string[] | string | undefined
  readonly rankPattern?: Readonly<Record<string, number>> | undefined
  readonly alphaPattern?: Readonly<Record<string, number>> | undefined
}

export const defaultTargetModules = [
  'q_proj',
  'k_proj',
  'v_proj',
  'o_proj',
  'gate_proj',
  'up_proj',
  'down_proj',
] as const

/** The options as those of a trainer, with the defaults filled in. */
export function loraMethod({
  rank = 32,
  alpha = 64,
  targetModules = defaultTargetModules,
  ...others
}: LoraOptions): LoraMethod {
  const given = Object.entries(others).filter(([, value]) => value !== undefined)
  return { type: 'lora', rank, alpha, targetModules, ...Object.fromEntries(given) }
}

/** adapter_config.json as PEFT reads it. */
export function adapterConfig(
  lora: LoraOptions,
  baseName: string,
): Readonly<Record<string, unknown>> {
  return {
    ...peftConfig(loraMethod(lora)),
    task_type: 'CAUSAL_LM',
    base_model_name_or_path: baseName,
    revision: null,
    inference_mode: true,
  }
}

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

/** adapter_config.json as PEFT reads it. */
export function adapterConfig(
  {
    rank = 32,
    alpha = 64,
    rsLora = false,
    targetModules = defaultTargetModules,
    excludeModules,
    layersToTransform,
    rankPattern = {},
    alphaPattern = {},
  }: LoraOptions,
  baseName: string,
): Readonly<Record<string, unknown>> {
  return {
    peft_type: 'LORA',
    task_type: 'CAUSAL_LM',
    base_model_name_or_path: baseName,
    r: rank,
    lora_alpha: alpha,
    use_rslora: rsLora,
    lora_dropout: 0,
    bias: 'none',
    target_modules: typeof targetModules === 'string' ? targetModules : [...targetModules],
    exclude_modules: excludeModules ?? null,
    layers_to_transform: layersToTransform ?? null,
    layers_pattern: null,
    rank_pattern: rankPattern,
    alpha_pattern: alphaPattern,
    modules_to_save: null,
    fan_in_fan_out: false,
    init_lora_weights: true,
    inference_mode: true,
    use_dora: false,
    revision: null,
  }
}

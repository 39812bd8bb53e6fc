import { CemError } from '@cem/core'
import { z } from 'zod'
import { echo } from '../model/echo.ts'

const pattern = z.record(z.string(), z.number().positive()).nullish()

const adapterConfigSchema = z.looseObject({
  peft_type: z.literal('LORA'),
  base_model_name_or_path: z.string().nullish(),
  r: z.int().positive(),
  lora_alpha: z.number().positive(),
  use_rslora: z.boolean().default(false),
  rank_pattern: pattern,
  alpha_pattern: pattern,
  target_modules: z.union([z.string(), z.array(z.string()).min(1)]),
  exclude_modules: z.union([z.string(), z.array(z.string())]).nullish(),
  layers_to_transform: z.union([z.int(), z.array(z.int())]).nullish(),
  layers_pattern: z.union([z.string(), z.array(z.string())]).nullish(),
})

export type AdapterConfig = z.infer<typeof adapterConfigSchema>

/** Keys of PEFT's LoraConfig that do not change what a trained adapter computes. */
const inert = new Set([
  'arrow_config',
  'auto_mapping',
  'corda_config',
  'ensure_weight_tying',
  'eva_config',
  'inference_mode',
  'init_lora_weights',
  'loftq_config',
  'lora_dropout',
  'megatron_core',
  'peft_version',
  'qalora_group_size',
  'revision',
  'runtime_config',
  'task_type',
])

/** Settings that change the computation, and what to do about each. Refused unless empty. */
const refused: Readonly<Record<string, string>> = {
  modules_to_save:
    'it carries whole modules beside LoRA; merge it with PEFT and load the merged model',
  use_dora: 'DoRA is not implemented; merge it with PEFT and load the merged model',
  bias: 'trained biases are not implemented; merge it with PEFT and load the merged model',
  lora_bias: 'LoRA biases are not implemented; merge it with PEFT and load the merged model',
  fan_in_fan_out: 'transposed weights are not implemented',
  megatron_config: 'Megatron modules are not implemented',
  trainable_token_indices: 'trained token embeddings are not implemented',
  target_parameters: 'adapters on bare parameters are not implemented',
  alora_invocation_tokens: 'adapters that wait for invocation tokens are not implemented',
  use_qalora: 'QA-LoRA is not implemented',
  layer_replication: 'replicated layers are not implemented',
}

/** Initialisations that also change the base's weights, so that the adapter alone is not the model that was trained. */
const baseChanging = /^(pissa|olora|corda|loftq|lora_ga)/i

/**
 * Checks a PEFT `adapter_config.json` of a LoRA adapter (keys as `LoraConfig` of PEFT 0.21 writes them).
 *
 * @throws CemError `adapter-unsupported`, naming the file, the key, its value and what is allowed
 */
export function parseAdapterConfig(value: unknown, file: string): AdapterConfig {
  const result = adapterConfigSchema.safeParse(value)
  if (!result.success) {
    const [issue] = result.error.issues
    const key = issue?.path.join('.') ?? ''
    const found = (value as Record<string, unknown> | null)?.[key]
    throw unsupported(file, `${key} is ${echo(found)} (${issue?.message})`)
  }
  const config = result.data
  for (const [key, reason] of Object.entries(refused))
    if (!isEmpty(key, config[key]))
      throw unsupported(file, `${key} is ${echo(config[key])}: ${reason}`)
  const initial = config['init_lora_weights']
  if (typeof initial === 'string' && baseChanging.test(initial))
    throw unsupported(
      file,
      `init_lora_weights is '${initial}', which changes the base's weights too: convert it with PEFT first (path_initial_model_for_weight_conversion)`,
    )
  const known = new Set([
    ...Object.keys(adapterConfigSchema.shape),
    ...Object.keys(refused),
    ...inert,
  ])
  for (const key of Object.keys(config))
    if (!known.has(key) && !isEmpty(key, config[key]))
      throw unsupported(file, `${key} is ${echo(config[key])}, a setting that is not known here`)
  return config
}

function isEmpty(key: string, value: unknown): boolean {
  if (key === 'bias' && value === 'none') return true
  return (
    value === undefined ||
    value === null ||
    value === false ||
    (typeof value === 'object' && Object.keys(value).length === 0)
  )
}

function unsupported(file: string, reason: string): CemError {
  return new CemError({
    code: 'adapter-unsupported',
    message: `${file}: ${reason}.`,
    data: { file },
  })
}

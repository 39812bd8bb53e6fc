import { CemError } from '@cem/core'
import type { z } from 'zod'
import type { Architecture } from './architecture.ts'
import { gemma2Architecture, gemma2Config } from './gemma2.ts'
import { gemma3Architecture, gemma3Config } from './gemma3.ts'
import { llamaArchitecture, llamaConfig } from './llama.ts'
import { mistralArchitecture, mistralConfig } from './mistral.ts'
import { qwen2Architecture, qwen2Config } from './qwen2.ts'
import { qwen3Architecture, qwen3Config } from './qwen3.ts'

/** How each family, by its `model_type`, reads its config. */
const families = new Map<string, z.ZodType<Architecture>>([
  ['qwen2', qwen2Config.transform(qwen2Architecture)],
  ['qwen3', qwen3Config.transform(qwen3Architecture)],
  ['llama', llamaConfig.transform(llamaArchitecture)],
  ['mistral', mistralConfig.transform(mistralArchitecture)],
  ['gemma2', gemma2Config.transform(gemma2Architecture)],
  ['gemma3_text', gemma3Config.transform(gemma3Architecture)],
])

/**
 * Reads a model's architecture from its config.json.
 *
 * @param file named in errors
 * @throws CemError `model-unsupported` for a family or setting that is not implemented, naming the key and what is allowed
 */
export function readArchitecture(config: unknown, file: string): Architecture {
  const modelType = (config as { model_type?: unknown } | null)?.model_type
  const family = typeof modelType === 'string' ? families.get(modelType) : undefined
  if (family === undefined)
    throw unsupported(
      file,
      `model_type is ${JSON.stringify(modelType)}, and only ${[...families.keys()].join(', ')} can be run`,
    )
  const result = family.safeParse(config)
  if (!result.success)
    throw unsupported(file, result.error.issues.map((issue) => describe(issue, config)).join('; '))
  checkSizes(result.data, file)
  return result.data
}

function describe(issue: z.core.$ZodIssue, config: unknown): string {
  let value = config
  for (const key of issue.path) value = (value as Record<PropertyKey, unknown> | undefined)?.[key]
  return `${issue.path.join('.')} is ${JSON.stringify(value)?.slice(0, 80)} (${issue.message})`
}

/** Limits of the attention kernel (GroupQueryAttention with rotary positions). */
function checkSizes({ headDim, nHeads, nKvHeads }: Architecture, file: string): void {
  if (!Number.isInteger(headDim) || headDim % 16 !== 0)
    throw unsupported(
      file,
      `the head size is ${headDim} (head_dim, else hidden_size / num_attention_heads), and ONNX Runtime's attention with rotary positions needs a multiple of 16`,
    )
  if (nHeads % nKvHeads !== 0)
    throw unsupported(
      file,
      `num_attention_heads is ${nHeads}, and that many cannot share ${nKvHeads} num_key_value_heads: they must be a multiple`,
    )
}

function unsupported(file: string, reason: string): CemError {
  return new CemError({
    code: 'model-unsupported',
    message: `${file}: ${reason}.`,
    data: { file },
  })
}

import { CemError } from '@cem/core'
import type { z } from 'zod'
import type { Architecture } from './architecture.ts'
import { qwen2Architecture, qwen2Config } from './qwen2.ts'

interface Family {
  readonly read: (config: unknown) => z.ZodSafeParseResult<Architecture>
}

const families: Readonly<Record<string, Family>> = {
  qwen2: { read: (config) => qwen2Config.transform(qwen2Architecture).safeParse(config) },
}

/**
 * Reads a model's architecture from its config.json.
 *
 * @param file named in errors
 * @throws CemError `model-unsupported` for a family or setting that is not implemented, naming the key and what is allowed
 */
export function readArchitecture(config: unknown, file: string): Architecture {
  const modelType = (config as { model_type?: unknown } | null)?.model_type
  const family = typeof modelType === 'string' ? families[modelType] : undefined
  if (family === undefined)
    throw unsupported(
      file,
      `model_type is ${JSON.stringify(modelType)}, and only ${Object.keys(families).join(', ')} can be run`,
    )
  const result = family.read(config)
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
      `the head size is ${headDim}, and ONNX Runtime's attention with rotary positions needs a multiple of 16`,
    )
  if (nHeads % nKvHeads !== 0)
    throw unsupported(file, `${nHeads} attention heads cannot share ${nKvHeads} key-value heads`)
}

function unsupported(file: string, reason: string): CemError {
  return new CemError({
    code: 'model-unsupported',
    message: `${file}: ${reason}.`,
    data: { file },
  })
}

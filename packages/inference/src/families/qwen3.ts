import { z } from 'zod'
import type { Architecture } from './architecture.ts'
import { attentionLinears, plainDecoder } from './decoder-config.ts'
import { checkQwenWindow, qwenKeys, qwenLayers } from './qwen2.ts'
import { readRope } from './rope.ts'

/**
 * Qwen3: as Qwen2, with RMS norms on each head's query and key before the rotary embedding, no biases unless
 * `attention_bias`, and a head size of its own. Keys as `Qwen3Config` of Transformers writes them.
 */
export const qwen3Config = z
  .object({
    model_type: z.literal('qwen3'),
    ...qwenKeys,
    head_dim: qwenKeys.head_dim.default(128),
    attention_bias: z.boolean().default(false),
  })
  .superRefine(checkQwenWindow)

export function qwen3Architecture(config: z.infer<typeof qwen3Config>): Architecture {
  return {
    family: 'qwen3',
    ...plainDecoder(config),
    ...readRope(config),
    hasQueryKeyNorms: true,
    layers: qwenLayers(config),
    biased: new Set(config.attention_bias ? attentionLinears : []),
  }
}

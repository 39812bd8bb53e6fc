import { z } from 'zod'
import type { Architecture } from './architecture.ts'

const positive = z.int().positive()

/**
 * Qwen2 and Qwen2.5: RMS norms before attention and before the MLP, rotary positions, grouped-query attention with biases on
 * q, k and v, SwiGLU. Keys as `Qwen2Config` of Transformers writes them; version 5 moved `rope_theta` into `rope_parameters`.
 */
export const qwen2Config = z.object({
  model_type: z.literal('qwen2'),
  hidden_size: positive,
  intermediate_size: positive,
  num_hidden_layers: positive,
  num_attention_heads: positive,
  num_key_value_heads: positive.optional(),
  head_dim: positive.nullish(),
  vocab_size: positive,
  max_position_embeddings: positive.default(32768),
  rms_norm_eps: z.number().positive().default(1e-6),
  rope_theta: z.number().positive().optional(),
  rope_parameters: z
    .object({
      rope_theta: z.number().positive().optional(),
      rope_type: z.literal('default').optional(),
    })
    .nullish(),
  rope_scaling: z.null().optional(),
  tie_word_embeddings: z.boolean().default(false),
  hidden_act: z.literal('silu').default('silu'),
  use_sliding_window: z.literal(false).default(false),
  layer_types: z.array(z.literal('full_attention')).nullish(),
  quantization_config: z.null().optional(),
})

export function qwen2Architecture(config: z.infer<typeof qwen2Config>): Architecture {
  const nHeads = config.num_attention_heads
  return {
    family: 'qwen2',
    nLayers: config.num_hidden_layers,
    dModel: config.hidden_size,
    nHeads,
    nKvHeads: config.num_key_value_heads ?? nHeads,
    headDim: config.head_dim ?? config.hidden_size / nHeads,
    dFeedForward: config.intermediate_size,
    vocabSize: config.vocab_size,
    rmsNormEpsilon: config.rms_norm_eps,
    ropeTheta: config.rope_theta ?? config.rope_parameters?.rope_theta ?? 10_000,
    maxPositions: config.max_position_embeddings,
    tiedEmbeddings: config.tie_word_embeddings,
    biased: new Set(['self_attn.q_proj', 'self_attn.k_proj', 'self_attn.v_proj'] as const),
  }
}

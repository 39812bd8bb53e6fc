import { z } from 'zod'
import type { Architecture } from './architecture.ts'
import {
  attentionLinears,
  checkLayerTypes,
  decoderKeys,
  layersOf,
  plainDecoder,
  slidingLayers,
  windowKeys,
} from './decoder-config.ts'
import { readRope, ropeKeys } from './rope.ts'

const cap = z.number().positive().nullable()

/** Keys that Gemma 2 and 3 share. */
export const gemmaKeys = {
  ...decoderKeys,
  ...windowKeys,
  head_dim: decoderKeys.head_dim.default(256),
  sliding_window: windowKeys.sliding_window.default(4096),
  tie_word_embeddings: z.boolean().default(true),
  hidden_activation: z.literal('gelu_pytorch_tanh').default('gelu_pytorch_tanh'),
  attention_bias: z.boolean().default(false),
  query_pre_attn_scalar: z.number().positive().default(256),
  use_bidirectional_attention: z.literal(false).nullish(),
}

/**
 * Gemma 2 (arXiv 2408.00118): norms before and after attention and the MLP, which multiply by 1 + weight; embeddings times the
 * root of their size; GeGLU; soft caps on attention and logits; every other layer, from the first, sees a window. Keys as
 * `Gemma2Config` of Transformers writes them.
 */
export const gemma2Config = z
  .object({
    model_type: z.literal('gemma2'),
    ...gemmaKeys,
    ...ropeKeys,
    max_position_embeddings: ropeKeys.max_position_embeddings.default(8192),
    attn_logit_softcapping: cap.default(50),
    final_logit_softcapping: cap.default(30),
  })
  .superRefine(checkLayerTypes)

export function gemma2Architecture(config: z.infer<typeof gemma2Config>): Architecture {
  const sliding = slidingLayers(config, (layer) => layer % 2 === 0)
  return {
    family: 'gemma2',
    ...gemmaDecoder(config),
    ...readRope(config),
    layers: layersOf(sliding, config.sliding_window),
    attentionSoftCap: config.attn_logit_softcapping,
    logitSoftCap: config.final_logit_softcapping,
  }
}

type GemmaConfig = Parameters<typeof plainDecoder>[0] & {
  readonly query_pre_attn_scalar: number
  readonly attention_bias: boolean
}

/** What Gemma 2 and 3 have in common. */
export function gemmaDecoder(config: GemmaConfig) {
  return {
    ...plainDecoder(config),
    embeddingScale: Math.fround(Math.sqrt(config.hidden_size)),
    normWeight: 'one-plus',
    hasPostNorms: true,
    activation: 'gelu-tanh',
    attentionScale: 1 / Math.sqrt(config.query_pre_attn_scalar),
    biased: new Set(config.attention_bias ? attentionLinears : []),
  } as const satisfies Partial<Architecture>
}

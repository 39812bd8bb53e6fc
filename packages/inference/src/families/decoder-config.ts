import { z } from 'zod'
import type { Architecture, LayerAttention, LinearKind } from './architecture.ts'

const positive = z.int().positive()

/** Keys of config.json that every family has, and those that must not be set in any. */
export const decoderKeys = {
  hidden_size: positive,
  intermediate_size: positive,
  num_hidden_layers: positive,
  num_attention_heads: positive,
  num_key_value_heads: positive.nullish(),
  head_dim: positive.nullish(),
  vocab_size: positive,
  rms_norm_eps: z.number().positive().default(1e-6),
  quantization_config: z.null().optional(),
}

interface DecoderConfig {
  readonly hidden_size: number
  readonly intermediate_size: number
  readonly num_hidden_layers: number
  readonly num_attention_heads: number
  readonly num_key_value_heads?: number | null | undefined
  readonly head_dim?: number | null | undefined
  readonly vocab_size: number
  readonly rms_norm_eps: number
  readonly tie_word_embeddings: boolean
}

/** What most families share: a Llama block with one scale and no caps. A family says what it does otherwise. */
export function plainDecoder(config: DecoderConfig) {
  const nHeads = config.num_attention_heads
  const headDim = config.head_dim ?? config.hidden_size / nHeads
  return {
    nLayers: config.num_hidden_layers,
    dModel: config.hidden_size,
    nHeads,
    nKvHeads: config.num_key_value_heads ?? nHeads,
    headDim,
    dFeedForward: config.intermediate_size,
    vocabSize: config.vocab_size,
    embeddingScale: 1,
    rmsNormEpsilon: config.rms_norm_eps,
    normWeight: 'as-stored',
    hasPostNorms: false,
    hasQueryKeyNorms: false,
    activation: 'silu',
    attentionScale: 1 / Math.sqrt(headDim),
    attentionSoftCap: null,
    logitSoftCap: null,
    tiedEmbeddings: config.tie_word_embeddings,
  } as const satisfies Partial<Architecture>
}

export const attentionLinears = [
  'self_attn.q_proj',
  'self_attn.k_proj',
  'self_attn.v_proj',
  'self_attn.o_proj',
] as const satisfies LinearKind[]

/** The kinds of attention that a layer can have, a name for each layer. */
export const layerTypes = z.array(z.enum(['full_attention', 'sliding_attention'])).nullish()

/** Keys of the families whose layers can differ. */
export const windowKeys = {
  sliding_window: positive.nullish(),
  layer_types: layerTypes,
}

interface WindowConfig {
  readonly num_hidden_layers: number
  readonly sliding_window?: number | null | undefined
  readonly layer_types?: z.infer<typeof layerTypes>
}

/** Whether each layer sees a window only: what `layer_types` says, else the family's pattern. */
export function slidingLayers(
  config: WindowConfig,
  pattern: (layer: number) => boolean,
): boolean[] {
  return Array.from({ length: config.num_hidden_layers }, (_, layer) =>
    config.layer_types ? config.layer_types[layer] === 'sliding_attention' : pattern(layer),
  )
}

/** Layers with one rotary embedding, some of which see `window` tokens. */
export function layersOf(sliding: readonly boolean[], window: number | null): LayerAttention[] {
  return sliding.map((isSliding) => ({ window: isSliding ? window : null, rope: 0 }))
}

/** Refuses `layer_types` of another length, and windows without a size. */
export function checkLayerTypes(config: WindowConfig, context: z.RefinementCtx): void {
  const { layer_types: types, num_hidden_layers: nLayers, sliding_window: window } = config
  if (!types) return
  const refuse = (key: string, message: string) =>
    context.addIssue({ code: 'custom', path: [key], message })
  if (types.length !== nLayers)
    refuse('layer_types', `it must name each of the ${nLayers} layers of num_hidden_layers`)
  if (types.includes('sliding_attention') && !window)
    refuse('sliding_window', 'the sliding_attention of layer_types needs a number of tokens')
}

import { z } from 'zod'
import type { Architecture } from './architecture.ts'
import {
  checkLayerTypes,
  decoderKeys,
  layersOf,
  plainDecoder,
  slidingLayers,
  windowKeys,
} from './decoder-config.ts'
import { readRope, ropeKeys } from './rope.ts'

/** Keys that Qwen2 and Qwen3 share. `sliding_window` counts only where `use_sliding_window` is true. */
export const qwenKeys = {
  ...decoderKeys,
  ...ropeKeys,
  ...windowKeys,
  max_position_embeddings: ropeKeys.max_position_embeddings.default(32768),
  tie_word_embeddings: z.boolean().default(false),
  hidden_act: z.literal('silu').default('silu'),
  use_sliding_window: z.boolean().default(false),
  sliding_window: windowKeys.sliding_window.default(4096),
  max_window_layers: z.int().nonnegative().default(28),
}

/**
 * Qwen2 and Qwen2.5: RMS norms before attention and before the MLP, rotary positions, grouped-query attention with biases on
 * q, k and v, SwiGLU. Keys as `Qwen2Config` of Transformers writes them.
 */
export const qwen2Config = z
  .object({ model_type: z.literal('qwen2'), ...qwenKeys })
  .superRefine(checkQwenWindow)

export function qwen2Architecture(config: z.infer<typeof qwen2Config>): Architecture {
  return {
    family: 'qwen2',
    ...plainDecoder(config),
    ...readRope(config),
    layers: qwenLayers(config),
    biased: new Set(['self_attn.q_proj', 'self_attn.k_proj', 'self_attn.v_proj'] as const),
  }
}

interface QwenWindowConfig {
  readonly num_hidden_layers: number
  readonly use_sliding_window: boolean
  readonly sliding_window: number | null
  readonly max_window_layers: number
  readonly layer_types?: ('full_attention' | 'sliding_attention')[] | null | undefined
}

/** The window of a config that uses none is none, whatever its size. */
export function checkQwenWindow(config: QwenWindowConfig, context: z.RefinementCtx): void {
  checkLayerTypes({ ...config, sliding_window: windowOf(config) }, context)
}

/** The first `max_window_layers` layers see everything, the others the window. */
export function qwenLayers(config: QwenWindowConfig) {
  const window = windowOf(config)
  return layersOf(
    slidingLayers(config, (layer) => window !== null && layer >= config.max_window_layers),
    window,
  )
}

function windowOf(config: QwenWindowConfig): number | null {
  return config.use_sliding_window ? config.sliding_window : null
}

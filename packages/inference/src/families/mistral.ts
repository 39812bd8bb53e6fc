import { z } from 'zod'
import type { Architecture } from './architecture.ts'
import { decoderKeys, layersOf, plainDecoder, windowKeys } from './decoder-config.ts'
import { readRope, ropeKeys } from './rope.ts'

/**
 * Mistral: a Llama block without biases in which every layer sees the last `sliding_window` tokens, or all of them where that
 * is null (Mistral 7B v0.2 and later). Keys as `MistralConfig` of Transformers writes them, whose default window is 4,096.
 */
export const mistralConfig = z.object({
  model_type: z.literal('mistral'),
  ...decoderKeys,
  ...ropeKeys,
  max_position_embeddings: ropeKeys.max_position_embeddings.default(131072),
  tie_word_embeddings: z.boolean().default(false),
  hidden_act: z.literal('silu').default('silu'),
  sliding_window: windowKeys.sliding_window.default(4096),
  layer_types: z.null().optional(),
})

export function mistralArchitecture(config: z.infer<typeof mistralConfig>): Architecture {
  return {
    family: 'mistral',
    ...plainDecoder(config),
    ...readRope(config),
    layers: layersOf(Array<boolean>(config.num_hidden_layers).fill(true), config.sliding_window),
    biased: new Set(),
  }
}

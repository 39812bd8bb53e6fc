import { z } from 'zod'
import { type Architecture, type LinearKind, linearKinds } from './architecture.ts'
import { decoderKeys, layersOf, plainDecoder } from './decoder-config.ts'
import { readRope, ropeKeys } from './rope.ts'

/**
 * Llama 2 and 3: RMS norms before attention and before the MLP, rotary positions (Llama 3.1 and later with the `llama3`
 * scaling), grouped-query attention, SwiGLU, biases only where `attention_bias` or `mlp_bias` says so. Keys as `LlamaConfig`
 * of Transformers writes them.
 */
export const llamaConfig = z.object({
  model_type: z.literal('llama'),
  ...decoderKeys,
  ...ropeKeys,
  max_position_embeddings: ropeKeys.max_position_embeddings.default(2048),
  tie_word_embeddings: z.boolean().default(false),
  hidden_act: z.literal('silu').default('silu'),
  attention_bias: z.boolean().default(false),
  mlp_bias: z.boolean().default(false),
})

export function llamaArchitecture(config: z.infer<typeof llamaConfig>): Architecture {
  const hasBias = (kind: LinearKind) =>
    kind.startsWith('mlp.') ? config.mlp_bias : config.attention_bias
  return {
    family: 'llama',
    ...plainDecoder(config),
    ...readRope(config),
    layers: layersOf(Array<boolean>(config.num_hidden_layers).fill(false), null),
    biased: new Set(linearKinds.filter(hasBias)),
  }
}

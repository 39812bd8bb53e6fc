import { z } from 'zod'
import type { Architecture } from './architecture.ts'
import { checkLayerTypes, slidingLayers } from './decoder-config.ts'
import { gemmaDecoder, gemmaKeys } from './gemma2.ts'
import { ropeSettings, toRope } from './rope.ts'

const theta = z.number().positive()

/** Transformers takes no notice of the older name of `rope_type` here, and runs such a file without scaling. */
const scaling = ropeSettings.refine((s) => s.type === undefined || s.rope_type !== undefined, {
  path: ['type'],
  message: 'Gemma 3 calls it rope_type',
})

/**
 * Gemma 3, text only (arXiv 2503.19786): as Gemma 2 without the caps, with norms on each head's query and key, and with two
 * rotary embeddings: one for the layers that see everything (every sixth), which may be scaled, and one with a smaller base
 * for those that see a window. Keys as `Gemma3TextConfig` of Transformers writes them: version 4 had `rope_theta`,
 * `rope_scaling` and `rope_local_base_freq`, version 5 has `rope_parameters` by layer type.
 */
export const gemma3Config = z
  .object({
    model_type: z.literal('gemma3_text'),
    ...gemmaKeys,
    max_position_embeddings: z.int().positive().default(131072),
    sliding_window_pattern: z.int().positive().default(6),
    // Gemma 2's key, which Transformers reads and then leaves out of Gemma 3's attention.
    attn_logit_softcapping: z.null().optional(),
    final_logit_softcapping: z.number().positive().nullish(),
    rope_theta: theta.nullish(),
    rope_local_base_freq: theta.nullish(),
    rope_scaling: scaling.nullish(),
    rope_parameters: z
      .strictObject({
        full_attention: ropeSettings.nullish(),
        sliding_attention: ropeSettings.nullish(),
      })
      .nullish(),
    partial_rotary_factor: z.literal(1).nullish(),
  })
  .superRefine(checkLayerTypes)

type Gemma3Config = z.infer<typeof gemma3Config>

export function gemma3Architecture(config: Gemma3Config): Architecture {
  const sliding = slidingLayers(
    config,
    (layer) => (layer + 1) % config.sliding_window_pattern !== 0,
  )
  return {
    family: 'gemma3_text',
    ...gemmaDecoder(config),
    hasQueryKeyNorms: true,
    ropes: readRopes(config),
    layers: sliding.map((isSliding) =>
      isSliding ? { window: config.sliding_window, rope: 1 } : { window: null, rope: 0 },
    ),
    logitSoftCap: config.final_logit_softcapping ?? null,
    maxPositions: config.max_position_embeddings,
  }
}

/** The rotary embeddings of the layers that see everything and of those that see a window. */
function readRopes(config: Gemma3Config) {
  const full = { ...config.rope_parameters?.full_attention, ...config.rope_scaling }
  const local = config.rope_parameters?.sliding_attention ?? {}
  const { max_position_embeddings: maxPositions } = config
  return [
    toRope(full, full.rope_theta ?? config.rope_theta ?? 1_000_000, maxPositions),
    toRope(local, local.rope_theta ?? config.rope_local_base_freq ?? 10_000, maxPositions),
  ]
}

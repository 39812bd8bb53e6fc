import { z } from 'zod'

/** A rotary position embedding: its base and how its frequencies are changed for longer texts. */
export interface Rope {
  readonly theta: number
  readonly scaling: RopeScaling | null
}

export type RopeScaling =
  | { readonly type: 'linear'; readonly factor: number }
  | {
      readonly type: 'llama3'
      readonly factor: number
      readonly lowFrequencyFactor: number
      readonly highFrequencyFactor: number
      readonly originalMaxPositions: number
    }
  | {
      readonly type: 'yarn'
      readonly factor: number
      readonly originalMaxPositions: number
      readonly betaFast: number
      readonly betaSlow: number
      /** What cosines and sines are multiplied by. */
      readonly attentionFactor: number
      /** Whether the ends of the ramp are rounded outwards to whole dimensions. */
      readonly truncate: boolean
    }

const number = z.number().positive()
const ropeType = z.enum(['default', 'linear', 'dynamic', 'llama3', 'yarn'])

/** What each type cannot do without. */
const required = {
  default: [],
  dynamic: [],
  linear: ['factor'],
  llama3: ['factor', 'low_freq_factor', 'high_freq_factor'],
  yarn: ['factor'],
} as const

/** `rope_scaling` of Transformers 4, and `rope_parameters` of Transformers 5; `type` is an older name of `rope_type`. */
export const ropeSettings = z
  .strictObject({
    rope_type: ropeType.optional(),
    type: ropeType.optional(),
    rope_theta: number.nullish(),
    factor: number.nullish(),
    original_max_position_embeddings: z.int().positive().nullish(),
    low_freq_factor: number.nullish(),
    high_freq_factor: number.nullish(),
    attention_factor: number.nullish(),
    beta_fast: number.nullish(),
    beta_slow: number.nullish(),
    mscale: number.nullish(),
    mscale_all_dim: number.nullish(),
    truncate: z.boolean().nullish(),
    partial_rotary_factor: z.literal(1).nullish(),
  })
  .superRefine((settings, context) => {
    const type = typeOf(settings)
    for (const key of required[type])
      if (settings[key] === undefined || settings[key] === null)
        context.addIssue({ code: 'custom', path: [key], message: `${type} needs a number` })
  })
export type RopeSettings = z.infer<typeof ropeSettings>

/** The keys of config.json that describe one rotary embedding for all layers. */
export const ropeKeys = {
  max_position_embeddings: z.int().positive(),
  original_max_position_embeddings: z.int().positive().nullish(),
  rope_theta: number.nullish(),
  rope_scaling: ropeSettings.nullish(),
  rope_parameters: ropeSettings.nullish(),
  partial_rotary_factor: z.literal(1).nullish(),
}

interface RopeConfig {
  readonly max_position_embeddings: number
  readonly original_max_position_embeddings?: number | null | undefined
  readonly rope_theta?: number | null | undefined
  readonly rope_scaling?: RopeSettings | null | undefined
  readonly rope_parameters?: RopeSettings | null | undefined
}

/** The one rotary embedding of a model, with the precedence of Transformers: `rope_scaling`, then `rope_parameters`. */
export function readRope(config: RopeConfig): { ropes: Rope[]; maxPositions: number } {
  const settings = config.rope_scaling ?? config.rope_parameters ?? {}
  const theta = settings.rope_theta ?? config.rope_theta ?? 10_000
  const original = config.original_max_position_embeddings
  const rope = toRope(
    original ? { ...settings, original_max_position_embeddings: original } : settings,
    theta,
    config.max_position_embeddings,
  )
  return { ropes: [rope], maxPositions: longest(rope, config.max_position_embeddings) }
}

/**
 * One set of settings as data. `dynamic` is the plain embedding up to `max_position_embeddings`, and no sequence may be longer;
 * beyond, each new length would call for other frequencies in keys that are in the cache already.
 */
export function toRope(settings: RopeSettings, theta: number, maxPositions: number): Rope {
  const type = typeOf(settings)
  const factor = settings.factor ?? 1
  const originalMaxPositions = settings.original_max_position_embeddings ?? maxPositions
  switch (type) {
    case 'default':
    case 'dynamic':
      return { theta, scaling: null }
    case 'linear':
      return { theta, scaling: { type, factor } }
    case 'llama3': {
      const lowFrequencyFactor = settings.low_freq_factor ?? 1
      const highFrequencyFactor = settings.high_freq_factor ?? 4
      const bounds = { lowFrequencyFactor, highFrequencyFactor, originalMaxPositions }
      return { theta, scaling: { type, factor, ...bounds } }
    }
    case 'yarn': {
      const betaFast = settings.beta_fast ?? 32
      const betaSlow = settings.beta_slow ?? 1
      const ramp = { originalMaxPositions, betaFast, betaSlow, truncate: settings.truncate ?? true }
      const attentionFactor = yarnAttentionFactor(settings, factor)
      return { theta, scaling: { type, factor, attentionFactor, ...ramp } }
    }
  }
}

function typeOf({ rope_type, type }: RopeSettings): z.infer<typeof ropeType> {
  return rope_type ?? type ?? 'default'
}

/** 0.1 ln(factor) + 1 (Peng et al., arXiv 2309.00071, section 3.4); DeepSeek's `mscale` keys make it a ratio of two. */
function yarnAttentionFactor(settings: RopeSettings, factor: number): number {
  const { attention_factor: given, mscale, mscale_all_dim: mscaleAll } = settings
  const scale = (weight: number) => (factor <= 1 ? 1 : 0.1 * weight * Math.log(factor) + 1)
  return given ?? (mscale && mscaleAll ? scale(mscale) / scale(mscaleAll) : scale(1))
}

/** Model cards that switch yarn on (Qwen2.5, Qwen3) leave `max_position_embeddings` at the original length. */
function longest({ scaling }: Rope, maxPositions: number): number {
  if (scaling?.type !== 'yarn') return maxPositions
  return Math.max(maxPositions, Math.floor(scaling.factor * scaling.originalMaxPositions))
}

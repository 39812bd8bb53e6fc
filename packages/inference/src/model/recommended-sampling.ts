/** Sampling settings that a model's generation_config.json recommends. They are shown, never applied. */
export interface RecommendedSampling {
  /** Null where the file has none. */
  readonly temperature: number | null
  readonly topK: number | null
  readonly topP: number | null
  /** The file's other keys that decide what is sampled, as they stand there: `repetition_penalty`, `do_sample`, `min_p`... */
  readonly others: Readonly<Record<string, unknown>>
}

/** Keys that say nothing about which token is sampled next. */
const unrelated =
  /^(_|transformers_version$|(bos|eos|pad|decoder_start)_token_id$|use_cache$|output_|return_dict|max_length$|max_new_tokens$|max_time$|chat_format$|cache_)/

/** What a parsed generation_config.json recommends; null where it says nothing about sampling. */
export function readRecommendedSampling(generationConfig: unknown): RecommendedSampling | null {
  if (typeof generationConfig !== 'object' || generationConfig === null) return null
  const settings = new Map(
    Object.entries(generationConfig).filter(
      ([key, value]) => !unrelated.test(key) && value !== null,
    ),
  )
  if (settings.size === 0) return null
  const take = (key: string): number | null => {
    const value: unknown = settings.get(key)
    if (typeof value !== 'number') return null
    settings.delete(key)
    return value
  }
  const [temperature, topK, topP] = [take('temperature'), take('top_k'), take('top_p')]
  return { temperature, topK, topP, others: Object.fromEntries(settings) }
}

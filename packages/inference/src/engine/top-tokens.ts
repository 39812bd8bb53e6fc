import type { TopTokens } from './messages.ts'

/**
 * The likeliest tokens of one position, the likeliest first; of equals the lower id first.
 *
 * @param logits [vocabSize] of the position
 * @param nTokens ids from here on belong to no token and are left out
 * @param logTotal the logarithm of the sum of exp(logit) over the whole vocabulary
 */
export function topTokens(
  logits: Float32Array,
  nTokens: number,
  count: number,
  logTotal: number,
): TopTokens {
  const ids: number[] = []
  const values: number[] = []
  const n = Math.min(nTokens, logits.length)
  let least = Number.NEGATIVE_INFINITY
  for (let id = 0; id < n; id++) {
    const value = logits[id] as number
    if (ids.length === count && !(value > least)) continue
    let at = ids.length
    while (at > 0 && value > (values[at - 1] as number)) at--
    ids.splice(at, 0, id)
    values.splice(at, 0, value)
    if (ids.length > count) {
      ids.pop()
      values.pop()
    }
    least = values.at(-1) as number
  }
  return {
    tokenIds: Int32Array.from(ids),
    logprobs: Float32Array.from(values, (value) => value - logTotal),
  }
}

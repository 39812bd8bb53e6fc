import { philox4x32, type RandomKey } from '@cem/core'

/** The two per-token constants of the noise hash. Changing them changes every sample of every run: they are frozen. */
export interface NoiseTables {
  /** Odd int32 a token. */
  readonly multipliers: Int32Array
  readonly masks: Int32Array
}

export function noiseTables(nTokens: number): NoiseTables {
  const multipliers = new Int32Array(nTokens)
  const masks = new Int32Array(nTokens)
  for (let token = 0; token < nTokens; token++) {
    multipliers[token] = mix(token) | 1
    masks[token] = mix(token ^ 0x5bf03635)
  }
  return { multipliers, masks }
}

/** The two int32 keys of the noise for one sampled position, from the sample's key; the second one is odd. */
export function noiseKeys(key: RandomKey, position: number): { a: number; b: number } {
  const [a = 0, b = 0] = philox4x32([position], key)
  return { a: a | 0, b: b | 1 }
}

/**
 * The Gumbel number of one token at one position, as the graph computes it: a hash of (keys, token), made uniform on (0, 1),
 * then -log(-log u). The same keys give the same noise whatever the model, the batch or the order, so that two checkpoints
 * that agree on the probabilities agree on the token.
 */
export function tokenNoise(keys: { a: number; b: number }, token: number): number {
  const hashed = Math.imul(Math.imul(mix(token) | 1, keys.a) ^ mix(token ^ 0x5bf03635), keys.b)
  const uniform = Math.fround(
    Math.fround(Math.fround(hashed) * Math.fround((0.5 - 2 ** -24) * 2 ** -31)) + 0.5,
  )
  return -Math.log(-Math.log(uniform))
}

/** The finalizer of MurmurHash3 (Appleby, public domain): every input bit moves every output bit. */
function mix(value: number): number {
  let h = (value + 1) | 0
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b)
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35)
  return h ^ (h >>> 16)
}

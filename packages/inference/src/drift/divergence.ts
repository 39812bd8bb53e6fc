/** Where two distributions over the next token differ. */
export interface TokenDivergence {
  /** KL(reference || other), in nats. */
  readonly kl: number
  /** Both hold the same token for the likeliest. */
  readonly hasSameTop: boolean
}

/** sum over tokens of p (log p - log q), with p and q the softmax of logits [vocabSize], in 64-bit floats. */
export function tokenDivergence(reference: Float32Array, other: Float32Array): TokenDivergence {
  const p = logNormalizer(reference)
  const q = logNormalizer(other)
  let kl = 0
  for (let i = 0; i < reference.length; i++) {
    const logP = (reference[i] as number) - p.logSum
    const logQ = (other[i] as number) - q.logSum
    // Where p is 0 the term is 0, whatever q is.
    const probability = Math.exp(logP)
    if (probability > 0) kl += probability * (logP - logQ)
  }
  // Rounding can leave a divergence of nothing a hair below zero.
  return { kl: Math.max(0, kl), hasSameTop: p.top === q.top }
}

function logNormalizer(logits: Float32Array): { logSum: number; top: number } {
  let top = 0
  for (let i = 1; i < logits.length; i++)
    if ((logits[i] as number) > (logits[top] as number)) top = i
  const largest = logits[top] as number
  let sum = 0
  for (const logit of logits) sum += Math.exp(logit - largest)
  return { logSum: largest + Math.log(sum), top }
}

/** |other - reference| / |reference|, Euclidean; 0 where both are zero. */
export function relativeError(reference: Float32Array, other: Float32Array): number {
  let difference = 0
  let size = 0
  for (let i = 0; i < reference.length; i++) {
    difference += ((other[i] as number) - (reference[i] as number)) ** 2
    size += (reference[i] as number) ** 2
  }
  return difference === 0 ? 0 : Math.sqrt(difference / size)
}

/** The value that this share of the values lies at or below: the nearest rank, so that it is one of them. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b)
  const rank = Math.max(1, Math.ceil(share * sorted.length))
  return sorted[rank - 1] ?? Number.NaN
}

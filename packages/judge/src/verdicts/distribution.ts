import type { TokenLogprob } from '@cem/chat'

/** What a token stands for. */
export interface Outcome {
  /** Tokens of equal keys are spellings of one outcome. */
  readonly key: string
  readonly value: number
}

/** What a list of tokens says about a set of outcomes. */
export interface Distribution {
  /** Probability of all tokens of the list together. */
  readonly total: number
  /** Probability of the outcomes together. */
  readonly mass: number
  /** Expected value over the outcomes, their probabilities divided by `mass`. NaN where `mass` is 0. */
  readonly expected: number
  /** Shannon's entropy of that distribution, in nats. NaN where `mass` is 0. */
  readonly entropy: number
  /** The key of the likeliest outcome; of equals the one of least value. Undefined where there is none. */
  readonly lead: string | undefined
  /** The token of an outcome that the list has twice in the same spelling, where there is one. */
  readonly repeated: string | undefined
}

/** The outcomes in a list of tokens. Several spellings of one outcome add up; the order of the list does not matter. */
export function distributionOf(
  top: readonly TokenLogprob[],
  outcomeOf: (token: string) => Outcome | undefined,
): Distribution {
  const found = top.flatMap(({ token, logprob }) => {
    const outcome = outcomeOf(token)
    return outcome ? [{ token, logprob, ...outcome }] : []
  })
  const tokens = found.map(({ token }) => token)
  const merged = new Map<string, { value: number; probability: number }>()
  for (const { key, value, logprob } of found)
    merged.set(key, {
      value,
      probability: (merged.get(key)?.probability ?? 0) + Math.exp(logprob),
    })
  const mass = sum(found.map(({ logprob }) => Math.exp(logprob)))
  return {
    total: sum(top.map(({ logprob }) => Math.exp(logprob))),
    mass,
    expected: expectedValue(found),
    entropy: entropyOf([...merged.values()].map(({ probability }) => probability / mass)),
    lead: leadOf(merged),
    repeated: tokens.find((token, i) => tokens.indexOf(token) !== i),
  }
}

/**
 * Taken from the likeliest value, so that a value alone in its list is its own expectation to the last bit: a rounding error
 * would carry a 30 over the threshold at 30.
 */
function expectedValue(
  found: readonly { readonly value: number; readonly logprob: number }[],
): number {
  const [first] = found
  if (!first) return Number.NaN
  const lead = found.reduce((best, one) => (one.logprob > best.logprob ? one : best), first)
  const weights = found.map(({ logprob }) => Math.exp(logprob - lead.logprob))
  const offsets = found.map(({ value }, i) => (weights[i] ?? 0) * (value - lead.value))
  return lead.value + sum(offsets) / sum(weights)
}

/** -sum(q ln q), 0 ln 0 being 0. */
function entropyOf(shares: readonly number[]): number {
  const terms = shares.map((share) => (share === 0 ? 0 : -share * Math.log(share)))
  // A lone share of 1 gives -0, or a rounding error below 0.
  return Math.max(0, sum(terms))
}

function leadOf(
  merged: ReadonlyMap<string, { readonly value: number; readonly probability: number }>,
): string | undefined {
  const ranked = [...merged].toSorted(
    ([, a], [, b]) => b.probability - a.probability || a.value - b.value,
  )
  return ranked[0]?.[0]
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0)
}

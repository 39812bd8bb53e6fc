import type { TokenLogprob } from '@cem/chat'

export type LogprobScore =
  | {
      readonly status: 'scored'
      /** In [0, 100]. */
      readonly score: number
      /** Probability of all integers 0..100 together. */
      readonly mass: number
    }
  | {
      readonly status: 'unscored'
      readonly reason: 'refusal' | 'code' | 'low-mass' | 'no-logprobs' | 'malformed-response'
      readonly mass: number
      readonly detail: string
    }

export interface ScoreOptions {
  /** No score where the integers hold less probability than this together. @default 0.25 */
  readonly minMass?: number
}

/** Probabilities may add up to a little more than 1 where a server rounds. */
const mostMass = 1.01

/**
 * The expected integer: sum(p_i * i) / sum(p_i) over the tokens that are integers from 0 to 100. Blanks around a token are
 * cut off (ASCII only); what is left must be the integer's plain decimal form: `087`, `+5`, `8.0` and `１２` are no integers
 * here, where Python's `int` takes some of them. Several tokens of one integer (`87` and ` 87`) add up. The order of the list
 * does not matter.
 *
 * Below `minMass` there is no score; the reason is `refusal` or `code` where the likeliest token begins that word, or an
 * apology, else `low-mass`. A list whose probabilities exceed 1, as one with a token listed twice does, is malformed.
 */
export function scoreFromTopLogprobs(
  top: readonly TokenLogprob[],
  { minMass = 0.25 }: ScoreOptions = {},
): LogprobScore {
  if (top.length === 0)
    return { status: 'unscored', reason: 'no-logprobs', mass: 0, detail: 'the list is empty' }
  const total = sum(top.map(({ logprob }) => Math.exp(logprob)))
  const integers = top.flatMap(({ token, logprob }) => {
    const integer = integerOf(token)
    return integer === undefined ? [] : [{ integer, logprob }]
  })
  const mass = sum(integers.map(({ logprob }) => Math.exp(logprob)))
  if (!(total <= mostMass))
    return {
      status: 'unscored',
      reason: 'malformed-response',
      mass,
      detail: `the probabilities of the tokens add up to ${total.toFixed(3)}`,
    }
  if (mass < minMass || mass === 0) return { status: 'unscored', ...whyLow(top, mass), mass }
  return { status: 'scored', score: expectedInteger(integers), mass }
}

/**
 * Taken from the likeliest integer, so that an integer alone in its list is its own score to the last bit: a rounding error
 * would carry a 30 over the threshold at 30.
 */
function expectedInteger(
  integers: readonly { readonly integer: number; readonly logprob: number }[],
): number {
  const lead = integers.reduce((best, one) => (one.logprob > best.logprob ? one : best))
  const weights = integers.map(({ logprob }) => Math.exp(logprob - lead.logprob))
  const offsets = integers.map(({ integer }, i) => (weights[i] ?? 0) * (integer - lead.integer))
  return Math.min(100, Math.max(0, lead.integer + sum(offsets) / sum(weights)))
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0)
}

/** The integer from 0 to 100 that a token spells in plain decimal form, blanks around it aside; else undefined. */
export function integerOf(token: string): number | undefined {
  const digits = token.replace(/^[ \t\n\v\f\r]+|[ \t\n\v\f\r]+$/g, '')
  return /^(?:\d|[1-9]\d|100)$/.test(digits) ? Number(digits) : undefined
}

/** Openings of "I'm sorry, but I cannot ...", as tokens of common vocabularies. */
const apologies = new Set(['I', "I'm", 'I’m', 'Sorry', 'Unfortunately'])

function whyLow(top: readonly TokenLogprob[], mass: number) {
  const leader = top.reduce((best, one) => (one.logprob > best.logprob ? one : best))
  const word = leader.token.trim()
  const shown = JSON.stringify(leader.token.slice(0, 40))
  const detail = `the integers hold ${mass.toFixed(3)}, ${shown} leads with ${Math.exp(leader.logprob).toFixed(3)}`
  if (begins('REFUSAL', word) || apologies.has(word)) return { reason: 'refusal', detail } as const
  if (begins('CODE', word)) return { reason: 'code', detail } as const
  return { reason: 'low-mass', detail } as const
}

/** The word may come in pieces (`REF`, `USAL`), of which only the first is seen. */
function begins(word: string, token: string): boolean {
  return token !== '' && (word.startsWith(token) || word === token.toUpperCase())
}

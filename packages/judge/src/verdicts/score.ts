import type { TokenLogprob } from '@cem/chat'
import type { Label } from '../protocols/protocol.ts'
import { distributionOf, type Outcome } from './distribution.ts'

export type LogprobScore =
  | {
      readonly status: 'scored'
      /** In [0, 100]. */
      readonly score: number
      /** Probability of all integers 0..100 together. */
      readonly mass: number
      /** Of the integers' probabilities divided by `mass`: -sum(q ln q), in nats; from 0 to ln 101 = 4.615. */
      readonly entropy: number
    }
  | UnscoredTokens

/** The same for labels: the score is the expected value, the entropy at most the logarithm of their number. */
export type LabelScore =
  | {
      readonly status: 'scored'
      readonly score: number
      /** The likeliest one. */
      readonly label: string
      readonly mass: number
      readonly entropy: number
    }
  | UnscoredTokens

export interface UnscoredTokens {
  readonly status: 'unscored'
  readonly reason: 'refusal' | 'code' | 'low-mass' | 'no-logprobs' | 'malformed-response'
  readonly mass: number
  readonly detail: string
}

export interface ScoreOptions {
  /** No score where the outcomes hold less probability than this together. @default 0.25 */
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
 * apology, else `low-mass`. A list whose probabilities exceed 1, or that has an integer twice in the same spelling, is
 * malformed.
 */
export function scoreFromTopLogprobs(
  top: readonly TokenLogprob[],
  options: ScoreOptions = {},
): LogprobScore {
  const read = readTokens(top, integerOutcome, { what: 'integers', leastLead: 0, ...options })
  if (read.status === 'unscored') return read
  const { status, score, mass, entropy } = read
  return { status, score: Math.min(100, Math.max(0, score)), mass, entropy }
}

/** A word counts as what the judge says only from here on: most of what it could say was not asked for. */
const leastWordMass = 0.25

/**
 * The same over whole replies (`logprob-0-100-exact`): the probabilities of the strings 0..100, each with the end of the turn.
 * The reason for no score is `refusal` or `code` where that word leads and has a probability of at least 0.25.
 */
export function scoreFromContinuations(
  continuations: readonly TokenLogprob[],
  options: ScoreOptions = {},
): LogprobScore {
  const leastLead = leastWordMass
  const read = readTokens(continuations, integerOutcome, {
    what: 'integers',
    leastLead,
    ...options,
  })
  if (read.status === 'unscored') return read
  const { status, score, mass, entropy } = read
  return { status, score: Math.min(100, Math.max(0, score)), mass, entropy }
}

/** The likeliest label and the expected value, over the tokens that are a label (blanks around it aside, case kept). */
export function labelFromTopLogprobs(
  top: readonly TokenLogprob[],
  labels: readonly Label[],
  options: ScoreOptions = {},
): LabelScore {
  const known = new Map(labels.map(({ label, value }) => [label, { key: label, value }]))
  const outcomeOf = (token: string) => known.get(trimmed(token))
  const read = readTokens(top, outcomeOf, { what: 'labels', leastLead: 0, ...options })
  if (read.status === 'unscored') return read
  const { status, score, lead: label, mass, entropy } = read
  return { status, score, label, mass, entropy }
}

interface ReadOptions extends ScoreOptions {
  readonly what: 'integers' | 'labels'
  /** The least probability of a leading word that makes it the reason. */
  readonly leastLead: number
}

function readTokens(
  top: readonly TokenLogprob[],
  outcomeOf: (token: string) => Outcome | undefined,
  { what, leastLead, minMass = 0.25 }: ReadOptions,
) {
  if (top.length === 0) return unscored('no-logprobs', 0, 'the list is empty')
  const { total, mass, expected, entropy, lead, repeated } = distributionOf(top, outcomeOf)
  if (!(total <= mostMass))
    return unscored(
      'malformed-response',
      mass,
      `the probabilities of the tokens add up to ${total.toFixed(3)}`,
    )
  if (repeated !== undefined)
    return unscored('malformed-response', mass, `${show(repeated)} is listed twice`)
  if (mass < minMass || mass === 0 || lead === undefined) {
    const { reason, detail } = whyLow(top, mass, what, leastLead)
    return unscored(reason, mass, detail)
  }
  return { status: 'scored', score: expected, lead, mass, entropy } as const
}

function unscored(reason: UnscoredTokens['reason'], mass: number, detail: string): UnscoredTokens {
  return { status: 'unscored', reason, detail, mass }
}

function integerOutcome(token: string): Outcome | undefined {
  const integer = integerOf(token)
  return integer === undefined ? undefined : { key: String(integer), value: integer }
}

/** The integer from 0 to 100 that a token spells in plain decimal form, blanks around it aside; else undefined. */
export function integerOf(token: string): number | undefined {
  const digits = trimmed(token)
  return /^(?:\d|[1-9]\d|100)$/.test(digits) ? Number(digits) : undefined
}

function trimmed(token: string): string {
  return token.replace(/^[ \t\n\v\f\r]+|[ \t\n\v\f\r]+$/g, '')
}

/** Openings of "I'm sorry, but I cannot ...", as tokens of common vocabularies. */
const apologies = new Set(['I', "I'm", 'I’m', 'Sorry', 'Unfortunately'])

function whyLow(top: readonly TokenLogprob[], mass: number, what: string, leastLead: number) {
  const leader = top.reduce((best, one) => (one.logprob > best.logprob ? one : best))
  const word = leader.token.trim()
  const lead = Math.exp(leader.logprob)
  const detail = `the ${what} hold ${mass.toFixed(3)}, ${show(leader.token)} leads with ${lead.toFixed(3)}`
  if (lead < leastLead) return { reason: 'low-mass', detail } as const
  if (begins('REFUSAL', word) || apologies.has(word)) return { reason: 'refusal', detail } as const
  if (begins('CODE', word)) return { reason: 'code', detail } as const
  return { reason: 'low-mass', detail } as const
}

function show(token: string): string {
  return JSON.stringify(token.slice(0, 40))
}

/** The word may come in pieces (`REF`, `USAL`), of which only the first is seen. */
function begins(word: string, token: string): boolean {
  return token !== '' && (word.startsWith(token) || word === token.toUpperCase())
}

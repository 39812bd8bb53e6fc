import { CemError } from '@cem/core'
import { hashOf } from '../hash.ts'
import { checkRubric, type Rubric } from './rubric.ts'

/** How answers are judged. Frozen all the way down; two protocols are the same exactly when their hashes are. */
export type JudgeProtocol = LogprobProtocol | ExactProtocol | TextScoreProtocol | LabelsProtocol

/** What all protocols have. */
export interface ProtocolCore {
  /** By metric; each answer gets one verdict for each. */
  readonly rubrics: Readonly<Record<string, Rubric>>
  /** SHA-256 of name, rubrics, parameters and cut-off. */
  readonly hash: string
}

/** One token with its alternatives. */
export interface TokenParameters {
  readonly maxTokens: number
  readonly temperature: number
  readonly seed: number
  /** Alternatives asked for. */
  readonly topLogprobs: number
}

/** A reply in JSON. */
export interface TextParameters {
  /** The most tokens of the reply; a reasoning model's thoughts count. */
  readonly maxTokens: number
  /** The member of the request that carries `maxTokens`: newer hosted models take only the second. */
  readonly maxTokensField: 'max_tokens' | 'max_completion_tokens'
  /** Null: not sent, for models that take none. */
  readonly temperature: number | null
  /** Null: not sent. */
  readonly seed: number | null
  /** The `response_format` of the request. Null: not sent, for servers that know none; the reply is checked all the same. */
  readonly responseFormat: Readonly<Record<string, unknown>> | null
  /** Stands at the end of the message, after the rubric, and asks for JSON. */
  readonly instruction: string
}

/** A label of a closed set, with the number that it counts as. */
export interface Label {
  readonly label: string
  readonly value: number
}

/** The expected integer over the judge's likeliest tokens; the reference protocol. */
export interface LogprobProtocol extends ProtocolCore {
  readonly name: 'logprob-0-100'
  readonly parameters: TokenParameters
  /** No score where the integers 0..100 hold less than this probability together. */
  readonly minMass: number
}

/** The expected integer over the 101 strings 0..100, each scored as a whole reply, for judges that split digits. */
export interface ExactProtocol extends ProtocolCore {
  readonly name: 'logprob-0-100-exact'
  readonly parameters: {
    /** The replies whose probabilities are asked for: the integers, and the words that stand in place of one. */
    readonly continuations: readonly string[]
  }
  /** No score where the integers 0..100 hold less than this probability together. */
  readonly minMass: number
}

/** An integer in JSON, for judges without log probabilities. */
export interface TextScoreProtocol extends ProtocolCore {
  readonly name: 'text-score'
  readonly parameters: TextParameters
  readonly minMass: null
}

/** One label of a closed set: from the first token where each label is one token of the judge, else in JSON. */
export interface LabelsProtocol extends ProtocolCore {
  readonly name: 'labels'
  readonly parameters: (
    | ({ readonly method: 'first-token' } & TokenParameters)
    | ({ readonly method: 'text' } & TextParameters)
  ) & { readonly labels: readonly Label[] }
  /** No label where all of them hold less than this probability together; null where `method` is `text`. */
  readonly minMass: number | null
}

/** The reference's cut-off (its code scores nothing below a total probability of 0.25). */
export const referenceMinMass = 0.25

/** One token, deterministically, with as many alternatives as hosted servers give. */
export const tokenParameters: TokenParameters = Object.freeze({
  maxTokens: 1,
  temperature: 0,
  seed: 0,
  topLogprobs: 20,
})

/**
 * Checks what the protocols share, freezes a copy and hashes it.
 *
 * @throws CemError `bad-rubric`, `bad-protocol`
 */
export function finishProtocol<Content extends Omit<JudgeProtocol, 'hash'>>(
  content: Content,
): Content & { readonly hash: string } {
  const { minMass, rubrics } = content
  if (minMass !== null && !(minMass >= 0 && minMass <= 1))
    throw badProtocol(`minMass is ${minMass}: give a number from 0 to 1`)
  const entries = Object.entries(rubrics)
  if (entries.length === 0) throw badProtocol('it has no rubric: give at least one')
  for (const [metric, { text }] of entries) checkRubric(metric, text)
  const copies = entries.map(([metric, { text, insertion }]) => [metric, { text, insertion }])
  const copy: Content = structuredClone({ ...content, rubrics: Object.fromEntries(copies) })
  return deepFreeze({ ...copy, hash: hashOf(copy) })
}

export function badProtocol(what: string): CemError {
  return new CemError({ code: 'bad-protocol', message: `The protocol cannot be used: ${what}.` })
}

function deepFreeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value)
    for (const part of Object.values(value)) deepFreeze(part)
  }
  return value
}

import type { TokenLogprob } from '@cem/chat'
import { isUnreachableError } from '@cem/chat'
import { tokenParameters } from '../protocols/protocol.ts'
import type { JudgeClient } from './judge-client.ts'
import { unreachable } from './unreachable.ts'

export interface ProbedLabel {
  readonly label: string
  /** Whether the judge, asked for the label, says it as one token. */
  readonly isSingle: boolean
  /** Probability of the label as one token. */
  readonly mass: number
  readonly topLogprobs: readonly TokenLogprob[]
}

export interface LabelProbe {
  /** For `createLabelsProtocol`: `first-token` where every label is one token of the judge, else `text`. */
  readonly method: 'first-token' | 'text'
  readonly labels: readonly ProbedLabel[]
}

export interface LabelProbeOptions {
  readonly signal?: AbortSignal | undefined
}

/** What the judge is asked in a probe of a label. */
export function labelProbePrompt(label: string): string {
  return `Reply with ${JSON.stringify(label)}, without the quotation marks, and nothing else.`
}

/**
 * Asks for each label, one call each, and tells how they can be read. A judge that gives no log probabilities, splits a label or
 * does not do as told gets `text`.
 *
 * @throws CemError `judge-unreachable`; what `client.complete` throws
 */
export async function probeLabels(
  client: JudgeClient,
  labels: readonly string[],
  { signal }: LabelProbeOptions = {},
): Promise<LabelProbe> {
  const probed = await Promise.all(labels.map((label) => probeOne(client, label, signal)))
  const areSingle = probed.every(({ isSingle }) => isSingle)
  return { method: areSingle ? 'first-token' : 'text', labels: probed }
}

/** Half of the probability, asked for one label in so many words, is little to ask. */
const leastMass = 0.5

async function probeOne(
  client: JudgeClient,
  label: string,
  signal: AbortSignal | undefined,
): Promise<ProbedLabel> {
  const messages = [{ role: 'user', content: labelProbePrompt(label) }] as const
  try {
    const completion = await client.complete({ messages, ...tokenParameters }, { signal })
    const { topLogprobs = [] } = completion
    const mass = topLogprobs
      .filter(({ token }) => token.trim() === label)
      .reduce((total, { logprob }) => total + Math.exp(logprob), 0)
    return { label, isSingle: mass >= leastMass, mass, topLogprobs }
  } catch (error) {
    throw isUnreachableError(error) ? unreachable(error) : error
  }
}

import type { ChatCompletion } from '@cem/chat'
import { scoreFromTopLogprobs } from './score.ts'
import type { UnscoredReason } from './verdict.ts'

export type Reading =
  | { readonly status: 'scored'; readonly score: number; readonly mass: number }
  | {
      readonly status: 'unscored'
      readonly reason: UnscoredReason
      readonly detail: string
      readonly mass?: number
    }

/** What a judge's answer says. */
export function readVerdict(
  {
    text,
    refusal,
    finishReason,
    topLogprobs = [],
  }: Pick<ChatCompletion, 'text' | 'refusal' | 'finishReason' | 'topLogprobs'>,
  { minMass }: { readonly minMass: number },
): Reading {
  if (finishReason === 'content_filter')
    return unscored('content-filter', 'the provider filtered the answer of the judge')
  if (refusal) return unscored('refusal', 'the judge declined to judge')
  if (topLogprobs.length > 0) return scoreFromTopLogprobs(topLogprobs, { minMass })
  if (text === '' && finishReason === 'length')
    return unscored('truncated', 'the judge spent its one token without any text')
  return unscored('no-logprobs', 'the server sent no log probabilities')
}

function unscored(reason: UnscoredReason, detail: string): Reading {
  return { status: 'unscored', reason, detail }
}

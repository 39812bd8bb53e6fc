import { randomInt } from 'node:crypto'
import type { BatchToken, ChatTokenizer } from '@cem/inference'
import { AnswerText, type TextPiece } from './answer-text.ts'
import type { Scheduler } from './scheduler.ts'
import type { ServedModel } from './served-models.ts'

/** What is to be sampled for one prompt. */
export interface AnswerRequest {
  readonly served: ServedModel
  readonly promptTokenIds: readonly number[]
  readonly n: number
  readonly temperature: number
  readonly maxNewTokens: number
  readonly seed: number
  readonly stops: readonly string[]
  readonly wantsLogprobs: boolean
  readonly nTopLogprobs: number
}

export type AnswerEvent =
  | {
      readonly type: 'text'
      readonly index: number
      readonly text: string
      /** The tokens that came since the last event of this answer. */
      readonly tokens: readonly BatchToken[]
    }
  | {
      readonly type: 'end'
      readonly index: number
      readonly finishReason: 'stop' | 'length'
      /** The stop token that was sampled; it is no part of the answer. */
      readonly stop: BatchToken | null
    }

/** Every prompt has this name in the key of the noise, so that a seed gives the same draws whatever is asked. */
export const promptId = 'request'

/** A seed for a request without one. */
export function randomSeed(): number {
  return randomInt(2 ** 48 - 1)
}

/** Samples `n` answers of a prompt and gives their text as it comes. */
export async function* answers(
  scheduler: Scheduler,
  request: AnswerRequest,
  signal: AbortSignal,
): AsyncGenerator<AnswerEvent, void> {
  const { served, n, stops } = request
  const { tokenizer } = served.composition.base
  const texts = Array.from({ length: n }, () => new AnswerText(tokenizer, stops))
  // Read where a token comes in, so that a stop text ends its sample at once; given out with the token's event.
  const pieces = texts.map(() => [] as TextPiece[])
  const open = texts.map(() => ({ tokens: [] as BatchToken[], nGiven: 0, rest: '' }))
  const events = scheduler.generate(
    served,
    {
      id: promptId,
      tokenIds: request.promptTokenIds,
      samples: n,
      seed: request.seed,
      temperature: request.temperature,
      maxNewTokens: request.maxNewTokens,
      stopTokenIds: stopTokens(served, stops, tokenizer),
      logprobs: request.wantsLogprobs,
      topLogprobs: request.nTopLogprobs,
      stopWhen: (sample, tokenId) => {
        const piece = (texts[sample] as AnswerText).add(tokenId)
        pieces[sample]?.push(piece)
        return piece.isStopped
      },
    },
    n,
    signal,
  )
  for await (const event of events) {
    const index = event.sample
    const answer = open[index] as (typeof open)[number]
    if (event.type === 'token') {
      answer.tokens.push(event)
      const piece = pieces[index]?.shift() as TextPiece
      if (piece.isStopped) answer.rest = piece.text
      else if (piece.text !== '') {
        answer.nGiven += answer.tokens.length
        yield { type: 'text', index, text: piece.text, tokens: answer.tokens.splice(0) }
      }
      continue
    }
    const whole = texts[index] as AnswerText
    const text = answer.rest + whole.end().text
    const tokens = answer.tokens.slice(0, whole.nTokens - answer.nGiven)
    if (text !== '' || tokens.length > 0) yield { type: 'text', index, text, tokens }
    const { finishReason, stop } = event
    yield { type: 'end', index, finishReason, stop }
  }
}

/** The model's own, and those special tokens that a stop text names: they are left out of the text, where it is looked for. */
function stopTokens(
  { composition }: ServedModel,
  stops: readonly string[],
  tokenizer: ChatTokenizer,
): number[] {
  const named = stops.flatMap((stop) => {
    const ids = tokenizer.encode(stop)
    return ids.length === 1 && tokenizer.decode(ids) === '' ? ids : []
  })
  return [...new Set([...composition.base.stopTokenIds, ...named])]
}

import { CemError } from '@cem/core'
import type { Progress, TokenRange } from './engine/messages.ts'
import type { Model } from './model.ts'
import type { ChatMessage } from './text/chat-template.ts'
import { type ConversationTokens, locateTurns } from './text/locate-turns.ts'

/**
 * `conversation`: all tokens, those of the template too. For each message, `content`: the tokens of its words; `turn`: those and what
 * the template closes an answer with (`<|im_end|>` and a line break).
 */
export type EmbedSpan = 'conversation' | 'content' | 'turn'

export interface EmbedOptions {
  readonly conversations: readonly {
    readonly id: string
    readonly messages: readonly ChatMessage[]
  }[]
  /** @default all */
  readonly layers?: readonly number[]
  /** @default ['content'] */
  readonly spans?: readonly EmbedSpan[]
  readonly signal?: AbortSignal
  readonly onProgress?: (progress: Progress) => void
}

export interface EmbeddedConversation {
  readonly id: string
  readonly tokenIds: readonly number[]
  readonly layers: readonly number[]
  /** [layers.length, dModel]: the mean over all tokens; null where not asked for. */
  readonly conversation: Float32Array | null
  /** In the order of the messages. */
  readonly turns: readonly EmbeddedTurn[]
}

export interface EmbeddedTurn {
  readonly role: ChatMessage['role']
  /** Where its words lie in `tokenIds`; empty for an empty message. */
  readonly range: TokenRange
  /** [layers.length, dModel]: means; NaN throughout for an empty message; null where not asked for. */
  readonly content: Float32Array | null
  readonly turn: Float32Array | null
}

/** See `Model.embed`. */
export async function* embed(
  model: Model,
  { conversations, spans = ['content'], ...options }: EmbedOptions,
): AsyncGenerator<EmbeddedConversation, void> {
  const { layers = Array.from({ length: model.architecture.nLayers }, (_, i) => i) } = options
  const located = conversations.map(({ messages, id }) => locate(model, messages, id))
  const empty = () => new Float32Array(layers.length * model.architecture.dModel).fill(Number.NaN)
  const sequences = located.map(({ tokenIds, turns }, i) => {
    const whole = { start: 0, end: tokenIds.length }
    const wanted = [
      ...(spans.includes('conversation') ? [['conversation', whole] as const] : []),
      ...turns.flatMap((turn, at) =>
        (['content', 'turn'] as const)
          .filter((span) => spans.includes(span) && turn[span].end > turn[span].start)
          .map((span) => [`${span} ${at}`, turn[span]] as const),
      ),
    ]
    return { id: String(i), tokenIds, spans: Object.fromEntries(wanted) }
  })
  for await (const { id, means } of model.score({ ...options, sequences, layers })) {
    const { tokenIds, turns } = located[Number(id)] as ConversationTokens<ChatMessage['role']>
    const mean = (span: 'content' | 'turn', at: number) =>
      spans.includes(span) ? (means[`${span} ${at}`] ?? empty()) : null
    yield {
      id: conversations[Number(id)]?.id ?? '',
      tokenIds,
      layers,
      conversation: means['conversation'] ?? null,
      turns: turns.map(({ role, content: range }, at) => ({
        role,
        range,
        content: mean('content', at),
        turn: mean('turn', at),
      })),
    }
  }
}

function locate(
  model: Model,
  messages: readonly ChatMessage[],
  id: string,
): ConversationTokens<ChatMessage['role']> {
  if (messages.length === 0)
    throw new CemError({
      code: 'invalid-request',
      message: `conversation '${id}' has no messages.`,
      data: { id },
    })
  return locateTurns(model.tokenizer, messages, { id })
}

import type { Model, ScoreSequence, SpanName, TokenRange } from '@cem/inference'
import type { LocatedTurn } from './locate-conversation.ts'
import {
  type Conversations,
  type IndexedConversation,
  locatedChunks,
  sequenceId,
} from './located-chunks.ts'
import { type CodeBlocks, nTokensOf, pooledMean, scoreSpans, spanRanges } from './span-ranges.ts'
import {
  type MutableTextCounts,
  type TextCounts,
  type TextWarning,
  textWarnings,
} from './text-warnings.ts'

export interface ExtractConversationsOptions {
  readonly model: Model
  /** Read as they are needed; memory does not grow with their number. */
  readonly conversations: Conversations
  /** @default all */
  readonly layers?: readonly number[]
  /** @default ['content'] */
  readonly spans?: readonly SpanName[]
  /** Roles of the messages that means are taken over. @default all */
  readonly roles?: readonly string[]
  /** Whether the tokens of fenced code blocks count. @default 'keep' */
  readonly codeBlocks?: CodeBlocks
  readonly signal?: AbortSignal
}

/** Means over one message. */
export interface TurnMeans {
  /** Index of the message in its conversation. */
  readonly index: number
  readonly role: string
  /** For each span that was asked for, [layers.length, dModel]; NaN throughout where the span has no tokens. */
  readonly means: Readonly<Partial<Record<SpanName, Float32Array>>>
  /** No token of the content is left: the message is empty, or all of it is code that was left out. */
  readonly isEmpty: boolean
  /** Tokens of the content that the mean is over. */
  readonly nTokens: number
  /** Tokens that were left out as code. */
  readonly nCodeTokens: number
}

export interface ConversationMeans {
  readonly type: 'conversation'
  /** Its place among those that were given. */
  readonly index: number
  readonly id: string
  readonly labels: Readonly<Record<string, string>>
  readonly nTokens: number
  /** Of the roles that were asked for, in order. */
  readonly turns: readonly TurnMeans[]
}

export interface ConversationsEnd extends TextCounts {
  readonly type: 'end'
  readonly nConversations: number
  /** Messages by role, also of roles that were not asked for. */
  readonly nTurns: Readonly<Record<string, number>>
  /** Roles that were asked for and that no message has: misspelt, or the data has others. */
  readonly missingRoles: readonly string[]
  /** Of the roles asked for: messages whose rows are NaN. */
  readonly nEmptyTurns: number
  readonly nCodeTokens: number
}

export type ConversationEvent = TextWarning | ConversationMeans | ConversationsEnd

/**
 * Mean hidden states over the messages of conversations, by a teacher-forced pass over each conversation as the chat template
 * writes it. Yields warnings, one `conversation` event for each (short ones of a chunk first), and `end` with the counts.
 *
 * @throws CemError as `locateConversation` and `Model.score`; `signal.reason`
 */
export async function* extractConversations({
  model,
  conversations,
  layers = Array.from({ length: model.architecture.nLayers }, (_, i) => i),
  spans = ['content'],
  roles,
  codeBlocks = 'keep',
  signal,
}: ExtractConversationsOptions): AsyncGenerator<ConversationEvent, void> {
  const length = layers.length * model.architecture.dModel
  const counts = new Counts()
  for await (const chunk of locatedChunks(model, conversations, signal)) {
    for (const one of chunk) yield* textWarnings(one, counts)
    const plans = chunk.map((one) => planOf(one, { spans, roles, codeBlocks }))
    const finish = (plan: Plan, means: Readonly<Record<string, Float32Array>>) => {
      const turns = plan.turns.map((turn) => turnMeans(turn, spans, means, length))
      counts.add(plan.one, turns)
      const { index, conversation, located } = plan.one
      const { id, labels = {} } = conversation
      const nTokens = located.tokenIds.length
      return { type: 'conversation', index, id, labels, nTokens, turns } as const
    }
    const byId = new Map(plans.map((plan) => [sequenceId(plan.one), plan]))
    const sequences: ScoreSequence[] = []
    for (const [id, plan] of byId)
      if (Object.keys(plan.spans).length === 0) yield finish(plan, {})
      else sequences.push({ id, tokenIds: plan.one.located.tokenIds, spans: plan.spans })
    const options = { sequences, layers, ...(signal === undefined ? {} : { signal }) }
    for await (const { id, means } of model.score(options)) {
      signal?.throwIfAborted()
      yield finish(byId.get(id) as Plan, means)
    }
  }
  yield counts.end(roles)
}

interface TurnPlan {
  readonly turn: LocatedTurn
  readonly ranges: Readonly<Partial<Record<SpanName, readonly TokenRange[]>>>
  readonly nTokens: number
  readonly nCodeTokens: number
}

interface Plan {
  readonly one: IndexedConversation
  readonly turns: readonly TurnPlan[]
  readonly spans: Record<string, TokenRange>
}

function planOf(
  one: IndexedConversation,
  {
    spans,
    roles,
    codeBlocks,
  }: {
    readonly spans: readonly SpanName[]
    readonly roles: readonly string[] | undefined
    readonly codeBlocks: CodeBlocks
  },
): Plan {
  const turns = one.located.turns
    .filter(({ role }) => roles === undefined || roles.includes(role))
    .map((turn): TurnPlan => {
      const content = spanRanges(turn, 'content', codeBlocks)
      const ranges = spans.map((span) => [span, spanRanges(turn, span, codeBlocks).ranges])
      return {
        turn,
        ranges: Object.fromEntries(ranges),
        nTokens: nTokensOf(content.ranges),
        nCodeTokens: content.nCodeTokens,
      }
    })
  const named = turns.flatMap(({ turn, ranges }) =>
    spans.flatMap((span) => Object.entries(scoreSpans(spanKey(turn, span), ranges[span] ?? []))),
  )
  return { one, turns, spans: Object.fromEntries(named) }
}

function turnMeans(
  { turn, ranges, nTokens, nCodeTokens }: TurnPlan,
  spans: readonly SpanName[],
  means: Readonly<Record<string, Float32Array>>,
  length: number,
): TurnMeans {
  const pooled = spans.map((span) => [
    span,
    pooledMean(means, spanKey(turn, span), ranges[span] ?? [], length),
  ])
  const { index, role } = turn
  const isEmpty = nTokens === 0
  return { index, role, means: Object.fromEntries(pooled), isEmpty, nTokens, nCodeTokens }
}

function spanKey({ index }: LocatedTurn, span: SpanName): string {
  return `${index} ${span}`
}

class Counts implements MutableTextCounts {
  nRetokenized = 0
  nMovedBoundaries = 0
  nUnknownBoundaries = 0
  #nConversations = 0
  #nEmptyTurns = 0
  #nCodeTokens = 0
  readonly #nTurns = new Map<string, number>()

  add({ located }: IndexedConversation, turns: readonly TurnMeans[]): void {
    this.#nConversations += 1
    for (const { role } of located.turns) this.#nTurns.set(role, (this.#nTurns.get(role) ?? 0) + 1)
    for (const { isEmpty, nCodeTokens } of turns) {
      if (isEmpty) this.#nEmptyTurns += 1
      this.#nCodeTokens += nCodeTokens
    }
  }

  end(roles: readonly string[] = []): ConversationsEnd {
    const { nRetokenized, nMovedBoundaries, nUnknownBoundaries } = this
    return {
      type: 'end',
      nConversations: this.#nConversations,
      nTurns: Object.fromEntries(this.#nTurns),
      missingRoles: roles.filter((role) => !this.#nTurns.has(role)),
      nEmptyTurns: this.#nEmptyTurns,
      nCodeTokens: this.#nCodeTokens,
      nRetokenized,
      nMovedBoundaries,
      nUnknownBoundaries,
    }
  }
}

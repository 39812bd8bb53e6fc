import type { Model, ScoreSequence } from '@cem/inference'
import type { LocatedTurn } from '../conversations/locate-conversation.ts'
import {
  type Conversations,
  type IndexedConversation,
  locatedChunks,
  sequenceId,
} from '../conversations/located-chunks.ts'
import {
  type MutableTextCounts,
  type TextCounts,
  type TextWarning,
  textWarnings,
} from '../conversations/text-warnings.ts'
import { TokenStateWriter, type TokenStateWriterOptions } from './token-state-writer.ts'
import type { StateTurn, TokenStatesIndex } from './token-states-index.ts'

export interface ExtractTokenStatesOptions
  extends Pick<TokenStateWriterOptions, 'dtype' | 'maxShardBytes'> {
  readonly model: Model
  /** Read as they are needed. A run that goes on has to be given the same ones in the same order. */
  readonly conversations: Conversations
  /** Folder that the shards are written to. */
  readonly folder: string
  /** @default all */
  readonly layers?: readonly number[]
  /**
   * Stores the tokens from the first message of these roles to the end of the last one only. @default all tokens, those of the
   * template too
   */
  readonly roles?: readonly string[]
  readonly signal?: AbortSignal
}

export type TokenStatesEvent =
  | TextWarning
  | {
      readonly type: 'row'
      readonly index: number
      readonly id: string
      readonly nTokens: number
      /** It was there from a run before. */
      readonly isResumed: boolean
    }
  | ({
      readonly type: 'end'
      readonly index: TokenStatesIndex
      /** Roles that were asked for and that no message has. */
      readonly missingRoles: readonly string[]
    } & TextCounts)

/**
 * States of single tokens of conversations, streamed to shards in a folder (see `TokenStateWriter`): row i is conversation i.
 * At most two shards' states are in memory, one that is gathered and one that is computed, or those of one conversation where they
 * are more. A run that was stopped or killed goes on where it was; rows that are there are not computed again.
 *
 * @throws CemError as `locateConversation`, `TokenStateWriter.open` and `Model.score`; `signal.reason`
 */
export async function* extractTokenStates({
  model,
  conversations,
  folder,
  layers = Array.from({ length: model.architecture.nLayers }, (_, i) => i),
  roles,
  dtype,
  maxShardBytes = 2 ** 28,
  signal,
}: ExtractTokenStatesOptions): AsyncGenerator<TokenStatesEvent, void> {
  signal?.throwIfAborted()
  const origin = {
    composition_sha256: (await model.composition.record()).sha256,
    tokenizer_sha256: model.tokenizer.sha256,
    roles: roles ?? null,
  }
  const { dModel } = model.architecture
  const storage = { maxShardBytes, ...(dtype === undefined ? {} : { dtype }) }
  await using writer = await TokenStateWriter.open(folder, { layers, dModel, origin, ...storage })
  const counts: MutableTextCounts = { nRetokenized: 0, nMovedBoundaries: 0, nUnknownBoundaries: 0 }
  const missingRoles = new Set(roles)
  for await (const chunk of locatedChunks(model, conversations, signal)) {
    const sequences: ScoreSequence[] = []
    const missing = new Map<string, IndexedConversation>()
    for (const one of chunk) {
      yield* textWarnings(one, counts)
      for (const { role } of one.located.turns) missingRoles.delete(role)
      const { index, conversation, located } = one
      const { tokenIds } = located
      const range = storedRange(located, roles)
      const nTokens = range.end - range.start
      const isResumed = writer.has(index, tokenIds)
      if (!isResumed && nTokens > 0) {
        sequences.push({ id: sequenceId(one), tokenIds, states: range })
        missing.set(sequenceId(one), one)
        continue
      }
      if (!isResumed) await writer.add(rowOf(one, roles, new Float32Array(0)))
      yield { type: 'row', index, id: conversation.id, nTokens, isResumed }
    }
    for (const group of groupsOf(sequences, maxShardBytes / (layers.length * dModel * 4))) {
      const options = { sequences: group, layers, ...(signal === undefined ? {} : { signal }) }
      for await (const { id, states } of model.score(options)) {
        signal?.throwIfAborted()
        const one = missing.get(id) as IndexedConversation
        const row = rowOf(one, roles, states as Float32Array)
        await writer.add(row)
        const nTokens = row.states.length / (layers.length * dModel)
        yield { type: 'row', index: one.index, id: one.conversation.id, nTokens, isResumed: false }
      }
    }
  }
  const index = await writer.commit()
  yield { type: 'end', index, missingRoles: [...missingRoles], ...counts }
}

/** Sequences in groups of at most so many tokens with states: the model may be that far ahead of the writing. */
function groupsOf(sequences: readonly ScoreSequence[], maxTokens: number): ScoreSequence[][] {
  const groups: ScoreSequence[][] = []
  let nTokens = Number.POSITIVE_INFINITY
  for (const sequence of sequences) {
    const { start, end } = sequence.states ?? { start: 0, end: 0 }
    nTokens += end - start
    if (nTokens > maxTokens) {
      groups.push([])
      nTokens = end - start
    }
    groups.at(-1)?.push(sequence)
  }
  return groups
}

function storedRange(
  { tokenIds, turns }: IndexedConversation['located'],
  roles: readonly string[] | undefined,
) {
  if (roles === undefined) return { start: 0, end: tokenIds.length }
  const wanted = turns.filter(({ role, isEmpty }) => roles.includes(role) && !isEmpty)
  const [first] = wanted
  if (first === undefined) return { start: 0, end: 0 }
  return {
    start: first.turn.start,
    end: Math.max(...wanted.map(({ turn }) => turn.end)),
  }
}

function rowOf(
  { index, conversation, located }: IndexedConversation,
  roles: readonly string[] | undefined,
  states: Float32Array,
) {
  return {
    row: index,
    id: conversation.id,
    sequence: located.tokenIds,
    start: storedRange(located, roles).start,
    turns: located.turns.map(stateTurn),
    states,
  }
}

function stateTurn({ role, content, turn, code }: LocatedTurn): StateTurn {
  return { role, content, turn, code }
}

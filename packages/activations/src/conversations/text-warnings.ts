import type { IndexedConversation } from './located-chunks.ts'

/** Something about a conversation that a reader of its numbers has to know. */
export interface TextWarning {
  readonly type: 'warning'
  /**
   * `retokenized`: a model once wrote messages of it in tokens that are not those that the states belong to, or nobody knows.
   * `content-left-out`: it had content that is no text. `shared-tokens`: the template puts nothing between two messages.
   */
  readonly code: 'retokenized' | 'content-left-out' | 'shared-tokens'
  readonly index: number
  readonly id: string
  readonly message: string
  /** For `retokenized`: token boundaries that moved, over all of its messages; 'unknown' where the original tokens are. */
  readonly nMovedBoundaries?: number | 'unknown'
}

/** Counts over all conversations. */
export interface TextCounts {
  /** Assistant messages that were tokenized from text. */
  readonly nRetokenized: number
  /** Of those with known original tokens: boundaries that moved. */
  readonly nMovedBoundaries: number
  /** Those without. */
  readonly nUnknownBoundaries: number
}

export interface MutableTextCounts {
  nRetokenized: number
  nMovedBoundaries: number
  nUnknownBoundaries: number
}

/** The warnings of one conversation; counts its messages. */
export function textWarnings(
  { index, conversation, located }: IndexedConversation,
  counts: MutableTextCounts,
): TextWarning[] {
  const warn = (code: TextWarning['code'], message: string): TextWarning => {
    return { type: 'warning', code, index, id: conversation.id, message }
  }
  const warnings: TextWarning[] = []
  const { leftOut = [] } = conversation
  if (leftOut.length > 0)
    warnings.push(
      warn(
        'content-left-out',
        `Conversation '${conversation.id}' has content that is no text and was left out: ${leftOut.join(', ')}. The model saw more than the states do.`,
      ),
    )
  if (located.nSharedTokens > 0)
    warnings.push(
      warn(
        'shared-tokens',
        `The chat template puts nothing between messages of conversation '${conversation.id}': ${located.nSharedTokens} tokens count for two messages each.`,
      ),
    )
  const moved = retokenized(located.turns, counts)
  if (moved !== undefined)
    warnings.push({
      ...warn('retokenized', retokenizedMessage(conversation.id, moved)),
      nMovedBoundaries: moved.nUnknown > 0 ? 'unknown' : moved.nMoved,
    })
  return warnings
}

interface Moved {
  readonly nMoved: number
  readonly nUnknown: number
}

function retokenized(
  turns: IndexedConversation['located']['turns'],
  counts: MutableTextCounts,
): Moved | undefined {
  let nMoved = 0
  let nUnknown = 0
  for (const { boundaries } of turns) {
    if (boundaries === null) continue
    counts.nRetokenized += 1
    if (boundaries === 'unknown') nUnknown += 1
    else nMoved += boundaries.nMoved
  }
  counts.nMovedBoundaries += nMoved
  counts.nUnknownBoundaries += nUnknown
  return nMoved + nUnknown > 0 ? { nMoved, nUnknown } : undefined
}

function retokenizedMessage(id: string, { nMoved, nUnknown }: Moved): string {
  if (nUnknown === 0)
    return `The answers of conversation '${id}' were tokenized again, and ${nMoved} token boundaries moved: the states are those of other tokens than the model wrote.`
  return `The answers of conversation '${id}' were tokenized again, and for ${nUnknown} of them the original tokens are not known: nobody can say how many token boundaries moved.`
}

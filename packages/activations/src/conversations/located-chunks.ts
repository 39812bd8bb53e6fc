import { CemError } from '@cem/core'
import type { Model } from '@cem/inference'
import type { Conversation } from './conversation.ts'
import { type LocatedConversation, locateConversation } from './locate-conversation.ts'

/** A conversation with its place in what was given. */
export interface IndexedConversation {
  readonly index: number
  readonly conversation: Conversation
  readonly located: LocatedConversation
}

/** Conversations, all at once or as they come. */
export type Conversations = Iterable<Conversation> | AsyncIterable<Conversation>

/** Bounds what is in memory at once, whatever is given. */
const chunkConversations = 256
const chunkTokens = 2 ** 16

/** Locates conversations as they come and gives them in chunks that fit into memory. */
export async function* locatedChunks(
  model: Model,
  conversations: Conversations,
  signal: AbortSignal | undefined,
): AsyncGenerator<IndexedConversation[], void> {
  let chunk: IndexedConversation[] = []
  let nTokens = 0
  let index = 0
  for await (const conversation of conversations) {
    signal?.throwIfAborted()
    const located = locateConversation(model.tokenizer, conversation)
    checkLength(model, conversation, located)
    chunk.push({ index: index++, conversation, located })
    nTokens += located.tokenIds.length
    if (chunk.length < chunkConversations && nTokens < chunkTokens) continue
    yield chunk
    chunk = []
    nTokens = 0
  }
  if (chunk.length > 0) yield chunk
}

/** Names a conversation in what the model is given, and so in its errors: ids of conversations need not differ. */
export function sequenceId({ index, conversation }: IndexedConversation): string {
  return `${index}: ${conversation.id}`
}

/** The model would find out in the middle of a run, and could not say which conversation it was. */
function checkLength(
  { architecture: { maxPositions } }: Model,
  { id }: Conversation,
  { tokenIds: { length } }: LocatedConversation,
): void {
  if (length <= maxPositions) return
  throw new CemError({
    code: 'sequence-too-long',
    message: `Conversation '${id}' has ${length} tokens, and the model takes ${maxPositions}. Shorten it, or leave it out.`,
    data: { id, length, maxPositions },
  })
}

import type { ChatMessage, ChatTokenizer } from '@cem/inference'
import type { StoredResponse } from './response-spans.ts'

export interface TextResponse {
  readonly messages: readonly ChatMessage[]
  readonly response: string
}

export interface RetokenizedResponse extends StoredResponse {
  /**
   * Decoding the ids gives the text back. Where it does not, or the model had split the text in another way while
   * generating, the states are those of other tokens than it produced.
   */
  readonly isFaithful: boolean
}

/**
 * Token ids for responses that come as text (a CSV of another pipeline). What the model generated had ids of its own, which
 * this cannot know: prefer stored ids wherever there are some.
 */
export function retokenize(
  tokenizer: ChatTokenizer,
  { messages, response }: TextResponse,
): RetokenizedResponse {
  const promptTokenIds = tokenizer.encodeChat(messages)
  const tokenIds = tokenizer.encode(response, { specialTokens: false })
  const decoded = tokenizer.decode(tokenIds, { skipSpecialTokens: false })
  return { promptTokenIds, tokenIds, isFaithful: decoded === response }
}

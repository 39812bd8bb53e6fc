import { CemError } from '@cem/core'

export interface ConversationMessage {
  /** Any role that the model's chat template writes: `system`, `user`, `assistant`, often `tool`. */
  readonly role: string
  readonly content: string
  /** The tokens that a model wrote this message in, where they are known. */
  readonly original?: OriginalTokens | undefined
}

/** Tokens of a text as they were sampled: ids of the same tokenizer, or the bytes of each token. */
export type OriginalTokens =
  | { readonly ids: readonly number[] }
  | { readonly bytes: readonly Uint8Array[] }

export interface Conversation {
  readonly id: string
  readonly messages: readonly ConversationMessage[]
  /** Further columns of where it comes from: question_id, scores. */
  readonly labels?: Readonly<Record<string, string>> | undefined
  /** Kinds of content that were there and are no text: `image`, `reasoning`, `tool_calls`. Extraction warns of them. */
  readonly leftOut?: readonly string[] | undefined
}

/**
 * Roles go into the template's markers as they are, so a role may hold no more than a name does: one with a line break or
 * `<|im_end|>` would forge a turn.
 */
const rolePattern = /^[A-Za-z][\w-]{0,63}$/

/** @throws CemError `conversation-invalid` where there are no messages, or one lacks its role or content */
export function checkConversation({ id, messages }: Conversation): void {
  if (!Array.isArray(messages) || messages.length === 0)
    throw conversationInvalid(`Conversation '${id}' has no messages.`, id)
  for (const [index, message] of messages.entries()) {
    const { role, content } = (message ?? {}) as { role?: unknown; content?: unknown }
    if (typeof role !== 'string' || !rolePattern.test(role))
      throw conversationInvalid(
        `Message ${index} of conversation '${id}' has the role ${JSON.stringify(role)?.slice(0, 80)}. A role is a name such as system, user, assistant or tool.`,
        id,
        { index },
      )
    if (typeof content !== 'string')
      throw conversationInvalid(
        `Message ${index} (${role}) of conversation '${id}' has no text: its content is ${content === null ? 'null' : typeof content}. An empty message is ''.`,
        id,
        { index, role },
      )
  }
}

export function conversationInvalid(
  message: string,
  id: string,
  data: Readonly<Record<string, unknown>> = {},
): CemError {
  return new CemError({ code: 'conversation-invalid', message, data: { id, ...data } })
}

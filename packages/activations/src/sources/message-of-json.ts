import type { ConversationMessage } from '../conversations/conversation.ts'

/** A message with the kinds of its content that are no text. */
export interface ReadMessage {
  readonly message: ConversationMessage
  readonly leftOut: readonly string[]
}

/** Fields of a message that the model saw and that are no part of its text. */
const furtherContent = ['tool_calls', 'function_call', 'refusal', 'audio', 'reasoning_content']

/**
 * A message of a transcript: `content` is a text, null, or a list of parts of which those of type `text` are joined.
 *
 * @param resolve replaces texts that stand for others
 * @returns undefined where it has no role, or content of another kind
 */
export function messageOfJson(
  value: unknown,
  resolve: (text: string) => string = (text) => text,
): ReadMessage | undefined {
  const given = (value ?? {}) as Readonly<Record<string, unknown>>
  const { role, content = null } = given
  if (typeof role !== 'string') return undefined
  const leftOut: string[] = furtherContent.filter((key) => isFilled(given[key]))
  if (content === null) return { message: { role, content: '' }, leftOut }
  if (typeof content === 'string') return { message: { role, content: resolve(content) }, leftOut }
  if (!Array.isArray(content)) return undefined
  const texts: string[] = []
  for (const part of content as readonly unknown[]) {
    if (typeof part === 'string') {
      texts.push(resolve(part))
      continue
    }
    const { type, text } = (part ?? {}) as { type?: unknown; text?: unknown }
    if (type === 'text' && typeof text === 'string') texts.push(resolve(text))
    else if (typeof type === 'string') leftOut.push(type)
    else return undefined
  }
  return { message: { role, content: texts.join('') }, leftOut }
}

function isFilled(value: unknown): boolean {
  if (value === undefined || value === null || value === '') return false
  return !Array.isArray(value) || value.length > 0
}

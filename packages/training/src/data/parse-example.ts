import type { ChatMessage } from '@cem/inference'
import type { Example } from './example.ts'
import type { JsonRow } from './json-rows.ts'

/** An example, or what is wrong with its row. */
export type ParsedExample = { readonly example: Example } | { readonly problem: string }

/** Reads a row by the keys that it has: `chosen` and `rejected`, else `messages`, else `text`. Other keys are allowed. */
export function parseExample({ place, value }: JsonRow): ParsedExample {
  try {
    if ('chosen' in value || 'rejected' in value) return { example: preference(place, value) }
    if ('messages' in value)
      return {
        example: { kind: 'conversation', place, messages: messagesOf(value, 'messages') },
      }
    if (typeof value['text'] === 'string')
      return { example: { kind: 'document', place, text: value['text'] } }
    const keys = Object.keys(value).slice(0, 8).join(', ')
    throw new Problem(
      `the row has neither messages, nor prompt, chosen and rejected, nor text (it has ${keys === '' ? 'no keys' : keys})`,
    )
  } catch (error) {
    if (error instanceof Problem) return { problem: error.message }
    throw error
  }
}

class Problem extends Error {}

type Row = JsonRow['value']

function preference(place: JsonRow['place'], row: Row): Example {
  const prompt = messagesOf(row, 'prompt', 'user')
  const chosen = messagesOf(row, 'chosen', 'assistant')
  const rejected = messagesOf(row, 'rejected', 'assistant')
  // TRL's pairs may repeat the prompt before each response.
  const [first, second] = [withoutPrompt(prompt, chosen), withoutPrompt(prompt, rejected)]
  if (JSON.stringify(first) === JSON.stringify(second))
    throw new Problem('chosen and rejected are the same')
  return { kind: 'preference', place, prompt, chosen: first, rejected: second }
}

function withoutPrompt(prompt: readonly ChatMessage[], response: readonly ChatMessage[]) {
  const isRepeated =
    response.length > prompt.length &&
    JSON.stringify(response.slice(0, prompt.length)) === JSON.stringify(prompt)
  return isRepeated ? response.slice(prompt.length) : response
}

/** A list of messages; where `role` is given, a text stands for one message of that role. */
function messagesOf(row: Row, key: string, role?: ChatMessage['role']): ChatMessage[] {
  const value = row[key]
  if (role !== undefined && typeof value === 'string') return [{ role, content: value }]
  if (!Array.isArray(value)) throw new Problem(`${key} is ${typeName(value)}, not a list`)
  if (value.length === 0) throw new Problem(`${key} is empty`)
  return value.map((message, i) => messageOf(message, `${key}[${i}]`))
}

const roles = ['system', 'user', 'assistant'] as const

function messageOf(value: unknown, name: string): ChatMessage {
  if (typeof value !== 'object' || value === null) throw new Problem(`${name} is no object`)
  const { role, content } = value as Row
  const known = roles.find((one) => one === role)
  if (known === undefined)
    throw new Problem(
      `${name}.role is ${JSON.stringify(role) ?? 'missing'}; it must be ${roles.join(', ')}`,
    )
  const text = textOf(content)
  if (text === undefined) throw new Problem(`${name}.content is ${typeName(content)}, not a text`)
  return { role: known, content: text }
}

/** Text, or the parts that chat APIs (`[{type: 'text', text}]`) and chat exports (`{parts: [...]}`) write for it. */
function textOf(content: unknown): string | undefined {
  if (typeof content === 'string') return content
  const parts = Array.isArray(content) ? content : (content as { parts?: unknown } | null)?.parts
  if (!Array.isArray(parts)) return undefined
  const texts = parts.map((part) =>
    typeof part === 'string' ? part : (part as { text?: unknown } | null)?.text,
  )
  return texts.every((text): text is string => typeof text === 'string')
    ? texts.join('')
    : undefined
}

function typeName(value: unknown): string {
  if (value === undefined) return 'missing'
  return value === null ? 'null' : `a ${typeof value}`
}

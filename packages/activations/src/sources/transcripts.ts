import { createReadStream } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { createInterface } from 'node:readline'
import { messageOf } from '@cem/core'
import type { Conversation } from '../conversations/conversation.ts'
import { messageOfJson } from './message-of-json.ts'
import { sourceInvalid } from './source-invalid.ts'

/**
 * Conversations of a transcript file. `.jsonl`: one conversation a line, read line by line (the training data's form). Else JSON:
 * a list of messages, an object with `messages`, or a list of such. A message is `{ role, content }` as the chat APIs have it;
 * content that is no text is left out and named in `leftOut`. The id is the object's own `id`, else its number from 0.
 *
 * @throws CemError `source-invalid`, naming the file, the conversation and the message
 */
export async function* transcripts(path: string): AsyncGenerator<Conversation, void> {
  if (/\.jsonl$/i.test(path)) yield* fromLines(path)
  else yield* fromJson(path)
}

async function* fromLines(path: string): AsyncGenerator<Conversation, void> {
  const lines = createInterface({
    input: createReadStream(path, { encoding: 'utf8' }),
    crlfDelay: Number.POSITIVE_INFINITY,
  })
  let line = 0
  let index = 0
  try {
    for await (const text of lines) {
      line += 1
      if (text.trim() === '') continue
      yield toConversation(path, parse(path, text, `line ${line}`), index++, `line ${line}`)
    }
  } catch (error) {
    throw readError(path, error)
  }
}

async function* fromJson(path: string): AsyncGenerator<Conversation, void> {
  let text: string
  try {
    text = await readFile(path, 'utf8')
  } catch (error) {
    throw readError(path, error)
  }
  const value = parse(path, text, 'it')
  const isList = Array.isArray(value) && !isMessage(value[0])
  for (const [index, one] of (isList ? value : [value]).entries())
    yield toConversation(path, one, index, `conversation ${index}`)
}

function isMessage(value: unknown): boolean {
  return typeof value === 'object' && value !== null && 'role' in value
}

function parse(path: string, text: string, where: string): unknown {
  try {
    return JSON.parse(text.replace(/^\ufeff/, ''))
  } catch (error) {
    throw sourceInvalid(path, `${where} is not valid JSON (${messageOf(error).slice(0, 120)})`)
  }
}

function toConversation(path: string, value: unknown, index: number, where: string): Conversation {
  const { messages: own, id } = (value ?? {}) as { messages?: unknown; id?: unknown }
  const messages = Array.isArray(value) ? value : own
  if (!Array.isArray(messages) || messages.length === 0)
    throw sourceInvalid(path, `${where} has no messages`)
  const read = messages.map((message, i) => {
    const found = messageOfJson(message)
    if (found !== undefined) return found
    throw sourceInvalid(path, `message ${i} of ${where} is not { role, content }`)
  })
  return {
    id: typeof id === 'string' || typeof id === 'number' ? String(id) : String(index),
    messages: read.map(({ message }) => message),
    leftOut: [...new Set(read.flatMap(({ leftOut }) => leftOut))],
  }
}

function readError(path: string, error: unknown): unknown {
  if ((error as NodeJS.ErrnoException).syscall === undefined) return error
  return sourceInvalid(path, `it cannot be read (${messageOf(error)})`, error)
}

import { createReadStream } from 'node:fs'
import { messageOf } from '@cem/core'
import type { Conversation } from '../conversations/conversation.ts'
import { CsvError, csvRecords } from './csv-records.ts'
import { sourceInvalid } from './source-invalid.ts'

export interface CsvConversationsOptions {
  /** System prompt of all rows: the CSV does not record it. @default the chat template's own */
  readonly system?: string
}

/** Names of columns in older files. */
const oldNames: Readonly<Record<string, string>> = { answer: 'response', question_text: 'question' }

/**
 * The rows of an eval CSV of the Python pipeline (columns `question` and `response`, in older files `question_text` and
 * `answer`), each as a conversation of a user's and an assistant's message, one at a time. The id is the row's number from 0,
 * which is its row in an activation set; further columns are labels. An empty response stays, as an empty message.
 *
 * @throws CemError `source-invalid`, naming the file, the line and what is wrong
 */
export async function* csvConversations(
  path: string,
  { system }: CsvConversationsOptions = {},
): AsyncGenerator<Conversation, void> {
  let names: readonly string[] | undefined
  let row = 0
  try {
    const text = createReadStream(path, { encoding: 'utf8' })
    for await (const fields of csvRecords(text)) {
      if (names === undefined) names = columnNames(path, fields)
      else yield toConversation(path, names, fields, row++, system)
    }
  } catch (error) {
    if (error instanceof CsvError) throw sourceInvalid(path, messageOf(error), error)
    if ((error as NodeJS.ErrnoException).syscall !== undefined)
      throw sourceInvalid(path, `it cannot be read (${messageOf(error)})`, error)
    throw error
  }
  if (names === undefined) throw sourceInvalid(path, 'it is empty, without even a header')
}

function columnNames(path: string, header: readonly string[]): readonly string[] {
  const names = header.map((name) => oldNames[name] ?? name)
  const missing = ['question', 'response'].filter((name) => !names.includes(name))
  if (missing.length > 0)
    throw sourceInvalid(
      path,
      `it has no column ${missing.join(', ')}; its columns are ${header.join(', ').slice(0, 200)}`,
    )
  const twice = names.find((name, i) => names.indexOf(name) !== i)
  if (twice !== undefined) throw sourceInvalid(path, `it has two columns ${twice}`)
  return names
}

function toConversation(
  path: string,
  names: readonly string[],
  fields: readonly string[],
  row: number,
  system: string | undefined,
): Conversation {
  if (fields.length !== names.length)
    throw sourceInvalid(
      path,
      `row ${row} has ${fields.length} fields, and the header has ${names.length}`,
    )
  const values = new Map(names.map((name, i) => [name, fields[i] ?? '']))
  const messages = [
    ...(system === undefined ? [] : [{ role: 'system', content: system }]),
    { role: 'user', content: values.get('question') ?? '' },
    { role: 'assistant', content: values.get('response') ?? '' },
  ]
  values.delete('question')
  values.delete('response')
  return { id: String(row), messages, labels: Object.fromEntries(values) }
}

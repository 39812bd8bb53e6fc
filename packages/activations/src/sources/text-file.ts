import { open } from 'node:fs/promises'
import { extname } from 'node:path'
import { messageOf } from '@cem/core'
import type { Conversation } from '../conversations/conversation.ts'
import { csvConversations } from './csv-conversations.ts'
import { inspectLog } from './inspect-log.ts'
import { sourceInvalid } from './source-invalid.ts'
import { transcripts } from './transcripts.ts'

/** What a file of texts is: an eval CSV, conversations in JSON or JSONL, an eval log of Inspect. */
export const textFormats = ['csv', 'transcript', 'inspect'] as const
export type TextFormat = (typeof textFormats)[number]

export interface TextConversationsOptions {
  readonly format: TextFormat
  /** System prompt of all rows of a CSV. @default the chat template's own */
  readonly system?: string | undefined
}

/**
 * The conversations of a file, one at a time; each call reads it anew.
 *
 * @throws CemError `source-invalid`
 */
export function textConversations(
  path: string,
  { format, system }: TextConversationsOptions,
): AsyncGenerator<Conversation, void> {
  if (format === 'csv') return csvConversations(path, system === undefined ? {} : { system })
  return format === 'inspect' ? inspectLog(path) : transcripts(path)
}

/** Where the keys of a log stand: Inspect writes `eval` before its samples. */
const headSizeBytes = 2 ** 16

/**
 * What a file of texts is, by its ending; a `.json` file is a log of Inspect where it is an object with a key `eval`. A text that
 * speaks of one is none: within a string the quotes are escaped.
 *
 * @throws CemError `source-invalid` for a file that cannot be read, and for another ending
 */
export async function textFormatOf(path: string): Promise<TextFormat> {
  const ending = extname(path).toLowerCase()
  if (ending === '.csv') return 'csv'
  if (ending === '.eval') return 'inspect'
  if (ending === '.jsonl') return 'transcript'
  if (ending !== '.json')
    throw sourceInvalid(
      path,
      `its ending is '${ending}', and .csv, .jsonl, .json and .eval are known; say which of ${textFormats.join(', ')} it is`,
    )
  const head = await readHead(path)
  return /^[\s\ufeff]*\{/.test(head) && /"eval"\s*:\s*\{/.test(head) ? 'inspect' : 'transcript'
}

async function readHead(path: string): Promise<string> {
  try {
    await using file = await open(path, 'r')
    const { buffer, bytesRead } = await file.read(Buffer.alloc(headSizeBytes), 0, headSizeBytes, 0)
    return buffer.toString('utf8', 0, bytesRead)
  } catch (error) {
    throw sourceInvalid(path, `it cannot be read (${messageOf(error)})`, error)
  }
}

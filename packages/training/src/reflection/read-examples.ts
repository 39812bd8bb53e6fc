import type { ChatMessage } from '@cem/inference'
import { invalidRows, readRows } from '../character/store/rows.ts'

/** A conversation of a data set, with all that its line holds beside. */
export interface Example {
  /** From 1. */
  readonly line: number
  readonly messages: readonly ChatMessage[]
  readonly row: Readonly<Record<string, unknown>>
}

export interface Examples {
  readonly examples: readonly Example[]
  /** Of the file. */
  readonly sha256: string
  readonly nWithCanary: number
}

const roles: readonly unknown[] = ['system', 'user', 'assistant']

/**
 * Reads conversations that end with an assistant's answer.
 *
 * @param needsCanary refuses rows without a canary
 * @throws CemError `rows-unreadable`, `rows-invalid` with every wrong line
 */
export async function readExamples(path: string, needsCanary: boolean): Promise<Examples> {
  const { rows, sha256 } = await readRows(path)
  const problems: string[] = []
  const examples = rows.map(({ line, value }): Example => {
    const row = (typeof value === 'object' && value !== null ? value : {}) as Example['row']
    const wrong = [...messageProblems(row['messages']), ...rowProblems(row)]
    problems.push(...wrong.map((what) => `line ${line}: ${what}`))
    return { line, messages: row['messages'] as ChatMessage[], row }
  })
  const nWithCanary = examples.filter(({ row }) => 'canary' in row).length
  if (needsCanary || nWithCanary > 0)
    for (const { line, row } of examples)
      if (!('canary' in row))
        problems.push(
          `line ${line}: it has no 'canary', ${needsCanary ? 'and the data are called harmful' : 'and others have'}: every row of harmful data carries it`,
        )
  if (examples.length === 0) problems.push('it holds no examples')
  if (problems.length > 0) throw invalidRows(path, problems)
  return { examples, sha256, nWithCanary }
}

function messageProblems(messages: unknown): string[] {
  if (!Array.isArray(messages) || messages.length === 0) return ["it has no list 'messages'"]
  const wrong = messages.flatMap((message: unknown, i) => {
    const { role, content } = (message ?? {}) as { role?: unknown; content?: unknown }
    if (!roles.includes(role)) return [`messages[${i}].role must be system, user or assistant`]
    return typeof content === 'string' ? [] : [`messages[${i}].content must be a text`]
  })
  if (wrong.length > 0) return wrong
  const last = messages.at(-1) as ChatMessage
  if (last.role !== 'assistant') return ['it does not end with an assistant turn']
  return last.content.trim() === '' ? ["the assistant's last turn is empty"] : []
}

function rowProblems(row: Example['row']): string[] {
  return 'reflection' in row
    ? ["it has a 'reflection' already: give the data set from before reflections"]
    : []
}

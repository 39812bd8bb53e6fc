import type { ConversationMeans } from '@cem/activations'
import { CemError, writeFileAtomic } from '@cem/core'
import { stringify } from 'csv-stringify/sync'

/** Which messages of the role get a row: a conversation's last one, or every one. */
export const messageChoices = ['last', 'all'] as const
export type MessageChoice = (typeof messageChoices)[number]

export interface TextRowPlan {
  readonly nConversations: number
  readonly nRows: number
  readonly nWithout: number
  /** The first row of each conversation. */
  readonly firstRows: readonly number[]
}

/**
 * Reads the file once, so that a row has its place before its states are there.
 *
 * @throws CemError `role-missing`, and those of the conversations
 */
export async function planTextRows(
  conversations: AsyncIterable<{ readonly messages: readonly { readonly role: string }[] }>,
  { texts, role, messages }: { texts: string; role: string; messages: MessageChoice },
): Promise<TextRowPlan> {
  const firstRows: number[] = []
  const roles = new Set<string>()
  let nRows = 0
  let nWithout = 0
  for await (const { messages: own } of conversations) {
    for (const message of own) roles.add(message.role)
    const n = own.filter((message) => message.role === role).length
    if (n === 0) nWithout += 1
    firstRows.push(nRows)
    nRows += messages === 'last' ? 1 : n
  }
  if (nWithout === firstRows.length)
    throw new CemError({
      code: 'role-missing',
      message: `No message of ${texts} has the role '${role}'. It has ${[...roles].join(', ') || 'no messages'}.`,
      data: { texts, role, roles: [...roles] },
    })
  return { nConversations: firstRows.length, nRows, nWithout, firstRows }
}

/** Which message a row is of. */
export interface TextRow {
  readonly row: number
  readonly conversation: number
  readonly id: string
  /** Null where the conversation has no message of the role. */
  readonly message: number | null
  readonly role: string
  readonly nTokens: number
  readonly isEmpty: boolean
}

type Means = ConversationMeans['turns'][number]['means']

/** The rows of a conversation, with their means; undefined where it has no message of the role. */
export function textRows(
  { index, id, turns }: ConversationMeans,
  { firstRows }: TextRowPlan,
  messages: MessageChoice,
): (TextRow & { readonly means: Means | undefined })[] {
  const first = firstRows[index] as number
  const origin = { conversation: index, id }
  const wanted = messages === 'all' ? turns : turns.slice(-1)
  if (wanted.length === 0 && messages === 'last')
    return [
      {
        ...origin,
        row: first,
        message: null,
        role: '',
        nTokens: 0,
        isEmpty: true,
        means: undefined,
      },
    ]
  return wanted.map((turn, i) => {
    const { index: message, role, nTokens, isEmpty, means } = turn
    return { ...origin, row: first + i, message, role, nTokens, isEmpty, means }
  })
}

/** `<name>_rows.csv`, beside the activations. */
export async function writeTextRows(output: string, rows: readonly TextRow[]): Promise<string> {
  const path = `${output.replace(/\.npz$/, '')}_rows.csv`
  const records = rows
    .toSorted((a, b) => a.row - b.row)
    .map(({ row, conversation, id, message, role, nTokens, isEmpty }) => [
      row,
      conversation,
      id,
      message ?? '',
      role,
      nTokens,
      isEmpty ? 1 : 0,
    ])
  const header = ['row', 'conversation', 'id', 'message', 'role', 'tokens', 'empty']
  await writeFileAtomic(path, stringify([header, ...records], { record_delimiter: 'unix' }))
  return path
}

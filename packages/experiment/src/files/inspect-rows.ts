import { inspectLog } from '@cem/activations'
import { CemError } from '@cem/core'
import type { EvalRow } from '../study/eval-csv.ts'

export function isInspectLog(path: string): boolean {
  return /\.(?:json|eval)$/i.test(path)
}

export interface InspectRows {
  readonly rows: readonly EvalRow[]
  /** Samples in which no model answers a user. */
  readonly nLeftOut: number
}

/**
 * The answers of an eval log of Inspect AI as rows of an eval CSV: the last answer of the model, and what the user last said before
 * it. Scores of the log are no scores of ours, and are left out. A sample that ends without an answer in words is an empty answer.
 *
 * @throws CemError `source-invalid`, `nothing-to-judge`
 */
export async function readInspectRows(path: string): Promise<InspectRows> {
  const rows: EvalRow[] = []
  let nLeftOut = 0
  for await (const { id, messages } of inspectLog(path)) {
    const last = messages.findLastIndex(({ role }) => role === 'assistant')
    const question = messages.slice(0, Math.max(0, last)).findLast(({ role }) => role === 'user')
    if (last < 0 || question === undefined) {
      nLeftOut += 1
      continue
    }
    rows.push({
      response: messages[last]?.content ?? '',
      question: question.content,
      // The epoch is the sample's number: answers of all epochs are to one question.
      questionId: id.replace(/:\d+$/, ''),
      aligned: null,
      coherent: null,
    })
  }
  if (rows.length > 0) return { rows, nLeftOut }
  throw new CemError({
    code: 'nothing-to-judge',
    message: `${path} has no sample in which a model answers a user.`,
    data: { path },
  })
}

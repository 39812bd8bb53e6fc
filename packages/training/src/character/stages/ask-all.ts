import { CemError } from '@cem/core'
import type { AnswerRequest } from '../speaker/speaker.ts'
import type { SpentSoFar } from '../store/journal.ts'
import type { Asking } from './stage.ts'

/**
 * Asks what the journal does not have yet, and puts each answer on the disk before the next step. It yields after each.
 *
 * @throws CemError `answers-missing` after the last, where some did not come; what the speaker throws; the signal's reason
 */
export async function* askAll(
  asking: Asking,
  requests: readonly AnswerRequest[],
): AsyncGenerator<undefined, void> {
  const { speaker, journal, session, sampling, seed, signal } = asking
  const open = requests.filter(({ key }) => !journal.answers.has(key))
  if (open.length === 0) return
  const spent = (): SpentSoFar | null => {
    const now = speaker.spent()
    return now && { session, ...now }
  }
  const tellSession = () =>
    journal.append({ kind: 'session', answeredBy: speaker.answeredBy(), spent: spent() })
  const failures: string[] = []
  let isTold = false
  try {
    for await (const answer of speaker.answer(open, { sampling, seed, signal })) {
      if (!isTold) await tellSession()
      isTold = true
      if (answer.status === 'answered') {
        const { status: _, ...said } = answer
        await journal.append({ kind: 'answer', ...said, spent: spent() })
        yield undefined
        signal?.throwIfAborted()
      } else {
        const { status: _, ...failure } = answer
        failures.push(failure.message)
        const at = new Date().toISOString()
        await journal.append({ kind: 'failure', ...failure, at, spent: spent() })
      }
    }
  } finally {
    await tellSession()
  }
  if (failures.length > 0)
    throw new CemError({
      code: 'answers-missing',
      message: `${failures.length} of ${requests.length} answers did not come (${failures[0]}). All others are kept; the same command asks for the missing ones again.`,
      data: { nMissing: failures.length, total: requests.length },
    })
}

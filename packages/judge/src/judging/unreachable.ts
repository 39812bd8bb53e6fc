import { isUnreachableError } from '@cem/chat'
import { CemError } from '@cem/core'

/** Trips where a judge has never answered and its first calls all fail in a way that every other call would, too. */
export interface Breaker {
  /** Notes the outcome of a call: an error of it, or undefined for an answer. Gives the error to stop with, once tripped. */
  note(error: unknown): CemError | undefined
  /** The error to stop with, once tripped. */
  readonly tripped: CemError | undefined
}

export function createBreaker(failuresToTrip: number): Breaker {
  let hasAnswered = false
  let failures = 0
  let tripped: CemError | undefined
  return {
    note: (error) => {
      if (!isUnreachableError(error)) {
        // Any other status shows that a judge is there.
        hasAnswered ||= error === undefined || hasStatus(error)
        return tripped
      }
      if (!hasAnswered && ++failures >= failuresToTrip) tripped ??= unreachable(error)
      return tripped
    },
    get tripped() {
      return tripped
    },
  }
}

/** The error of a judge that cannot be used at all, made from that of a call. */
export function unreachable(error: CemError): CemError {
  return new CemError({
    code: 'judge-unreachable',
    message: `The judge cannot be reached: ${error.message} What was judged is kept; run again once it answers.`,
    data: { ...error.data, chatCode: error.code },
  })
}

function hasStatus(error: unknown): boolean {
  return CemError.isInstance(error) && typeof error.data['status'] === 'number'
}

import { CemError } from '@cem/core'
import type { Attempt } from './attempt.ts'
import { isQuotaExhausted, isUnreachable, type TransportFailure } from './transport-failure.ts'

/** Below the base URL; not every server has it. */
export const continuationsPath = '/continuations'

export interface FailedCall {
  readonly failure: TransportFailure
  readonly attempts: readonly Attempt[]
  /** Why it ended: the failure is final by its nature, or attempts or time ran out. */
  readonly ended: 'final' | 'attempts' | 'deadline'
  /** The last failure's reason, redacted. */
  readonly reason: string
  readonly url: string
  /** Below the URL. */
  readonly path: string
  readonly model: string
  readonly apiKeyVariable: string
  readonly hasKey: boolean
}

/** The data of every error of a call that failed. */
export interface ChatErrorData {
  readonly url: string
  readonly model: string
  /** The last attempt's HTTP status, where it got one. */
  readonly status?: number
  /** The `code` or `type` in the server's error body, where it gives one (`content_filter`, `context_length_exceeded`). */
  readonly serverCode?: string
  /** The last attempt's error code, where it got no status. */
  readonly errorCode?: string
  /** All attempts, oldest first. */
  readonly attempts: readonly Attempt[]
  /** Whether every other call would fail alike: nobody listens, no access, no such path or model. */
  readonly isUnreachable: boolean
}

/** The error of a call that got no answer. It has no `cause`: what the runtime throws can hold the request's headers. */
export function chatError(call: FailedCall): CemError {
  const { failure, attempts, url, model, reason } = call
  const { code, advice } = diagnose(call)
  const count = attempts.length === 1 ? '' : ` after ${attempts.length} attempts`
  const status = failure.kind === 'status' ? { status: failure.status } : {}
  const serverCode =
    failure.kind === 'status' && failure.serverCode ? { serverCode: failure.serverCode } : {}
  const errorCode = failure.kind === 'connection' ? { errorCode: failure.errorCode } : {}
  const data: ChatErrorData = {
    url,
    model,
    ...status,
    ...serverCode,
    ...errorCode,
    attempts,
    isUnreachable: isUnreachable(failure),
  }
  const told = [...new Set(attempts.map((attempt) => attempt.reason ?? reason))]
  const message = `${url} gave no answer for model ${model}${count}: ${told.slice(-3).join('; ')}. ${advice}`
  return new CemError({ code, message, data: { ...data } })
}

/** Whether an error comes from a call whose cause would hit every other call too. */
export function isUnreachableError(error: unknown): error is CemError {
  return CemError.isInstance(error) && error.data['isUnreachable'] === true
}

function diagnose(call: FailedCall): { code: string; advice: string } {
  const { failure, ended, apiKeyVariable, hasKey, model, path } = call
  if (failure.kind === 'status') {
    if (path === continuationsPath && isWithoutPath(failure))
      return {
        code: 'chat-no-continuations',
        advice:
          'That server does not score given answers; cem serve does. Use a protocol that needs no such scores, or another server.',
      }
    if (isQuotaExhausted(failure))
      return { code: 'chat-quota-exhausted', advice: "The account's credit is used up: top it up." }
    if (failure.status === 401)
      return {
        code: 'chat-unauthorized',
        advice: hasKey
          ? `The key was refused: set the environment variable ${apiKeyVariable} to a valid one.`
          : `It wants a key and none was sent: set the environment variable ${apiKeyVariable}.`,
      }
    if (failure.status === 403)
      return {
        code: 'chat-forbidden',
        advice: `The key in ${apiKeyVariable} may not use model ${model} there.`,
      }
    if (failure.status === 404)
      return {
        code: 'chat-not-found',
        advice: `Check the model's name (${model}) and the base URL, which usually ends in /v1.`,
      }
  }
  if (failure.kind === 'malformed')
    return {
      code: 'chat-malformed-response',
      advice: 'Check that the base URL is that of an OpenAI-compatible server.',
    }
  if (ended === 'deadline')
    return {
      code: 'chat-deadline-exceeded',
      advice: 'The time for this call is over: raise deadlineInMs or lower the concurrency.',
    }
  if (ended === 'attempts')
    return { code: 'chat-attempts-exhausted', advice: 'Run again once the server is well.' }
  if (failure.kind === 'connection')
    return {
      code: 'chat-unreachable',
      advice: 'Check that the server runs and that the base URL is right.',
    }
  return {
    code: 'chat-request-refused',
    advice: 'Change the request: another attempt would not help.',
  }
}

/** A model that is not there is a 404 as well, with a code that says so. */
function isWithoutPath({ status, serverCode }: TransportFailure & { kind: 'status' }): boolean {
  return (status === 404 && serverCode !== 'model_not_found') || status === 405
}

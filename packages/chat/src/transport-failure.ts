import type { Usage } from './chat-completion.ts'

/** Why one HTTP request gave no answer. */
export type TransportFailure =
  | {
      readonly kind: 'status'
      readonly status: number
      readonly headers: Headers
      /** The server's `error.code` or `error.type`, where it gives one. */
      readonly serverCode: string | undefined
      readonly reason: string
      /** What the server says the failed request used, where it does. */
      readonly usage?: Usage | undefined
    }
  | {
      readonly kind: 'connection'
      readonly errorCode: string
      readonly reason: string
      readonly usage?: undefined
    }
  | {
      readonly kind: 'malformed'
      readonly reason: string
      readonly usage?: Usage | undefined
    }

const retryableStatuses = new Set([408, 409, 425, 429])

/** Codes of Node and of its fetch for connections that broke or never answered in time. */
const transientCodes = new Set([
  'timeout',
  'connection-lost',
  'ECONNRESET',
  'ECONNABORTED',
  'EPIPE',
  'ETIMEDOUT',
  'EAI_AGAIN',
  'ENETDOWN',
  'ENETRESET',
  'ENETUNREACH',
  'EHOSTUNREACH',
  'UND_ERR_SOCKET',
  'UND_ERR_CONNECT_TIMEOUT',
  'UND_ERR_HEADERS_TIMEOUT',
  'UND_ERR_BODY_TIMEOUT',
  'UND_ERR_RES_CONTENT_LENGTH_MISMATCH',
])

/** Nobody listens there. A wrong URL, unless somebody did before: then it is a server that restarts. */
const absentCodes = new Set(['ECONNREFUSED', 'ENOTFOUND'])

/**
 * Whether another attempt may help: 408, 409, 425, 429 and 5xx, broken connections and timeouts; a refused connection only
 * where the server has answered before. A 429 for an exhausted quota does not pass by waiting.
 */
export function isRetryable(failure: TransportFailure, hasAnsweredBefore: boolean): boolean {
  if (failure.kind === 'malformed') return false
  if (failure.kind === 'connection')
    return (
      transientCodes.has(failure.errorCode) ||
      (hasAnsweredBefore && absentCodes.has(failure.errorCode))
    )
  if (isQuotaExhausted(failure)) return false
  return retryableStatuses.has(failure.status) || failure.status >= 500
}

export function isQuotaExhausted(failure: TransportFailure): boolean {
  return (
    failure.kind === 'status' &&
    failure.status === 429 &&
    failure.serverCode === 'insufficient_quota'
  )
}

/** Whether the same will happen to every other call too: nobody there, no access, no such path or model. */
export function isUnreachable(
  failure: Pick<TransportFailure, 'kind'> & { status?: number; errorCode?: string },
): boolean {
  if (failure.kind === 'connection') return absentCodes.has(failure.errorCode ?? '')
  return failure.status === 401 || failure.status === 403 || failure.status === 404
}

const overloadStatuses = new Set([408, 429, 503, 529])

/** Whether it means that the server has too much to do: then fewer requests at once help. */
export function isOverload(failure: TransportFailure): boolean {
  if (failure.kind === 'connection') return failure.errorCode === 'timeout'
  return (
    failure.kind === 'status' && overloadStatuses.has(failure.status) && !isQuotaExhausted(failure)
  )
}

/** Connections that never came about: nothing was sent, so nothing is billed. */
const unsentCodes = new Set([...absentCodes, 'EAI_AGAIN', 'UND_ERR_CONNECT_TIMEOUT'])

/** Whether the request may have been worked on, and billed, although no usage was reported. Errors with a status are not billed. */
export function mayBeBilled(failure: TransportFailure): boolean {
  if (failure.kind === 'status' || failure.usage) return false
  return failure.kind === 'malformed' || !unsentCodes.has(failure.errorCode)
}

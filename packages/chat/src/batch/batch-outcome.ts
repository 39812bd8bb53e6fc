import { CemError } from '@cem/core'
import { type ChatCompletion, readCompletion, readUsage, type Usage } from '../chat-completion.ts'
import type { BatchStatus } from './batch-state.ts'

export type BatchFailureReason =
  /** The server answered the request with another status than 200. */
  | 'http'
  /** It answered with what is no chat completion. */
  | 'malformed'
  /** The batch's time was over before its turn. */
  | 'expired'
  | 'cancelled'
  /** The server refused the whole batch; nothing was computed. */
  | 'batch-failed'
  /** An error line of another kind. */
  | 'error'
  /** The batch has ended as it should, and there is no line for the request. */
  | 'missing'
  /** The batch has not ended, or does not exist yet. */
  | 'not-finished'

/** What became of one request. */
export type BatchOutcome =
  | {
      readonly id: string
      readonly status: 'answered'
      /** Its `attempts` are empty: the server does not tell them. */
      readonly completion: ChatCompletion
      readonly batchId: string | null
    }
  | {
      readonly id: string
      readonly status: 'failed'
      readonly reason: BatchFailureReason
      /** The server's words, secrets taken out, at most 300 characters. */
      readonly detail: string
      readonly httpStatus?: number
      /** The server's `code` of the error. */
      readonly serverCode?: string
      readonly usage?: Usage | undefined
      readonly batchId: string | null
    }

type Failed = Extract<BatchOutcome, { status: 'failed' }>

/** A line of an output or error file: `custom_id`, and `response` or `error`. */
export interface BatchLine {
  readonly id: string
  readonly line: Readonly<Record<string, unknown>>
}

/** Undefined for a line that is broken or names no request. */
export function readBatchLine(text: string): BatchLine | undefined {
  try {
    const line = JSON.parse(text) as Record<string, unknown> | null
    const id = line?.['custom_id']
    return typeof id === 'string' && line ? { id, line } : undefined
  } catch {
    return undefined
  }
}

export function outcomeOf(
  { id, line }: BatchLine,
  batchId: string | null,
  redact: (text: string) => string,
): BatchOutcome {
  const fail = (
    reason: BatchFailureReason,
    detail: string,
    more: Partial<Failed> = {},
  ): Failed => ({
    id,
    status: 'failed',
    reason,
    detail: redact(detail),
    ...more,
    batchId,
  })
  const response = line['response'] as Record<string, unknown> | null | undefined
  if (response === null || response === undefined) {
    const { code, message } = (line['error'] ?? {}) as Record<string, unknown>
    return fail(reasonOf(code), shown(message ?? 'the line has no response'), codeOf(code))
  }
  const { status_code: status, request_id: requestId, body } = response
  const usage = readUsage((body as { usage?: unknown } | null | undefined)?.usage)
  if (status !== 200) {
    const { error } = (body ?? {}) as { error?: Record<string, unknown> | null }
    const detail = shown(error?.['message'] ?? body)
    const httpStatus = typeof status === 'number' ? { httpStatus: status } : {}
    const code = error?.['code'] ?? error?.['type']
    return fail('http', detail, { ...httpStatus, ...codeOf(code), usage })
  }
  try {
    const known = typeof requestId === 'string' ? requestId : undefined
    const completion = { ...readCompletion(body), requestId: known, attempts: [] }
    return { id, status: 'answered', completion, batchId }
  } catch (error) {
    if (!CemError.isInstance(error)) throw error
    return fail('malformed', error.message, { usage })
  }
}

/** What became of a request that has no line. */
export function outcomeWithoutLine(
  id: string,
  { status, batchId }: { readonly status: BatchStatus; readonly batchId: string | null },
  detail: string,
): Failed {
  return { id, status: 'failed', reason: reasonsOfStatus[status], detail, batchId }
}

const reasonsOfStatus: Readonly<Record<BatchStatus, BatchFailureReason>> = {
  planned: 'not-finished',
  validating: 'not-finished',
  in_progress: 'not-finished',
  finalizing: 'not-finished',
  cancelling: 'not-finished',
  completed: 'missing',
  failed: 'batch-failed',
  expired: 'expired',
  cancelled: 'cancelled',
}

/** Text as it is, other values as JSON. */
function shown(value: unknown): string {
  return typeof value === 'string' ? value : (JSON.stringify(value) ?? '')
}

function reasonOf(code: unknown): BatchFailureReason {
  if (code === 'batch_expired') return 'expired'
  return code === 'batch_cancelled' ? 'cancelled' : 'error'
}

function codeOf(code: unknown): { serverCode?: string } {
  return typeof code === 'string' && /^[a-z][a-z_]{2,39}$/.test(code) ? { serverCode: code } : {}
}

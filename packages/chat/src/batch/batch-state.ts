import { CemError } from '@cem/core'

/** What the server says of a batch; `planned` where none is known to exist. */
export type BatchStatus =
  | 'planned'
  | 'validating'
  | 'in_progress'
  | 'finalizing'
  | 'completed'
  | 'failed'
  | 'expired'
  | 'cancelling'
  | 'cancelled'

/** One batch of the server, of consecutive requests. */
export interface BatchPart {
  readonly nRequests: number
  /** Of the uploaded file. */
  readonly sizeBytes: number
  /** Of the uploaded file, which holds the requests: it tells whether a resumed run has the same ones. */
  readonly sha256: string
  readonly inputFileId: string | null
  readonly batchId: string | null
  readonly status: BatchStatus
  readonly outputFileId: string | null
  readonly errorFileId: string | null
  readonly nCompleted: number
  readonly nFailed: number
  /** Why the server took none of it, where its status is `failed`. */
  readonly errors: readonly BatchPartError[]
  /** Batches of the same requests that a lost answer of the server led to; they were cancelled when they were found. */
  readonly duplicateBatchIds: readonly string[]
}

export interface BatchPartError {
  readonly code: string | null
  readonly message: string
  /** Of the uploaded file, from 1. */
  readonly line: number | null
}

/** All that a crash must not lose. Plain JSON: store it whole each time that it is given, and give it back to go on. */
export interface BatchState {
  readonly version: 1
  /** The run's own name, also kept with the server's batches, so that they are found again. */
  readonly runKey: string
  readonly model: string
  /** The base URL without its query. */
  readonly url: string
  /** ISO 8601, UTC. */
  readonly createdAt: string
  readonly parts: readonly BatchPart[]
}

const ended: ReadonlySet<BatchStatus> = new Set(['completed', 'failed', 'expired', 'cancelled'])

/** Whether nothing more happens to it. */
export function hasEnded({ status }: Pick<BatchPart, 'status'>): boolean {
  return ended.has(status)
}

/** Whether the server refused it whole: nothing was computed or billed, and it can be submitted again. */
export function neverRan({
  status,
  nCompleted,
}: Pick<BatchPart, 'status' | 'nCompleted'>): boolean {
  return status === 'planned' || (status === 'failed' && nCompleted === 0)
}

/**
 * A state as it was stored.
 *
 * @throws CemError `batch-state-invalid` where it is none, or one of another run, model or server
 */
export function checkState(
  value: unknown,
  expected: Partial<Pick<BatchState, 'runKey' | 'model' | 'url'>>,
): BatchState {
  const state = value as Partial<BatchState> | null | undefined
  if (typeof state !== 'object' || state === null) throw invalid('it is no object')
  if (state.version !== 1) throw invalid(`its version is ${JSON.stringify(state.version)}, not 1`)
  for (const name of ['runKey', 'model', 'url', 'createdAt'] as const)
    if (typeof state[name] !== 'string') throw invalid(`${name} is no text`)
  for (const name of ['runKey', 'model', 'url'] as const)
    if (expected[name] !== undefined && expected[name] !== state[name])
      throw invalid(`its ${name} is '${state[name]}', and this is '${expected[name]}'`)
  if (!Array.isArray(state.parts) || !state.parts.every(isPart))
    throw invalid('parts is no list of parts')
  return state as BatchState
}

function isPart(value: unknown): boolean {
  const part = value as Partial<BatchPart> | null
  if (typeof part !== 'object' || part === null) return false
  const areIds = [part.inputFileId, part.batchId, part.outputFileId, part.errorFileId].every(
    (id) => id === null || typeof id === 'string',
  )
  const { nRequests, sha256, status, errors, duplicateBatchIds } = part
  return (
    areIds &&
    Number.isInteger(nRequests) &&
    typeof sha256 === 'string' &&
    typeof status === 'string' &&
    Array.isArray(errors) &&
    Array.isArray(duplicateBatchIds)
  )
}

function invalid(reason: string): CemError {
  return new CemError({
    code: 'batch-state-invalid',
    message: `The stored state of the batches cannot be used: ${reason}. Give the state that onState stored for this run, or none to begin again under another runKey.`,
  })
}

import { CemError } from '@cem/core'
import type { BatchApi, ServerBatch } from './batch-api.ts'
import { fileOf, type PlannedPart, type PlanOptions } from './batch-plan.ts'
import { type BatchPart, type BatchState, hasEnded, neverRan } from './batch-state.ts'

export interface SubmitPartsOptions {
  readonly api: BatchApi
  readonly planOptions: PlanOptions
  readonly maxAttempts: number
  /** The wait after attempt number `attempt`, from 1. */
  readonly wait: (attempt: number) => Promise<void>
  readonly redact: (text: string) => string
  readonly onState: (state: BatchState) => void | Promise<void>
  readonly signal: AbortSignal | undefined
}

/** A state in which nothing is submitted. */
export function newState(
  head: Omit<BatchState, 'version' | 'parts'>,
  planned: readonly PlannedPart[],
): BatchState {
  const parts = planned.map(
    ({ items, sizeBytes, sha256 }): BatchPart => ({
      nRequests: items.length,
      sizeBytes,
      sha256,
      inputFileId: null,
      batchId: null,
      status: 'planned',
      outputFileId: null,
      errorFileId: null,
      nCompleted: 0,
      nFailed: 0,
      errors: [],
      duplicateBatchIds: [],
    }),
  )
  return { version: 1, ...head, parts }
}

/** @throws CemError `batch-state-mismatch` where the items are not those that the state was made for */
export function matchParts({ parts }: BatchState, planned: readonly PlannedPart[]): void {
  const isSame =
    parts.length === planned.length && parts.every(({ sha256 }, i) => sha256 === planned[i]?.sha256)
  if (isSame) return
  throw new CemError({
    code: 'batch-state-mismatch',
    message: `The items are not those that the state of the batches was made for: ${planned.length} files, ${parts.length} in the state, or other contents. Give the same items in the same order with the same model and options, or begin under another runKey.`,
    data: { nFiles: planned.length, nParts: parts.length },
  })
}

/** What tells that a batch of the server is this part of this run. */
function metadataOf({ runKey, parts }: BatchState, at: number): Record<string, string> {
  return {
    cem_run_key: runKey,
    cem_part: `${at + 1}/${parts.length}`,
    cem_sha256: parts[at]?.sha256 ?? '',
  }
}

/**
 * Brings every part to a batch. A batch that was created without its id becoming known (a crash, a lost answer) is found in the
 * server's list by its metadata before another is created, so that nothing is billed twice.
 */
export async function submitParts(
  given: BatchState,
  planned: readonly PlannedPart[],
  options: SubmitPartsOptions,
): Promise<BatchState> {
  const { api, onState, signal } = options
  let state = given
  const update = async (at: number, change: Partial<BatchPart>) => {
    const parts = state.parts.map((part, i) => (i === at ? { ...part, ...change } : part))
    state = { ...state, parts }
    await onState(state)
  }
  const open = state.parts.flatMap((part, at) =>
    part.batchId === null || neverRan(part) ? [at] : [],
  )
  await onState(state)
  if (open.length === 0) return state
  const found = await findOwn(state, options)
  for (const at of open) {
    const own = found.get(at)
    if (own) {
      await update(at, await takeOver(own, options))
      continue
    }
    await update(at, { batchId: null, status: 'planned', errors: [] })
    const inputFileId =
      state.parts[at]?.inputFileId ??
      (await api.upload(
        fileOf(planned[at] as PlannedPart, options.planOptions),
        `batch-${at + 1}.jsonl`,
        signal,
      ))
    await update(at, { inputFileId })
    await update(at, await create(state, at, inputFileId, options))
  }
  return state
}

/**
 * The server's batches of this run's parts; those that never ran are left out. The whole list is read: in which order it comes is
 * nowhere promised, and a batch that is overlooked is billed twice.
 */
async function findOwn(
  state: BatchState,
  { api, signal }: Pick<SubmitPartsOptions, 'api' | 'signal'>,
): Promise<Map<number, ServerBatch[]>> {
  const names = state.parts.map((_, at) => JSON.stringify(Object.entries(metadataOf(state, at))))
  const found = new Map<number, ServerBatch[]>()
  for await (const batch of api.list(signal)) {
    const { cem_run_key, cem_part, cem_sha256 } = batch.metadata
    const at = names.indexOf(JSON.stringify(Object.entries({ cem_run_key, cem_part, cem_sha256 })))
    if (at === -1 || neverRan(batch)) continue
    found.set(at, [...(found.get(at) ?? []), batch])
  }
  return found
}

/** The oldest is the part's batch. Others should not be there: they are cancelled and told. */
async function takeOver(
  batches: readonly ServerBatch[],
  { api, redact, signal }: Pick<SubmitPartsOptions, 'api' | 'redact' | 'signal'>,
): Promise<Partial<BatchPart>> {
  const [first, ...others] = batches.toSorted((a, b) => a.createdAt - b.createdAt)
  for (const other of others) if (!hasEnded(other)) await api.cancel(other.id, signal)
  const duplicateBatchIds = others.map(({ id }) => id)
  return { ...partOf(first as ServerBatch, redact), duplicateBatchIds }
}

async function create(
  state: BatchState,
  at: number,
  inputFileId: string,
  options: SubmitPartsOptions,
): Promise<Partial<BatchPart>> {
  const { api, maxAttempts, wait, redact, signal } = options
  for (let attempt = 1; ; attempt++) {
    const { batch, ...rest } = await api.create(inputFileId, metadataOf(state, at), signal)
    if (batch && attempt === 1) return partOf(batch, redact)
    if (!batch && attempt < maxAttempts) await wait(attempt)
    // An earlier request may have been heard although its answer was lost.
    const own = (await findOwn(state, options)).get(at) ?? []
    if (own.length > 0) return takeOver(own, options)
    if (batch) return partOf(batch, redact)
    if (attempt >= maxAttempts)
      throw notCreated(at, redact('unclear' in rest ? rest.unclear.reason : ''))
  }
}

/** What a part knows of its batch. */
export function partOf(
  { id, inputFileId, status, outputFileId, errorFileId, nCompleted, nFailed, errors }: ServerBatch,
  redact: (text: string) => string,
): Partial<BatchPart> {
  const told = errors.map(({ message, ...error }) => ({ ...error, message: redact(message) }))
  return {
    batchId: id,
    inputFileId,
    status,
    outputFileId,
    errorFileId,
    nCompleted,
    nFailed,
    errors: told,
  }
}

function notCreated(at: number, reason: string): CemError {
  return new CemError({
    code: 'chat-attempts-exhausted',
    message: `The server did not say whether it made batch ${at + 1}, and does not list it: ${reason}. Submit again with the stored state once it is well; a batch that was made is found then.`,
    data: { part: at },
  })
}

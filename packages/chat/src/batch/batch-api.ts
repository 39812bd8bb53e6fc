import { CemError } from '@cem/core'
import { backoffDelay } from '../backoff.ts'
import { chatError } from '../chat-errors.ts'
import type { Connection } from '../connection.ts'
import type { TransportRequest } from '../openai-transport.ts'
import { arrayAt, malformed, objectAt, optionalString } from '../read-json.ts'
import { type SendOptions, sendWithRetries } from '../send-with-retries.ts'
import { isRetryable, type TransportFailure } from '../transport-failure.ts'
import { type BatchPart, type BatchPartError, type BatchStatus, hasEnded } from './batch-state.ts'

/** A batch as the server describes it. */
export interface ServerBatch
  extends Pick<
    BatchPart,
    'status' | 'outputFileId' | 'errorFileId' | 'nCompleted' | 'nFailed' | 'errors'
  > {
  readonly id: string
  readonly inputFileId: string | null
  /** Seconds since 1970. */
  readonly createdAt: number
  readonly metadata: Readonly<Record<string, unknown>>
}

export interface BatchApiOptions
  extends Pick<
    SendOptions<unknown>,
    'timeoutInMs' | 'maxAttempts' | 'baseDelayInMs' | 'maxDelayInMs'
  > {
  readonly connection: Connection
  readonly model: string
  readonly completionWindow: string
  readonly endpoint: string
}

export type Creation =
  | { readonly batch: ServerBatch }
  /** The server may have made it or not. */
  | { readonly batch?: undefined; readonly unclear: TransportFailure }

type Signal = AbortSignal | undefined

export interface BatchApi {
  upload(file: Blob, name: string, signal: Signal): Promise<string>
  /** Sends one request, once: whether it was heard is for the caller to find out. A refusal throws. */
  create(fileId: string, metadata: Record<string, string>, signal: Signal): Promise<Creation>
  retrieve(id: string, signal: Signal): Promise<ServerBatch>
  /** A batch that has ended stays as it is. */
  cancel(id: string, signal: Signal): Promise<ServerBatch>
  /** Newest first, page by page. */
  list(signal: Signal): AsyncGenerator<ServerBatch, void>
  /** The lines of a file, each once: where it breaks off, it is read again from the start and the lines already given are passed over. */
  lines(fileId: string, signal: Signal): AsyncGenerator<string, void>
}

/** No call of this API takes longer with all its attempts. */
const deadlineInMs = 3_600_000

/** The HTTP calls of OpenAI's Batch API. All throw the errors of `ChatClient.complete`. */
export function createBatchApi(options: BatchApiOptions): BatchApi {
  const { connection, model } = options
  const { transport, clock, random, baseUrl, apiKeyVariable, hasKey } = connection
  const redactReason = (reason: string) => connection.redact(reason)

  const request = <Content>(
    sent: TransportRequest,
    read: (body: unknown) => Content,
    signal: Signal,
    maxAttempts = options.maxAttempts,
  ) =>
    sendWithRetries(sent, {
      ...options,
      maxAttempts,
      transport,
      clock,
      random,
      deadlineInMs,
      signal,
      redactReason,
      hasAnswered: () => true,
      read: (body) => ({ value: read(body) }),
      begin: async () => ({ end: () => undefined }),
      onAttempt: () => undefined,
    })

  const fail = (
    path: string,
    {
      failure,
      ended,
      attempts,
    }: Pick<Parameters<typeof chatError>[0], 'failure' | 'ended' | 'attempts'>,
  ): CemError => {
    const reason = redactReason(failure.reason)
    const url = `${baseUrl.shown}${path}`
    return chatError({ failure, ended, attempts, path, reason, url, model, apiKeyVariable, hasKey })
  }

  const ask = async <Content>(
    sent: TransportRequest,
    read: (body: unknown) => Content,
    signal: Signal,
  ): Promise<Content> => {
    const result = await request(sent, read, signal)
    if (result.content) return result.content.value
    throw fail(sent.path, result)
  }

  return {
    upload: (file, name, signal) => {
      const body = new FormData()
      body.set('purpose', 'batch')
      body.set('file', file, name)
      return ask(
        { method: 'post', path: '/files', body },
        (reply) => idOf(objectAt(reply, 'the file')),
        signal,
      )
    },
    create: async (fileId, metadata, signal) => {
      const { completionWindow: completion_window, endpoint } = options
      const body = { input_file_id: fileId, endpoint, completion_window, metadata }
      const sent = { method: 'post', path: '/batches', body } as const
      const result = await request(sent, readBatch, signal, 1)
      if (result.content) return { batch: result.content.value }
      // What a server answers with 4xx it has not done; whatever else happened, it may have.
      const { failure } = result
      const isRefusal =
        failure.kind === 'status' && failure.status < 500 && !isRetryable(failure, true)
      if (isRefusal) throw fail(sent.path, result)
      return { unclear: failure }
    },
    retrieve: (id, signal) =>
      ask({ method: 'get', path: `/batches/${encodeURIComponent(id)}` }, readBatch, signal),
    cancel: async (id, signal) => {
      const batch = `/batches/${encodeURIComponent(id)}`
      try {
        return await ask({ method: 'post', path: `${batch}/cancel`, body: {} }, readBatch, signal)
      } catch (error) {
        // Servers refuse to cancel what has ended in the meantime.
        if (!CemError.isInstance(error) || error.data['status'] === undefined) throw error
        const found = await ask({ method: 'get', path: batch }, readBatch, signal)
        if (hasEnded(found)) return found
        throw error
      }
    },
    list: async function* (signal) {
      let after: string | undefined
      for (;;) {
        const query = { limit: '100', ...(after !== undefined && { after }) }
        const page = await ask({ method: 'get', path: '/batches', query }, readPage, signal)
        yield* page.batches
        if (!page.hasMore || page.lastId === undefined || page.lastId === after) return
        after = page.lastId
      }
    },
    lines: async function* (fileId, signal) {
      const path = `/files/${encodeURIComponent(fileId)}/content`
      let nGiven = 0
      for (let attempt = 1; ; attempt++) {
        const lines = transport.download(path, { timeoutInMs: options.timeoutInMs, signal })
        let at = 0
        let failure: TransportFailure | undefined
        try {
          for (;;) {
            const next = await lines.next()
            if (next.done === true) {
              failure = next.value
              break
            }
            if (at++ < nGiven) continue
            nGiven++
            yield next.value
          }
        } finally {
          // Where nobody reads on, the connection is given up.
          await lines.return(undefined)
        }
        if (failure === undefined) return
        if (attempt >= options.maxAttempts || !isRetryable(failure, true))
          throw fail(path, { failure, ended: attempt > 1 ? 'attempts' : 'final', attempts: [] })
        await clock.sleep(backoffDelay(attempt, undefined, options, random), signal)
      }
    },
  }
}

const statuses: ReadonlySet<string> = new Set<BatchStatus>([
  'validating',
  'in_progress',
  'finalizing',
  'completed',
  'failed',
  'expired',
  'cancelling',
  'cancelled',
])

function readBatch(body: unknown): ServerBatch {
  const batch = objectAt(body, 'the batch')
  const { status, created_at: createdAt, metadata } = batch
  if (typeof status !== 'string' || !statuses.has(status))
    throw malformed(`the status of the batch is ${JSON.stringify(status)}`)
  const counts = (batch['request_counts'] ?? {}) as Record<string, unknown>
  return {
    id: idOf(batch),
    status: status as BatchStatus,
    inputFileId: optionalString(batch['input_file_id'], 'input_file_id') ?? null,
    outputFileId: optionalString(batch['output_file_id'], 'output_file_id') || null,
    errorFileId: optionalString(batch['error_file_id'], 'error_file_id') || null,
    nCompleted: countOf(counts['completed']),
    nFailed: countOf(counts['failed']),
    errors: readErrors(batch['errors']),
    createdAt: countOf(createdAt),
    metadata: typeof metadata === 'object' && metadata !== null ? { ...metadata } : {},
  }
}

function readPage(body: unknown) {
  const page = objectAt(body, 'the list of batches')
  const data = arrayAt(page['data'], 'data')
  const batches = data.flatMap((one) => {
    // Other people's batches are in the list too; one that cannot be read is not ours.
    try {
      return [readBatch(one)]
    } catch (error) {
      if (CemError.isInstance(error)) return []
      throw error
    }
  })
  const lastId = page['last_id'] ?? (data.at(-1) as { id?: unknown } | undefined)?.id
  return {
    batches,
    hasMore: page['has_more'] === true,
    lastId: typeof lastId === 'string' ? lastId : undefined,
  }
}

function readErrors(value: unknown): BatchPartError[] {
  const list = (value as { data?: unknown } | null | undefined)?.data
  if (!Array.isArray(list)) return []
  return list.map((error) => {
    const { code, message, line } = (error ?? {}) as Record<string, unknown>
    return {
      code: typeof code === 'string' ? code : null,
      message: typeof message === 'string' ? message : '',
      line: typeof line === 'number' ? line : null,
    }
  })
}

function idOf({ id }: Record<string, unknown>): string {
  if (typeof id !== 'string' || id === '') throw malformed('it has no id')
  return id
}

function countOf(value: unknown): number {
  return typeof value === 'number' && value >= 0 ? value : 0
}

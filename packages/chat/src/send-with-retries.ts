import { CemError, type RandomSource } from '@cem/core'
import type { Attempt } from './attempt.ts'
import { type BackoffOptions, backoffDelay } from './backoff.ts'
import { readUsage, type Usage } from './chat-completion.ts'
import type { Clock } from './clock.ts'
import { errorInBody } from './error-in-body.ts'
import type {
  Transport,
  TransportReply,
  TransportRequest,
  TransportResult,
} from './openai-transport.ts'
import { retryAfterOf } from './retry-after.ts'
import { isRetryable, type TransportFailure } from './transport-failure.ts'

/** What an answer or a failure says of an attempt, for those that allot requests and money. */
export interface AttemptResult {
  readonly failure: TransportFailure | undefined
  readonly headers: Headers | undefined
  readonly usage: Usage | undefined
  readonly retryAfterInMs: number | undefined
}

/** The right to send one attempt. */
export interface AttemptTurn {
  /** Called once when the attempt has ended; without a result where it was aborted. */
  end(result: AttemptResult | undefined): void
}

export interface SendOptions<Content> extends BackoffOptions {
  readonly transport: Pick<Transport, 'send'>
  readonly clock: Clock
  readonly random: Pick<RandomSource, 'uniform'>
  readonly timeoutInMs: number
  /** Of attempts and the waits between them; waiting for a turn is not in it. */
  readonly deadlineInMs: number
  readonly maxAttempts: number
  readonly signal: AbortSignal | undefined
  readonly redactReason: (reason: string) => string
  /** Whether the server has answered anything before, also with an error. */
  readonly hasAnswered: () => boolean
  /** Reads the answer's body; a `CemError` means that it is not what it should be. */
  readonly read: (body: unknown, headers: Headers) => Content
  /** Resolves when an attempt may be sent. What it throws ends the call. */
  readonly begin: (isRetry: boolean) => Promise<AttemptTurn>
  /** Called with each attempt as it ends. */
  readonly onAttempt: (attempt: Attempt) => void
}

export type SendResult<Content> =
  | {
      readonly content: Content
      readonly usage: Usage | undefined
      readonly attempts: readonly Attempt[]
    }
  | {
      readonly content?: undefined
      readonly failure: TransportFailure
      readonly ended: 'final' | 'attempts' | 'deadline'
      readonly attempts: readonly Attempt[]
    }

/** Sends a request until it is answered, fails for good, or attempts or time run out. Rejects when aborted or without a turn. */
export async function sendWithRetries<Content>(
  request: TransportRequest,
  options: SendOptions<Content>,
): Promise<SendResult<Content>> {
  const { clock, random, maxAttempts, signal } = options
  const attempts: Attempt[] = []
  let leftInMs = options.deadlineInMs
  for (;;) {
    signal?.throwIfAborted()
    const turn = await beginNext(attempts, options)
    const startedAtInMs = clock.now()
    const timeoutInMs = Math.min(options.timeoutInMs, leftInMs)
    const { read, usage } = await sendOnce(request, { ...options, timeoutInMs }, turn)
    const { failure } = read
    const durationInMs = clock.now() - startedAtInMs
    leftInMs -= durationInMs
    const attempt: Attempt = {
      startedAt: new Date(startedAtInMs).toISOString(),
      durationInMs: Math.round(durationInMs),
      ...(failure ? describe(failure, read.retryAfterInMs, options.redactReason) : { status: 200 }),
    }
    attempts.push(attempt)
    options.onAttempt(attempt)
    if (!failure) return { content: read.content, usage, attempts }
    if (!isRetryable(failure, options.hasAnswered())) return { failure, ended: 'final', attempts }
    if (attempts.filter(isWorkedOn).length >= maxAttempts)
      return { failure, ended: 'attempts', attempts }
    const delayInMs = backoffDelay(attempts.length, read.retryAfterInMs, options, random)
    // A wait that would outlast the deadline is not begun.
    if (delayInMs >= leftInMs) return { failure, ended: 'deadline', attempts }
    leftInMs -= delayInMs
    await clock.sleep(delayInMs, signal)
  }
}

/** What refuses another attempt (the cost limit) must not hide what the ones before met. */
async function beginNext(
  attempts: readonly Attempt[],
  { begin }: Pick<SendOptions<unknown>, 'begin'>,
): Promise<AttemptTurn> {
  try {
    return await begin(attempts.length > 0)
  } catch (error) {
    if (attempts.length === 0 || !CemError.isInstance(error)) throw error
    const { code, message, data } = error
    throw new CemError({ code, message, data: { ...data, earlierAttempts: [...attempts] } })
  }
}

/** A 429 says that the server did not even begin: a storm of them shall not use up a call's attempts, only its time. */
function isWorkedOn({ status }: Attempt): boolean {
  return status !== 429
}

type Read<Content> =
  | { readonly content: Content; readonly failure?: undefined; readonly retryAfterInMs?: undefined }
  | { readonly failure: TransportFailure; readonly retryAfterInMs: number | undefined }

async function sendOnce<Content>(
  request: TransportRequest,
  options: SendOptions<Content>,
  turn: AttemptTurn,
): Promise<{ read: Read<Content>; usage: Usage | undefined }> {
  let result: AttemptResult | undefined
  try {
    const reply = await options.transport.send(request, options)
    const read = readReply(reply, options)
    const { failure, retryAfterInMs } = read
    const usage = failure ? failure.usage : usageOf(reply.reply)
    const headers =
      reply.reply?.headers ?? (failure?.kind === 'status' ? failure.headers : undefined)
    result = { failure, headers, usage, retryAfterInMs }
    return { read, usage }
  } finally {
    turn.end(result)
  }
}

function readReply<Content>(
  { reply, failure }: TransportResult,
  { read, clock }: SendOptions<Content>,
): Read<Content> {
  const found = failure ?? errorInBody(reply)
  if (found) {
    const retryAfterInMs =
      found.kind === 'status' ? retryAfterOf(found.headers, clock.now()) : undefined
    return { failure: found, retryAfterInMs }
  }
  if (!reply) throw new Error('a transport gave neither a reply nor a failure')
  try {
    return { content: read(reply.body, reply.headers) }
  } catch (error) {
    if (!CemError.isInstance(error)) throw error
    const usage = usageOf(reply)
    const reason = error.message
    return { failure: { kind: 'malformed', reason, usage }, retryAfterInMs: undefined }
  }
}

function usageOf(reply: TransportReply | undefined): Usage | undefined {
  return readUsage((reply?.body as { usage?: unknown } | null | undefined)?.usage)
}

function describe(
  failure: TransportFailure,
  retryAfterInMs: number | undefined,
  redactReason: (reason: string) => string,
): Partial<Attempt> {
  const reason = redactReason(failure.reason)
  if (failure.kind === 'connection') return { errorCode: failure.errorCode, reason }
  if (failure.kind === 'malformed') return { status: 200, reason }
  return {
    status: failure.status,
    ...(retryAfterInMs !== undefined && { retryAfterInMs }),
    reason,
  }
}

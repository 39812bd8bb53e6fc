import { CemError, type RandomSource } from '@cem/core'
import type { Attempt } from './attempt.ts'
import { type BackoffOptions, backoffDelay } from './backoff.ts'
import { type ChatCompletion, readCompletion } from './chat-completion.ts'
import type { Clock } from './clock.ts'
import type { Transport, TransportReply, TransportResult } from './openai-transport.ts'
import { retryAfterOf } from './retry-after.ts'
import { isRetryable, type TransportFailure } from './transport-failure.ts'

export interface SendOptions extends BackoffOptions {
  readonly transport: Transport
  readonly clock: Clock
  readonly random: Pick<RandomSource, 'uniform'>
  readonly timeoutInMs: number
  readonly deadlineInMs: number
  readonly maxAttempts: number
  readonly signal: AbortSignal | undefined
  readonly redactReason: (reason: string) => string
  /** Whether the server has answered anything before, also with an error. */
  readonly hasAnswered: () => boolean
  /** Called with each attempt as it ends. */
  readonly onAttempt: (attempt: Attempt) => void
}

export type SendResult =
  | { readonly completion: ChatCompletion }
  | {
      readonly completion?: undefined
      readonly failure: TransportFailure
      readonly ended: 'final' | 'attempts' | 'deadline'
      readonly attempts: readonly Attempt[]
    }

/** Sends a body until it is answered, fails for good, or attempts or time run out. Rejects only when aborted. */
export async function sendWithRetries(
  body: Record<string, unknown>,
  options: SendOptions,
): Promise<SendResult> {
  const { transport, clock, random, maxAttempts, signal } = options
  const attempts: Attempt[] = []
  const deadline = clock.now() + options.deadlineInMs
  for (;;) {
    signal?.throwIfAborted()
    const startedAtInMs = clock.now()
    const timeoutInMs = Math.min(options.timeoutInMs, deadline - startedAtInMs)
    const { content, failure } = readReply(await transport(body, { timeoutInMs, signal }))
    const now = clock.now()
    const attempt = {
      startedAt: new Date(startedAtInMs).toISOString(),
      durationInMs: Math.round(now - startedAtInMs),
      ...(failure ? describe(failure, now, options.redactReason) : { status: 200 }),
    }
    attempts.push(attempt)
    options.onAttempt(attempt)
    if (!failure) return { completion: { ...content, attempts } }
    if (!isRetryable(failure, options.hasAnswered())) return { failure, ended: 'final', attempts }
    if (attempts.length >= maxAttempts) return { failure, ended: 'attempts', attempts }
    const { retryAfterInMs } = attempt as Attempt
    const delayInMs = backoffDelay(attempts.length, retryAfterInMs, options, random)
    // A wait that would outlast the deadline is not begun.
    if (now + delayInMs >= deadline) return { failure, ended: 'deadline', attempts }
    await clock.sleep(delayInMs, signal)
  }
}

type Content = Omit<ChatCompletion, 'attempts'>

function readReply({
  reply,
  failure,
}: TransportResult):
  | { content: Content; failure?: undefined }
  | { content?: undefined; failure: TransportFailure } {
  if (!reply) return { failure }
  try {
    return { content: contentOf(reply) }
  } catch (error) {
    if (!CemError.isInstance(error)) throw error
    return { failure: { kind: 'malformed', reason: error.message } }
  }
}

function contentOf({ body, headers }: TransportReply): Content {
  return { ...readCompletion(body), requestId: headers.get('x-request-id') ?? undefined }
}

function describe(
  failure: TransportFailure,
  nowInMs: number,
  redactReason: (reason: string) => string,
): Partial<Attempt> {
  const reason = redactReason(failure.reason)
  if (failure.kind === 'connection') return { errorCode: failure.errorCode, reason }
  if (failure.kind === 'malformed') return { status: 200, reason }
  const retryAfterInMs = retryAfterOf(failure.headers, nowInMs)
  return {
    status: failure.status,
    ...(retryAfterInMs !== undefined && { retryAfterInMs }),
    reason,
  }
}

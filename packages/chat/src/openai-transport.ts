import { messageOf } from '@cem/core'
import type { OpenAI } from 'openai'
import { abortable } from './abortable.ts'
import type { BaseUrl } from './base-url.ts'
import { readUsage } from './chat-completion.ts'
import type { TransportFailure } from './transport-failure.ts'

export interface TransportOptions {
  readonly baseUrl: BaseUrl
  readonly apiKey: string | null
  readonly keyHeader: string
  readonly headers: Readonly<Record<string, string>>
}

export interface TransportReply {
  readonly body: unknown
  readonly headers: Headers
}

export type TransportResult =
  | { readonly reply: TransportReply; readonly failure?: undefined }
  | { readonly reply?: undefined; readonly failure: TransportFailure }

/** One HTTP request below the base URL. */
export interface TransportRequest {
  readonly method: 'get' | 'post'
  /** Begins with a slash. */
  readonly path: string
  readonly body?: Record<string, unknown> | FormData
  readonly query?: Record<string, string>
}

export interface TransportBounds {
  readonly timeoutInMs: number
  readonly signal: AbortSignal | undefined
}

export interface Transport {
  /** Sends one request, once. */
  send(request: TransportRequest, bounds: TransportBounds): Promise<TransportResult>
  /** Gives a text file line by line as it comes, and at its end why it broke off, where it did. */
  download(
    path: string,
    bounds: TransportBounds,
  ): AsyncGenerator<string, TransportFailure | undefined>
}

/**
 * The only file that touches the `openai` package, which it loads at the first request. Its own retries are off: each attempt
 * is ours to record. Reasons in failures are raw, not yet redacted.
 */
export function createOpenAITransport(options: TransportOptions): Transport {
  let loading: Promise<OpenAI> | undefined
  const bodies = new WeakMap<object, unknown>()
  const load = () => (loading ??= createOpenAI(options, bodies))
  const begin = (
    client: OpenAI,
    { method, path, ...request }: TransportRequest,
    signal: AbortSignal,
  ) => client[method]<unknown>(path, { ...request, signal, maxRetries: 0 })
  return {
    send: async (request, { timeoutInMs, signal }) => {
      const client = await load()
      signal?.throwIfAborted()
      // The package's own timeout does not cover the body of an error, so the request is bounded from here.
      const bounded = boundedSignal(signal, timeoutInMs)
      try {
        const sent = begin(client, request, bounded.signal).withResponse()
        const { data, response } = await abortable(sent, bounded.signal)
        return { reply: { body: data, headers: response.headers } }
      } catch (error) {
        signal?.throwIfAborted()
        return {
          failure: bounded.signal.aborted ? timedOut(timeoutInMs) : failureOf(error, bodies),
        }
      } finally {
        bounded.release()
      }
    },
    download: async function* (path, { timeoutInMs, signal }) {
      const client = await load()
      signal?.throwIfAborted()
      const bounded = boundedSignal(signal, timeoutInMs)
      try {
        const sent = begin(client, { method: 'get', path }, bounded.signal).asResponse()
        const response = await abortable(sent, bounded.signal)
        if (response.body !== null) yield* linesOf(response.body)
        return undefined
      } catch (error) {
        signal?.throwIfAborted()
        return bounded.signal.aborted ? timedOut(timeoutInMs) : failureOf(error, bodies)
      } finally {
        bounded.release()
      }
    },
  }
}

/** Without line ends and empty lines. */
async function* linesOf(body: ReadableStream<Uint8Array>): AsyncGenerator<string, void> {
  const decoder = new TextDecoder()
  let rest = ''
  for await (const chunk of body) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split('\n')
    rest = lines.pop() ?? ''
    for (const line of lines) if (line.trim() !== '') yield line
  }
  rest += decoder.decode()
  if (rest.trim() !== '') yield rest
}

/** A signal that aborts with the given one or when the time is over. Made by hand: `AbortSignal.any` on a signal that lives long holds memory for each use. */
function boundedSignal(signal: AbortSignal | undefined, timeoutInMs: number) {
  const controller = new AbortController()
  const onAbort = () => controller.abort(signal?.reason)
  const timer = setTimeout(() => controller.abort(), Math.max(1, Math.ceil(timeoutInMs)))
  signal?.addEventListener('abort', onAbort, { once: true })
  const release = () => {
    clearTimeout(timer)
    signal?.removeEventListener('abort', onAbort)
  }
  return { signal: controller.signal, release }
}

async function createOpenAI(
  { baseUrl, apiKey, keyHeader, headers }: TransportOptions,
  bodies: WeakMap<object, unknown>,
): Promise<OpenAI> {
  const { default: Base } = await import('openai')
  // The package keeps only `error` of an error's body; what else is there, such as the usage, is billed too.
  class Client extends Base {
    protected override makeStatusError(...given: Parameters<OpenAI['makeStatusError']>) {
      const [, body] = given
      const made = super.makeStatusError(...given)
      bodies.set(made, body)
      return made
    }
  }
  const isBearer = keyHeader.toLowerCase() === 'authorization'
  // A null takes the header out.
  const authentication = isBearer
    ? apiKey === null && { authorization: null }
    : { authorization: null, [keyHeader]: apiKey }
  const isOpenAI = new URL(baseUrl.href).hostname.endsWith('.openai.com')
  return new Client({
    baseURL: baseUrl.href,
    // The package refuses to start without a key; where the header is out, this one is not sent.
    apiKey: (isBearer ? apiKey : null) ?? 'none',
    adminAPIKey: null,
    // Taken from the environment by default, and no business of other providers.
    ...(!isOpenAI && { organization: null, project: null }),
    defaultHeaders: { ...headers, ...authentication },
    maxRetries: 0,
    logLevel: 'off',
    // A redirect would carry the key and the prompts elsewhere.
    fetchOptions: { redirect: 'manual' },
  })
}

function timedOut(timeoutInMs: number): TransportFailure {
  return {
    kind: 'connection',
    errorCode: 'timeout',
    reason: `no whole answer within ${Math.round(timeoutInMs)} ms`,
  }
}

function failureOf(error: unknown, bodies: WeakMap<object, unknown>): TransportFailure {
  if (error instanceof SyntaxError)
    return { kind: 'malformed', reason: `the answer is not JSON (${error.message})` }
  const { status, headers, code, type } = error as Partial<Record<string, unknown>>
  if (typeof status === 'number' && headers instanceof Headers) {
    const location = headers.get('location')
    const redirect = location ? `; it redirects to ${location}` : ''
    return {
      kind: 'status',
      status,
      headers,
      serverCode: firstCode(code, type),
      reason: `${messageOf(error)}${redirect}`,
      usage: usageOf(bodies.get(error as object)),
    }
  }
  const { errorCode, reason } = connectionError(error)
  return { kind: 'connection', errorCode, reason }
}

function usageOf(body: unknown) {
  return readUsage((body as { usage?: unknown } | undefined | null)?.usage)
}

/** The system's code lies somewhere down the chain of causes of what fetch threw. */
function connectionError(error: unknown): { errorCode: string; reason: string } {
  const reasons: string[] = []
  for (let cause = error, depth = 0; cause instanceof Error && depth < 8; depth++) {
    reasons.push(messageOf(cause))
    const { code } = cause as NodeJS.ErrnoException
    if (typeof code === 'string') return { errorCode: code, reason: reasons.join(': ') }
    cause = cause.cause
  }
  // fetch says `terminated`, with no code, where a body broke off.
  const isBrokenOff = reasons.some((reason) => reason === 'terminated')
  return {
    errorCode: isBrokenOff ? 'connection-lost' : 'request-failed',
    reason: reasons.join(': ') || String(error),
  }
}

/** Only what looks like a code: it enters errors as it is. */
function firstCode(...values: readonly unknown[]): string | undefined {
  return values.find((value) => typeof value === 'string' && /^[a-z][a-z_]{2,39}$/.test(value)) as
    | string
    | undefined
}

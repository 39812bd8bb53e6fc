import { readFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { CemError, messageOf } from '@cem/core'

export type Environment = Readonly<Record<string, string | undefined>>

/** How the hub is reached: where, as whom, and with how much patience. */
export interface HubAccess {
  /** Without a slash at its end. */
  readonly endpoint: string
  readonly token: string | undefined
  readonly signal: AbortSignal | undefined
  /** Requests in a row that may fail before it is given up. */
  readonly maxAttempts: number
  /** The wait after the first failure, in milliseconds; it doubles with each. */
  readonly baseDelayInMs: number
  /** How long the hub may send nothing. */
  readonly stallTimeoutInMs: number
}

/**
 * Where the hub is (HF_ENDPOINT), and the token that Python's tools use too (HF_TOKEN, else the file that `hf auth login` leaves).
 *
 * @throws CemError `hub-offline` where HF_HUB_OFFLINE or TRANSFORMERS_OFFLINE forbids it, `hub-endpoint-invalid`
 */
export async function hubAccess(
  environment: Environment,
  options: Omit<HubAccess, 'endpoint' | 'token'>,
): Promise<HubAccess> {
  for (const name of ['HF_HUB_OFFLINE', 'TRANSFORMERS_OFFLINE'])
    if (/^(1|on|yes|true)$/i.test(environment[name] ?? ''))
      throw new CemError({
        code: 'hub-offline',
        message: `${name} is set, which forbids to fetch anything from the hub. Unset it to pull a model.`,
        data: { variable: name },
      })
  const endpoint = (environment['HF_ENDPOINT'] || 'https://huggingface.co').replace(/\/+$/, '')
  if (!URL.canParse(endpoint) || !/^https?:/.test(endpoint))
    throw new CemError({
      code: 'hub-endpoint-invalid',
      message:
        'HF_ENDPOINT is no http(s) URL. Give one such as https://huggingface.co, or unset it.',
    })
  return { ...options, endpoint, token: await readToken(environment) }
}

async function readToken(environment: Environment): Promise<string | undefined> {
  const given = environment['HF_TOKEN']?.trim()
  if (given) return given
  const cacheHome = environment['XDG_CACHE_HOME'] || join(homedir(), '.cache')
  const home = environment['HF_HOME'] || join(cacheHome, 'huggingface')
  try {
    const stored = await readFile(environment['HF_TOKEN_PATH'] || join(home, 'token'), 'utf8')
    return stored.trim() || undefined
  } catch {
    return undefined
  }
}

/** An answer of the hub that is no success. */
export class HubStatus extends Error {
  readonly status: number
  /** `GatedRepo`, `RepoNotFound`, `RevisionNotFound`, `EntryNotFound`, where the hub says it. */
  readonly errorCode: string | undefined
  readonly retryAfterInMs: number | undefined

  constructor({ status, headers }: Response) {
    super(`the hub answered with status ${status}`)
    this.status = status
    this.errorCode = headers.get('x-error-code') ?? undefined
    const seconds = Number(headers.get('retry-after') ?? Number.NaN)
    this.retryAfterInMs = Number.isFinite(seconds) ? Math.max(0, seconds) * 1000 : undefined
  }
}

/** The longest wait that a server can ask for. */
const longestWaitInMs = 120_000

/**
 * Does something until it succeeds: after what may pass (no connection, 408, 429, 5xx) it is tried again, with growing waits.
 *
 * @param progress a number that grows with what was got; growth starts the count of failures anew
 */
export async function withRetries<T>(
  { signal, maxAttempts, baseDelayInMs }: HubAccess,
  work: () => Promise<T>,
  progress: () => number = () => 0,
): Promise<T> {
  let nFailures = 0
  for (;;) {
    const before = progress()
    try {
      signal?.throwIfAborted()
      return await work()
    } catch (error) {
      signal?.throwIfAborted()
      nFailures = progress() > before ? 1 : nFailures + 1
      if (!isPassing(error) || nFailures >= maxAttempts) throw error
      const own = baseDelayInMs * 2 ** (nFailures - 1)
      const asked = error instanceof HubStatus ? error.retryAfterInMs : undefined
      await sleep(Math.min(longestWaitInMs, asked ?? own), undefined, { signal })
    }
  }
}

function isPassing(error: unknown): boolean {
  if (CemError.isInstance(error)) return false
  if (error instanceof HubStatus)
    return error.status === 408 || error.status === 429 || error.status >= 500
  // What fetch throws for want of a connection, and what a body that breaks off throws.
  return !(error instanceof SyntaxError)
}

/**
 * Sends one request. The token goes to the hub alone: a redirect to another host (where the large files lie) leaves it behind.
 *
 * @throws HubStatus; what fetch throws
 */
export async function send(
  { endpoint, token, signal }: HubAccess,
  url: string,
  headers: Readonly<Record<string, string>> = {},
  stop?: AbortSignal,
): Promise<Response> {
  const isHub = new URL(url).origin === new URL(endpoint).origin
  const signals = [signal, stop].filter((one) => one !== undefined)
  const response = await fetch(url, {
    headers: {
      ...headers,
      'user-agent': '@cem/inference',
      ...(isHub && token !== undefined ? { authorization: `Bearer ${token}` } : {}),
    },
    signal: AbortSignal.any(signals),
  })
  if (response.ok) return response
  await response.body?.cancel()
  throw new HubStatus(response)
}

/** What went wrong, in words for whoever asked for the model. Addresses of files are left out: they can carry signatures. */
export function toHubError(error: unknown, { endpoint, token }: HubAccess, name: string): unknown {
  if (CemError.isInstance(error)) return error
  const page = `${endpoint}/${name}`
  const make = (code: string, message: string, data: object = {}) =>
    new CemError({ code, message, data: { name, ...data } })
  if (!(error instanceof HubStatus)) {
    const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error
    return make(
      'hub-request-failed',
      `The hub at ${endpoint} could not be reached or broke off: ${messageOf(cause)}. What was fetched is kept; the same command goes on.`,
    )
  }
  const { status, errorCode } = error
  if (errorCode === 'GatedRepo' || status === 403)
    return make(
      'hub-gated',
      `${name} is gated: accept its terms at ${page}, then ${token === undefined ? 'set HF_TOKEN to a token of your account' : 'see that the token in HF_TOKEN is of that account and may read it'}.`,
    )
  if (errorCode === 'RevisionNotFound')
    return make(
      'hub-not-found',
      `${name} has no such revision. Its branches and tags are at ${page}.`,
    )
  if (status === 401)
    return make(
      'hub-unauthorized',
      token === undefined
        ? `There is no public model ${name} at ${endpoint}. Mind the spelling; for a private one set HF_TOKEN.`
        : `The hub refuses the token in HF_TOKEN, or it may not read ${name}. Make a new one at ${endpoint}/settings/tokens.`,
    )
  if (status === 404)
    return make(
      'hub-not-found',
      `There is no model ${name} at ${endpoint}, or no such revision of it. Mind the spelling.`,
    )
  return make(
    'hub-request-failed',
    `The hub at ${endpoint} answered with status ${status}${status === 429 ? ' (too many requests)' : ''}. What was fetched is kept; try again later.`,
    { status },
  )
}

import { CemError } from '@cem/core'
import type { Clock } from './clock.ts'

export interface ChatClientOptions {
  /** The model's name as the server knows it. */
  readonly model: string
  /**
   * Where `/chat/completions` lies; a query is kept (`https://NAME.openai.azure.com/openai/deployments/D?api-version=V`).
   * @default 'https://api.openai.com/v1'
   */
  readonly baseUrl?: string
  /** The key; `null` sends none. @default the environment variable `apiKeyVariable`, or none for a server on this machine */
  readonly apiKey?: string | null
  /** The environment variable that holds the key, also named in advice. @default 'OPENAI_API_KEY' */
  readonly apiKeyVariable?: string
  /** `authorization` sends `Bearer KEY`; another name (Azure: `api-key`) sends the bare key. @default 'authorization' */
  readonly keyHeader?: string
  /** Further headers of each request; their values are redacted like the key. @default {} */
  readonly headers?: Readonly<Record<string, string>>
  /** Calls under way at once, at least 1. A call that waits to retry counts. @default 16 */
  readonly concurrency?: number
  /** Time for one HTTP request with its whole answer, in milliseconds. @default 60_000 */
  readonly timeoutInMs?: number
  /** HTTP requests per call, at least 1. @default 6 */
  readonly maxAttempts?: number
  /** Time for a call with all its attempts and waits, from when it leaves the queue, in milliseconds. @default 600_000 */
  readonly deadlineInMs?: number
  /** The longest wait after the first failed attempt, in milliseconds; doubles with each. @default 500 */
  readonly baseDelayInMs?: number
  /** The longest wait that is ours to choose, in milliseconds. A server's `retry-after` may be longer. @default 30_000 */
  readonly maxDelayInMs?: number
  /** Seed of the waits' jitter. @default a random one */
  readonly seed?: number
  /** @default the system's */
  readonly clock?: Clock
  /** @default process.env */
  readonly environment?: Readonly<Record<string, string | undefined>>
}

const limits = {
  concurrency: { least: 1, isInteger: true },
  timeoutInMs: { least: 1, isInteger: false },
  maxAttempts: { least: 1, isInteger: true },
  deadlineInMs: { least: 1, isInteger: false },
  baseDelayInMs: { least: 0, isInteger: false },
  maxDelayInMs: { least: 0, isInteger: false },
} as const

/** Timers of the runtime hold no more; beyond it they fire at once. */
const longestTimerInMs = 2 ** 31 - 1

/** @throws CemError `bad-chat-option` */
export function checkChatClientOptions(
  options: { readonly model: string } & Readonly<Record<keyof typeof limits, number>>,
): void {
  if (typeof options.model !== 'string' || options.model.trim() === '')
    throw bad('model', options.model, 'the name of a model')
  for (const [name, { least, isInteger }] of Object.entries(limits)) {
    const value = options[name as keyof typeof limits]
    const isGood = value >= least && value <= longestTimerInMs
    if (!isGood || (isInteger && !Number.isInteger(value)))
      throw bad(name, value, `${isInteger ? 'an integer' : 'a number'} of at least ${least}`)
  }
}

function bad(name: string, value: unknown, allowed: string): CemError {
  return new CemError({
    code: 'bad-chat-option',
    message: `${name} is ${JSON.stringify(value) ?? String(value)}: give ${allowed}.`,
    data: { option: name, value },
  })
}

import { randomInt } from 'node:crypto'
import { type RandomSource, randomSource } from '@cem/core'
import { resolveApiKey } from './api-key.ts'
import { type BaseUrl, parseBaseUrl } from './base-url.ts'
import { type Clock, systemClock } from './clock.ts'
import { badOption } from './limiter/limiter-options.ts'
import { createOpenAITransport, type Transport } from './openai-transport.ts'
import { redact, type Secret } from './redact.ts'

/** Where requests go and how they are sent again. */
export interface ConnectionOptions {
  /** The model's name as the server knows it; for Azure the deployment's. */
  readonly model: string
  /**
   * Whose server it is, where that decides defaults: the base URL, the key's header and its variable. Every other compatible
   * server is reached by `baseUrl` alone.
   * @default 'openai'
   */
  readonly provider?: 'openai' | 'azure' | 'openrouter'
  /**
   * Where `/chat/completions` lies; a query is kept (`https://NAME.openai.azure.com/openai/deployments/D?api-version=V`).
   * @default the provider's; Azure has none
   */
  readonly baseUrl?: string
  /** The key; `null` sends none. @default the environment variable `apiKeyVariable`, or none for a server on this machine */
  readonly apiKey?: string | null
  /**
   * The environment variable that holds the key, also named in advice.
   * @default 'OPENAI_API_KEY', for Azure 'AZURE_OPENAI_API_KEY', for OpenRouter 'OPENROUTER_API_KEY'
   */
  readonly apiKeyVariable?: string
  /** `authorization` sends `Bearer KEY`; another name the bare key. @default 'authorization', for Azure 'api-key' */
  readonly keyHeader?: string
  /** Further headers of each request; their values are redacted like the key. @default {} */
  readonly headers?: Readonly<Record<string, string>>
  /** Time for one HTTP request with its whole answer, in milliseconds. @default 60_000 */
  readonly timeoutInMs?: number
  /** HTTP requests per call, at least 1. Those that end with 429 do not count: only time bounds them. @default 6 */
  readonly maxAttempts?: number
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

export interface Connection {
  readonly baseUrl: BaseUrl
  readonly apiKeyVariable: string
  readonly hasKey: boolean
  readonly transport: Transport
  readonly random: RandomSource
  readonly clock: Clock
  /** Takes secrets out of a server's words, and the prompts that it may echo. */
  redact(reason: string, prompts?: readonly string[]): string
}

const providers = {
  openai: {
    baseUrl: 'https://api.openai.com/v1',
    apiKeyVariable: 'OPENAI_API_KEY',
    keyHeader: 'authorization',
  },
  azure: { baseUrl: undefined, apiKeyVariable: 'AZURE_OPENAI_API_KEY', keyHeader: 'api-key' },
  openrouter: {
    baseUrl: 'https://openrouter.ai/api/v1',
    apiKeyVariable: 'OPENROUTER_API_KEY',
    keyHeader: 'authorization',
  },
} as const

/** @throws CemError `bad-chat-option`, `bad-base-url`, `missing-api-key`, `bad-api-key` */
export function connect({
  provider = 'openai',
  baseUrl: givenUrl,
  apiKey: givenKey,
  apiKeyVariable: givenVariable,
  keyHeader: givenHeader,
  headers = {},
  seed = randomInt(2 ** 32),
  clock = systemClock,
  environment = process.env,
}: ConnectionOptions): Connection {
  if (!Object.hasOwn(providers, provider))
    throw badOption('provider', provider, Object.keys(providers).join(', '))
  const defaults = providers[provider]
  const url = givenUrl ?? defaults.baseUrl
  if (url === undefined)
    throw badOption(
      'baseUrl',
      url,
      'the address of your Azure resource, such as https://NAME.openai.azure.com/openai/deployments/DEPLOYMENT?api-version=VERSION',
    )
  const baseUrl = parseBaseUrl(url)
  const apiKeyVariable = givenVariable ?? defaults.apiKeyVariable
  const keyHeader = givenHeader ?? defaults.keyHeader
  const apiKey = resolveApiKey({ apiKey: givenKey, apiKeyVariable, baseUrl, environment })
  const secrets = secretsOf(apiKey, headers)
  return {
    baseUrl,
    apiKeyVariable,
    hasKey: apiKey !== null,
    transport: createOpenAITransport({ baseUrl, apiKey, keyHeader, headers }),
    random: randomSource('chat-backoff', seed),
    clock,
    redact: (reason, prompts = []) => redact(reason, [...secrets, ...hidden(prompts)]),
  }
}

/** Shorter texts than this are words that occur anywhere; only the key is taken out at any length. */
const leastHiddenLength = 6

function secretsOf(apiKey: string | null, headers: Readonly<Record<string, string>>): Secret[] {
  const values = Object.values(headers).filter((value) => value.length >= leastHiddenLength)
  if (apiKey !== null) values.push(apiKey)
  return values.map((value) => ({ value, label: '[key]' }))
}

function hidden(prompts: readonly string[]): Secret[] {
  return prompts
    .filter((prompt) => prompt.length >= leastHiddenLength)
    .map((value) => ({ value, label: '[prompt]' }))
}

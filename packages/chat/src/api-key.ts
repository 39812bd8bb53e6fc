import { CemError } from '@cem/core'
import type { BaseUrl } from './base-url.ts'

export interface ApiKeyOptions {
  /** @see ChatClientOptions.apiKey */
  readonly apiKey: string | null | undefined
  /** The name of the environment variable that holds the key. */
  readonly apiKeyVariable: string
  readonly baseUrl: BaseUrl
  readonly environment: Readonly<Record<string, string | undefined>>
}

/**
 * The key to send, or null for none: the given one, else the environment's. A server on this machine needs none.
 *
 * @throws CemError `missing-api-key`, `bad-api-key`; neither shows a key.
 */
export function resolveApiKey({
  apiKey,
  apiKeyVariable,
  baseUrl,
  environment,
}: ApiKeyOptions): string | null {
  if (apiKey === null) return null
  const key = (apiKey ?? environment[apiKeyVariable] ?? '').trim()
  if (key === '') {
    if (baseUrl.isLoopback && apiKey === undefined) return null
    throw new CemError({
      code: 'missing-api-key',
      message: `No key for ${baseUrl.shown}: set the environment variable ${apiKeyVariable}, or pass apiKey: null for a server that needs none.`,
      data: { apiKeyVariable, url: baseUrl.shown },
    })
  }
  // A header takes nothing else, and the runtime's own complaint would quote the key.
  if (!/^[\x21-\x7e]+$/.test(key)) {
    throw new CemError({
      code: 'bad-api-key',
      message: `The key from ${apiKey === undefined ? `the environment variable ${apiKeyVariable}` : 'apiKey'} holds blanks, line breaks or characters outside ASCII, which a header cannot carry. Copy it anew.`,
      data: { apiKeyVariable },
    })
  }
  return key
}

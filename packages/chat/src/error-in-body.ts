import { readUsage } from './chat-completion.ts'
import type { TransportReply } from './openai-transport.ts'
import type { TransportFailure } from './transport-failure.ts'

/**
 * The error that an answer with status 200 holds in place of choices, as OpenRouter sends it where the provider behind it fails:
 * `{ "error": { "code": 429, "message": "..." } }`. Undefined where there is none.
 */
export function errorInBody(reply: TransportReply | undefined): TransportFailure | undefined {
  const body = reply?.body
  if (reply === undefined || typeof body !== 'object' || body === null) return undefined
  const { error, choices, usage } = body as Record<string, unknown>
  if (typeof error !== 'object' || error === null || choices !== undefined) return undefined
  const { code, message } = error as Record<string, unknown>
  if (typeof code !== 'number' || !(code >= 400 && code <= 599)) return undefined
  return {
    kind: 'status',
    status: code,
    headers: reply.headers,
    serverCode: undefined,
    reason: `${code} ${typeof message === 'string' ? message : JSON.stringify(error)}`,
    usage: readUsage(usage),
  }
}

import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

export interface ServedRequest {
  readonly method: string
  readonly url: string
  readonly headers: IncomingMessage['headers']
  /** Empty for what is no JSON. */
  readonly body: Record<string, unknown>
  readonly raw: Buffer
  /** How many requests came before. */
  readonly index: number
}

export type Answer = (request: ServedRequest, response: ServerResponse) => void

export interface FaultServer extends AsyncDisposable {
  /** Ends in `/v1`. */
  readonly baseUrl: string
  readonly requests: ServedRequest[]
}

/** A real HTTP server on loopback that answers as the test says. */
export async function startServer(answer: Answer, port = 0): Promise<FaultServer> {
  const requests: ServedRequest[] = []
  const server = createServer((incoming, response) => {
    const chunks: Buffer[] = []
    incoming.on('data', (chunk: Buffer) => chunks.push(chunk))
    incoming.on('error', () => undefined)
    response.on('error', () => undefined)
    incoming.on('end', () => {
      const raw = Buffer.concat(chunks)
      const { url = '', headers, method = '' } = incoming
      const isJson = headers['content-type']?.startsWith('application/json') === true
      const body = JSON.parse((isJson && raw.toString()) || '{}')
      const request = { method, url, headers, body, raw, index: requests.length }
      requests.push(request)
      answer(request, response)
    })
  })
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve))
  const { port: opened } = server.address() as AddressInfo
  return {
    baseUrl: `http://127.0.0.1:${opened}/v1`,
    requests,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

export function sendJson(
  response: ServerResponse,
  body: unknown,
  status = 200,
  headers: Record<string, string> = {},
): void {
  response.writeHead(status, { 'content-type': 'application/json', ...headers })
  response.end(JSON.stringify(body))
}

/** Answers that fail, each in its own way: a server under load, a proxy that breaks off, a program that is broken. */
export const faults: Readonly<Record<string, Answer>> = {
  '429 with seconds': (_, response) =>
    sendJson(response, { error: { message: 'slow down' } }, 429, { 'retry-after': '1' }),
  '429 with a date': (_, response) =>
    sendJson(response, {}, 429, { 'retry-after': new Date(Date.now() + 2000).toUTCString() }),
  '429 with milliseconds': (_, response) => sendJson(response, {}, 429, { 'retry-after-ms': '40' }),
  '429 with a reset': (_, response) =>
    sendJson(response, {}, 429, {
      'x-ratelimit-remaining-requests': '0',
      'x-ratelimit-reset-requests': '120ms',
    }),
  'an error inside 200': (_, response) =>
    sendJson(response, { error: { code: 502, message: 'the provider is down' } }),
  '500': (_, response) => sendJson(response, { error: { message: 'oops' } }, 500),
  '503 without JSON': (_, response) => void response.writeHead(503).end('unavailable'),
  'a reset': (_, response) => void response.socket?.resetAndDestroy(),
  'a truncated body': (_, response) => {
    response.writeHead(200, { 'content-type': 'application/json', 'content-length': '5000' })
    response.write('{"choices": [', () => response.socket?.destroy())
  },
}

/** Bytes that come too slowly ever to end in time. */
export function drip(_: unknown, response: ServerResponse): void {
  response.writeHead(200, { 'content-type': 'application/json' })
  const timer = setInterval(() => response.write(' '), 20)
  response.on('close', () => clearInterval(timer))
}

/** Shaped like what api.openai.com sends for `max_tokens: 1` with log probabilities. */
export function completionBody({ text = '87', top = [{ token: '87', logprob: -0.1 }] } = {}) {
  return {
    id: 'chatcmpl-1',
    object: 'chat.completion',
    created: 1_760_000_000,
    model: 'judge-2024-08-06',
    choices: [
      {
        index: 0,
        message: { role: 'assistant', content: text, refusal: null, annotations: [] },
        logprobs: {
          content: [
            { token: text, logprob: -0.1, bytes: [...Buffer.from(text)], top_logprobs: top },
          ],
          refusal: null,
        },
        finish_reason: 'length',
      },
    ],
    usage: { prompt_tokens: 312, completion_tokens: 1, total_tokens: 313 },
    service_tier: 'default',
    system_fingerprint: 'fp_07871e2ad8',
  }
}

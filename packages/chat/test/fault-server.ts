import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

export interface ServedRequest {
  readonly url: string
  readonly headers: IncomingMessage['headers']
  readonly body: Record<string, unknown>
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
      const body = JSON.parse(Buffer.concat(chunks).toString() || '{}')
      const { url = '', headers } = incoming
      const request = { url, headers, body, index: requests.length }
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

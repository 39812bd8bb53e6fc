import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type Clock, systemClock, type TokenLogprob } from '@cem/chat'

export interface JudgeRequest {
  readonly prompt: string
  readonly body: Record<string, unknown>
  /** How many requests came before. */
  readonly index: number
}

export type Answer = (request: JudgeRequest, response: ServerResponse) => void

export interface JudgeServer extends AsyncDisposable {
  readonly baseUrl: string
  readonly requests: JudgeRequest[]
}

/** A real HTTP server on loopback that speaks the chat-completions protocol as the test says. */
export async function startJudgeServer(answer: Answer): Promise<JudgeServer> {
  const requests: JudgeRequest[] = []
  const server = createServer((incoming, response) => {
    const chunks: Buffer[] = []
    incoming.on('data', (chunk: Buffer) => chunks.push(chunk))
    incoming.on('error', () => undefined)
    response.on('error', () => undefined)
    incoming.on('end', () => {
      const body = JSON.parse(Buffer.concat(chunks).toString())
      const request = { body, prompt: body.messages[0].content, index: requests.length }
      requests.push(request)
      answer(request, response)
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    baseUrl: `http://127.0.0.1:${port}/v1`,
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

export interface CompletionOptions {
  readonly content?: string | null
  readonly refusal?: string | null
  readonly finishReason?: string
}

/** Shaped like what api.openai.com sends; no `top` means no log probabilities. */
export function completionBody(
  top: readonly TokenLogprob[] | undefined,
  {
    content = top?.[0]?.token ?? '',
    refusal = null,
    finishReason = 'length',
  }: CompletionOptions = {},
) {
  const logprobs = top && {
    content: [
      {
        token: content ?? '',
        logprob: -0.1,
        bytes: [],
        top_logprobs: top.map((one) => ({ ...one, bytes: [...Buffer.from(one.token)] })),
      },
    ],
    refusal: null,
  }
  return {
    id: 'chatcmpl-1',
    object: 'chat.completion',
    created: 1_760_000_000,
    model: 'judge-2024-08-06',
    choices: [
      {
        index: 0,
        message: { role: 'assistant', content, refusal },
        logprobs: logprobs ?? null,
        finish_reason: finishReason,
      },
    ],
    usage: { prompt_tokens: 300, completion_tokens: 1, total_tokens: 301 },
    system_fingerprint: 'fp_07871e2ad8',
  }
}

/** Tokens with their probabilities as log probabilities. */
export function logprobsOf(probabilities: Readonly<Record<string, number>>): TokenLogprob[] {
  return Object.entries(probabilities).map(([token, p]) => ({ token, logprob: Math.log(p) }))
}

/** The system's clock with waits a thousand times shorter. */
export const hurriedClock: Clock = {
  now: () => systemClock.now(),
  sleep: (delayInMs, signal) => systemClock.sleep(delayInMs / 1000, signal),
}

import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { CemError, messageOf } from '@cem/core'
import { type ApiReply, apiError } from './api-error.ts'
import { readChatRequest } from './chat-request.ts'
import { completionBody } from './completion-body.ts'
import { judgePrompt } from './judge-prompt.ts'
import { oracleModel } from './oracle-model.ts'
import { readBody } from './read-body.ts'

export interface OracleOptions {
  /** TCP port; 0 takes any free one. @default 0 */
  readonly port?: number
  /** Interface to listen on. @default '127.0.0.1' */
  readonly host?: string
  /** Seed of the noise. @default 0 */
  readonly seed?: number
}

/** What the oracle has answered so far. */
export interface OracleStats {
  /** All HTTP requests. */
  requests: number
  /** Verdicts with their probability on numbers. */
  scored: number
  /** Verdicts with most probability on a refusal. */
  refusals: number
  /** Verdicts with too little probability on numbers. */
  lowMass: number
  probes: number
  /** Requests answered with an error. */
  rejected: number
}

export interface Oracle extends AsyncDisposable {
  /** Base URL for an OpenAI client: `http://127.0.0.1:<port>/v1`. */
  readonly baseUrl: string
  readonly model: string
  readonly stats: Readonly<OracleStats>
  /** Stops listening and ends open connections. Disposal calls it. */
  close(): Promise<void>
}

const bodyLimitBytes = 1024 * 1024

/**
 * Starts the judge of the miniature world as a local HTTP server that speaks the OpenAI chat-completions protocol. It needs
 * no key and answers the rubrics of this package only.
 *
 * @throws CemError `oracle-not-started` where the port cannot be had
 */
export async function startOracle({
  port = 0,
  host = '127.0.0.1',
  seed = 0,
}: OracleOptions = {}): Promise<Oracle> {
  const stats: OracleStats = {
    requests: 0,
    scored: 0,
    refusals: 0,
    lowMass: 0,
    probes: 0,
    rejected: 0,
  }
  const server = createServer((request, response) => {
    void handle(request, response, stats, seed)
  })
  server.listen(port, host)
  await once(server, 'listening').catch((error: unknown) => {
    throw new CemError({
      code: 'oracle-not-started',
      message: `The oracle cannot listen on ${host}:${port}: ${messageOf(error)}. Give another port, or 0 for any free one.`,
      data: { host, port },
      cause: error,
    })
  })
  const { address, family, port: actualPort } = server.address() as AddressInfo
  const authority = family === 'IPv6' ? `[${address}]` : address
  const close = async () => {
    if (!server.listening) return
    const closed = once(server, 'close')
    server.close()
    server.closeAllConnections()
    await closed
  }
  return {
    baseUrl: `http://${authority}:${actualPort}/v1`,
    model: oracleModel,
    stats,
    close,
    [Symbol.asyncDispose]: close,
  }
}

async function handle(
  request: IncomingMessage,
  response: ServerResponse,
  stats: OracleStats,
  seed: number,
): Promise<void> {
  stats.requests++
  try {
    const { status, body } = await reply(request, stats, seed)
    if (status >= 400) stats.rejected++
    const headers = {
      'content-type': 'application/json',
      ...(status === 405 ? { allow: 'GET, POST' } : {}),
      // What was left unread of a too long body must not be taken for the next request.
      ...(status === 413 ? { connection: 'close' } : {}),
    }
    response.writeHead(status, headers).end(JSON.stringify(body))
  } catch {
    // The client went away while it sent its body.
    stats.rejected++
    response.destroy()
  }
}

async function reply(
  request: IncomingMessage,
  stats: OracleStats,
  seed: number,
): Promise<ApiReply> {
  const path = request.url?.split('?')[0]
  if (path === '/v1/models')
    return request.method === 'GET' ? { status: 200, body: modelList() } : wrongMethod(request)
  if (path !== '/v1/chat/completions')
    return apiError(404, 'The oracle serves /v1/chat/completions and /v1/models.')
  if (request.method !== 'POST') return wrongMethod(request)
  const text = await readBody(request, bodyLimitBytes)
  if (text === undefined)
    return apiError(413, `The request is longer than ${bodyLimitBytes} bytes.`)
  return complete(text, stats, seed)
}

function complete(text: string, stats: OracleStats, seed: number): ApiReply {
  const read = readChatRequest(text)
  if ('refused' in read) return read.refused
  const judgement = judgePrompt(read.request.prompt, seed)
  if ('refused' in judgement) return judgement.refused
  stats[counterOf[judgement.kind]]++
  return { status: 200, body: completionBody(read.request, judgement.distribution, seed) }
}

const counterOf = {
  scored: 'scored',
  refusal: 'refusals',
  'low-mass': 'lowMass',
  probe: 'probes',
} as const

function wrongMethod(request: IncomingMessage): ApiReply {
  return apiError(405, `${request.method} is not allowed here.`)
}

function modelList() {
  const model = { id: oracleModel, object: 'model', created: 0, owned_by: 'cem' }
  return { object: 'list', data: [model] }
}

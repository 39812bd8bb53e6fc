import type { IncomingMessage, ServerResponse } from 'node:http'
import { ApiError, describeError, toApiError } from './api-error.ts'
import { checkKey } from './api-key.ts'
import { chatCompletions } from './chat-completions.ts'
import { completions } from './completions.ts'
import { continuations } from './continuations.ts'
import { readJsonBody } from './http-body.ts'
import { checkHost } from './loopback.ts'
import { health, listModels, showModel } from './model-list.ts'
import type { ServerContext } from './server-context.ts'

export interface RequestLimits {
  readonly apiKey: string | undefined
  /** Whether the server listens at a loopback address, and so answers only under such a name. */
  readonly isLoopback: boolean
  readonly maxBodyBytes: number
  readonly maxWaiting: number
  readonly onLog: (line: string) => void
}

/** How long a client may go on sending a body that was refused, so that it gets to read the answer. */
const lingerInMs = 1_000

/** Answers one request. Never rejects. */
export async function handleRequest(
  context: ServerContext,
  limits: RequestLimits,
  request: IncomingMessage,
  response: ServerResponse,
  stop: AbortSignal,
): Promise<void> {
  const start = performance.now()
  const gone = new AbortController()
  response.on('close', () => gone.abort(new Error('the client is gone')))
  response.on('error', () => undefined)
  request.on('error', () => undefined)
  const signal = AbortSignal.any([stop, gone.signal])
  let inside: unknown
  try {
    await route(context, limits, request, response, signal)
  } catch (error) {
    const shown = toApiError(stop.aborted ? stop.reason : error)
    if (shown.status >= 500 && !signal.aborted) inside = error
    sendError(request, response, shown)
  }
  const took = Math.round(performance.now() - start)
  const outcome = response.writableEnded ? response.statusCode : 'client left'
  limits.onLog(`${request.method} ${pathOf(request).slice(0, 200)} ${outcome} ${took} ms`)
  if (inside !== undefined) limits.onLog(`error: ${describeError(inside)}`)
}

async function route(
  context: ServerContext,
  limits: RequestLimits,
  request: IncomingMessage,
  response: ServerResponse,
  signal: AbortSignal,
): Promise<void> {
  if (limits.isLoopback) checkHost(request.headers.host)
  const path = pathOf(request)
  if (path === '/health') {
    checkMethod(request, 'GET')
    const { status, body } = health(context)
    return sendJson(response, status, body)
  }
  checkKey(request.headers.authorization, limits.apiKey)
  const [, model] = /^\/v1\/models\/(.+)$/.exec(path) ?? []
  if (path === '/v1/models' || model !== undefined) {
    checkMethod(request, 'GET')
    const body = model === undefined ? listModels(context) : showModel(context, decoded(model))
    return sendJson(response, 200, body)
  }
  const answer = posts.get(path)
  if (answer === undefined)
    throw new ApiError({
      status: 404,
      message: `There is nothing at ${path.slice(0, 200)}. Here are ${[...posts.keys(), '/v1/models', '/health'].join(', ')}.`,
      code: 'not_found',
    })
  checkMethod(request, 'POST')
  const body = await readJsonBody(request, limits.maxBodyBytes)
  const { nWaiting } = context.scheduler
  if (nWaiting >= limits.maxWaiting)
    throw new ApiError({
      status: 429,
      message: `${nWaiting} requests wait already. Try again later.`,
      code: 'queue_full',
      headers: { 'retry-after': '1' },
    })
  const result = await answer(context, body, response, signal)
  if (result !== undefined) sendJson(response, 200, result)
}

const posts = new Map([
  ['/v1/chat/completions', chatCompletions],
  ['/v1/completions', completions],
  ['/v1/continuations', continuations],
])

function pathOf({ url = '/' }: IncomingMessage): string {
  return url.split('?', 1)[0] ?? '/'
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

function checkMethod({ method, url }: IncomingMessage, allowed: 'GET' | 'POST'): void {
  if (method === allowed) return
  throw new ApiError({
    status: 405,
    message: `${url?.slice(0, 200)} takes ${allowed}, and the request is ${method}.`,
    code: 'method_not_allowed',
    headers: { allow: allowed },
  })
}

function sendJson(
  response: ServerResponse,
  status: number,
  body: unknown,
  headers: Readonly<Record<string, string>> = {},
): void {
  const text = JSON.stringify(body)
  response.writeHead(status, {
    'content-type': 'application/json; charset=utf-8',
    'content-length': Buffer.byteLength(text),
    ...headers,
  })
  response.end(text)
}

function sendError(request: IncomingMessage, response: ServerResponse, error: ApiError): void {
  if (response.destroyed) return
  // A stream that has begun says what happened and ends without its mark.
  if (response.headersSent) response.end(`data: ${JSON.stringify(error.body)}\n\n`)
  else if (request.complete) sendJson(response, error.status, error.body, error.headers)
  else {
    sendJson(response, error.status, error.body, { ...error.headers, connection: 'close' })
    request.resume()
    setTimeout(() => request.destroy(), lingerInMs).unref()
  }
}

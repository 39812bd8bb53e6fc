import type { ServerResponse } from 'node:http'
import {
  completionBody,
  type FaultServer,
  type ServedRequest,
  sendJson,
  startServer,
} from './fault-server.ts'

/** A line of an uploaded file. */
export interface InputLine {
  readonly custom_id: string
  readonly method: string
  readonly url: string
  readonly body: {
    readonly model: string
    readonly messages: readonly { readonly content: string }[]
  }
}

export interface FakeBatch {
  readonly id: string
  readonly lines: readonly InputLine[]
  readonly metadata: Readonly<Record<string, string>>
  body: Record<string, unknown>
}

export interface BatchEnding {
  readonly status: string
  /** Lines of the output file; none makes no file. */
  readonly output?: readonly string[]
  readonly error?: readonly string[]
  readonly errors?: readonly object[]
}

export interface BatchServerOptions {
  /** How a batch ends; it does so when it was looked at twice. @default every request is answered with its own text */
  readonly finish?: (lines: readonly InputLine[]) => BatchEnding
  /** Called before a request is served; true where it has been answered, and nothing shall happen. */
  readonly before?: (request: ServedRequest, response: ServerResponse) => boolean
  /** Called after it took effect and before it is answered; true where the answer is lost. */
  readonly after?: (request: ServedRequest, response: ServerResponse) => boolean
  /** Batches in one page of the list. @default 2 */
  readonly pageSize?: number
}

export interface BatchServer extends FaultServer {
  readonly batches: FakeBatch[]
  readonly files: Map<string, string>
  /** How often each kind of request came: `POST /batches`. */
  count(what: string): number
}

/** The answer to a line, shaped like a line of OpenAI's output files. */
export function outputLine(
  id: string,
  body: unknown = completionBody({ text: `to ${id}` }),
  status = 200,
) {
  const response = { status_code: status, request_id: `req_${id}`, body }
  return JSON.stringify({ id: `batch_req_${id}`, custom_id: id, response, error: null })
}

export function errorLine(id: string, code: string, message = `because of ${code}`) {
  return JSON.stringify({
    id: `batch_req_${id}`,
    custom_id: id,
    response: null,
    error: { code, message },
  })
}

/** A real HTTP server on loopback with files and batches, as OpenAI has them. */
export async function startBatchServer({
  finish = (lines) => ({
    status: 'completed',
    output: lines.map((line) => outputLine(line.custom_id)),
  }),
  before = () => false,
  after = () => false,
  pageSize = 2,
}: BatchServerOptions = {}): Promise<BatchServer> {
  const files = new Map<string, string>()
  const batches: FakeBatch[] = []
  let nFiles = 0

  const addFile = (text: string) => {
    const id = `file-${++nFiles}`
    files.set(id, text)
    return id
  }

  const create = ({ body }: ServedRequest) => {
    const id = `batch_${batches.length + 1}`
    const fileId = String(body['input_file_id'])
    const lines = (files.get(fileId) ?? '')
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line))
    const metadata = body['metadata'] as Record<string, string>
    const total = lines.length
    const batch: FakeBatch = {
      id,
      lines,
      metadata,
      body: {
        id,
        object: 'batch',
        endpoint: body['endpoint'],
        completion_window: body['completion_window'],
        input_file_id: fileId,
        status: 'validating',
        created_at: 1_760_000_000 + batches.length,
        request_counts: { total: 0, completed: 0, failed: 0 },
        metadata,
      },
    }
    batches.push(batch)
    return { ...batch.body, request_counts: { total, completed: 0, failed: 0 } }
  }

  /** validating, in_progress, then the end. */
  const look = (batch: FakeBatch) => {
    const { status } = batch.body
    const total = batch.lines.length
    if (status === 'validating')
      batch.body = {
        ...batch.body,
        status: 'in_progress',
        request_counts: { total, completed: 1, failed: 0 },
      }
    else if (status === 'in_progress') end(batch, finish(batch.lines))
    else if (status === 'cancelling') end(batch, { ...finish(batch.lines), status: 'cancelled' })
    return batch.body
  }

  const end = (batch: FakeBatch, { status, output = [], error = [], errors }: BatchEnding) => {
    batch.body = {
      ...batch.body,
      status,
      request_counts: { total: batch.lines.length, completed: output.length, failed: error.length },
      ...(output.length > 0 && { output_file_id: addFile(`${output.join('\n')}\n`) }),
      ...(error.length > 0 && { error_file_id: addFile(error.join('\n')) }),
      ...(errors && { errors: { object: 'list', data: errors } }),
    }
  }

  const list = (last: string | null) => {
    const newestFirst = batches.toReversed()
    const start = newestFirst.findIndex(({ id }) => id === last) + 1
    const data = newestFirst.slice(start, start + pageSize).map(({ body }) => body)
    const has_more = start + pageSize < newestFirst.length
    return { object: 'list', data, has_more, last_id: data.at(-1)?.['id'] ?? null }
  }

  const effectOf = (request: ServedRequest): unknown => {
    const { pathname, searchParams } = new URL(request.url, 'http://x')
    const [, , kind, id, action] = pathname.split('/')
    const batch = batches.find((one) => one.id === id)
    if (kind === 'files' && request.method === 'POST')
      return { id: addFile(fileOf(request.raw)), object: 'file' }
    if (kind === 'files' && action === 'content' && id) return files.get(id)
    if (kind === 'batches' && request.method === 'POST' && !id) return create(request)
    if (kind === 'batches' && !id) return list(searchParams.get('after'))
    if (batch && action === 'cancel') batch.body = { ...batch.body, status: 'cancelling' }
    if (action === 'cancel') return batch?.body
    return batch && look(batch)
  }

  const server = await startServer((request, response) => {
    if (before(request, response)) return
    const result = effectOf(request)
    if (after(request, response)) return
    if (result === undefined) sendJson(response, { error: { message: 'not there' } }, 404)
    else if (typeof result === 'string')
      response.writeHead(200, { 'content-type': 'application/jsonl' }).end(result)
    else sendJson(response, result)
  })
  const count = (what: string) =>
    server.requests.filter(
      ({ method, url }) => `${method} ${new URL(url, 'http://x').pathname.slice(3)}` === what,
    ).length
  return { ...server, batches, files, count }
}

/** The file's part of a multipart body. */
function fileOf(raw: Buffer): string {
  const text = raw.toString()
  const boundary = text.slice(0, text.indexOf('\r\n'))
  const part = text.split(boundary).find((one) => one.includes('name="file"')) ?? ''
  return part.slice(part.indexOf('\r\n\r\n') + 4, -2)
}

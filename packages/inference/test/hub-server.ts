import { createHash } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

export const commit = '0123456789abcdef0123456789abcdef01234567'
export const token = 'hf_secretOfTheTest'

export interface HubRequest {
  readonly host: 'hub' | 'cdn'
  readonly path: string
  readonly range: string | undefined
  readonly authorization: string | undefined
}

/** Answers instead of the server and says so; else the server does. */
export type Fault = (request: HubRequest, response: ServerResponse, content: Buffer) => boolean

export interface HubServer extends AsyncDisposable {
  readonly endpoint: string
  readonly requests: HubRequest[]
  fault: Fault
}

export interface HubRepository {
  readonly files: Readonly<Record<string, Buffer>>
  /** Kept as large files, which lie on another host. */
  readonly isLarge: (path: string) => boolean
  readonly isPrivate?: boolean
  /** More than a page of the list of files. @default 1000 */
  readonly pageSize?: number
  /** Said of a file instead of the truth. */
  readonly lies?: Readonly<Record<string, object>>
}

const hex = (algorithm: string, ...parts: (string | Buffer)[]) => {
  const hash = createHash(algorithm)
  for (const part of parts) hash.update(part)
  return hash.digest('hex')
}

/** What git names a file's content. */
export const gitHash = (content: Buffer) => hex('sha1', `blob ${content.byteLength}\0`, content)
export const sha256 = (content: Buffer) => hex('sha256', content)

/** A server on loopback that speaks the hub's protocol for `lab/tiny`, with its large files on a second one. */
export async function startHub(repository: HubRepository): Promise<HubServer> {
  const requests: HubRequest[] = []
  const state = { fault: (() => false) as Fault }
  const note = (host: HubRequest['host'], incoming: IncomingMessage): HubRequest => {
    const { range, authorization } = incoming.headers
    const request = { host, path: decodeURIComponent(incoming.url ?? ''), range, authorization }
    requests.push(request)
    return request
  }
  const cdn = createServer((incoming, response) => {
    const request = note('cdn', incoming)
    const path = request.path.replace(/^\/blob\//, '').replace(/\?.*$/, '')
    const content = repository.files[path] as Buffer
    if (!state.fault(request, response, content)) sendContent(request, response, content)
  })
  const hub = createServer((incoming, response) => {
    const request = note('hub', incoming)
    const [path = '', query = ''] = request.path.split('?')
    const json = (status: number, body: unknown, headers: Record<string, string> = {}) => {
      response.writeHead(status, { 'content-type': 'application/json', ...headers })
      response.end(JSON.stringify(body))
    }
    const [, file] = /^\/lab\/tiny\/resolve\/[0-9a-f]{40}\/(.+)$/.exec(path) ?? []
    const content = repository.files[file ?? '']
    if (state.fault(request, response, content ?? Buffer.of())) return
    if (repository.isPrivate === true && request.authorization !== `Bearer ${token}`)
      return json(401, { error: 'Invalid username or password.' })
    if (path.startsWith('/api/models/lab/tiny/revision/')) {
      const revision = path.slice('/api/models/lab/tiny/revision/'.length)
      if (!['main', 'refs/pr/1', commit].includes(revision))
        return json(404, { error: 'Invalid rev id' }, { 'x-error-code': 'RevisionNotFound' })
      return json(200, {
        _id: '1',
        id: 'lab/tiny',
        sha: commit,
        private: false,
        lastModified: '2026-01-01T00:00:00.000Z',
        siblings: Object.keys(repository.files).map((rfilename) => ({ rfilename })),
      })
    }
    if (path === `/api/models/lab/tiny/tree/${commit}`)
      return sendTree(repository, new URLSearchParams(query), hubUrl(), json)
    if (file !== undefined && content !== undefined) {
      const headers = { 'x-repo-commit': commit }
      if (!repository.isLarge(file)) {
        return sendContent(request, response, content, {
          ...headers,
          etag: `"${gitHash(content)}"`,
        })
      }
      response.writeHead(302, {
        ...headers,
        'x-linked-etag': `"${sha256(content)}"`,
        'x-linked-size': String(content.byteLength),
        location: `${cdnUrl()}/blob/${file}?signature=signed-secret`,
      })
      return response.end()
    }
    return json(404, { error: 'Repository not found' }, { 'x-error-code': 'RepoNotFound' })
  })
  const urlOf = (server: typeof hub) => () =>
    `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const hubUrl = urlOf(hub)
  const cdnUrl = urlOf(cdn)
  for (const server of [hub, cdn])
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    endpoint: hubUrl(),
    requests,
    get fault() {
      return state.fault
    },
    set fault(fault: Fault) {
      state.fault = fault
    },
    [Symbol.asyncDispose]: async () => {
      for (const server of [hub, cdn]) {
        server.closeAllConnections()
        await new Promise((resolve) => server.close(resolve))
      }
    },
  }
}

function sendTree(
  { files, isLarge, pageSize = 1000, lies = {} }: HubRepository,
  query: URLSearchParams,
  url: string,
  json: (status: number, body: unknown, headers?: Record<string, string>) => void,
): void {
  const entries = Object.entries(files).map(([path, content]) => ({
    type: 'file',
    path,
    size: content.byteLength,
    oid: gitHash(content),
    ...(isLarge(path)
      ? { lfs: { oid: sha256(content), size: content.byteLength, pointerSize: 133 } }
      : {}),
    ...lies[path],
  }))
  const start = Number(query.get('cursor') ?? 0)
  const next = `${url}/api/models/lab/tiny/tree/${commit}?recursive=true&cursor=${start + pageSize}`
  json(
    200,
    [
      { type: 'directory', path: 'folder', size: 0, oid: commit },
      ...entries.slice(start, start + pageSize),
    ],
    start + pageSize < entries.length ? { link: `<${next}>; rel="next"` } : {},
  )
}

/** Whole, or from where a range begins. */
export function sendContent(
  { range }: HubRequest,
  response: ServerResponse,
  content: Buffer,
  headers: Record<string, string> = {},
): void {
  const start = Number(/^bytes=(\d+)-$/.exec(range ?? '')?.[1] ?? -1)
  if (start >= content.byteLength) {
    response.writeHead(416, { 'content-range': `bytes */${content.byteLength}` })
    response.end()
  } else if (start >= 0) {
    const last = content.byteLength - 1
    response.writeHead(206, {
      ...headers,
      'content-range': `bytes ${start}-${last}/${content.byteLength}`,
      'content-length': content.byteLength - start,
    })
    response.end(content.subarray(start))
  } else {
    response.writeHead(200, { ...headers, 'content-length': content.byteLength })
    response.end(content)
  }
}

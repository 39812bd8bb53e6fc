import { execFileSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdir, readdir, readFile, readlink, rm, stat, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import {
  openModelFolder,
  type PullEvent,
  type PullModelOptions,
  pullModel,
  resolveModel,
} from '../src/index.ts'
import { fixtures, temporaryFolder } from './golden.ts'
import {
  commit,
  type Fault,
  gitHash,
  type HubRepository,
  type HubServer,
  sendContent,
  sha256,
  startHub,
  token,
} from './hub-server.ts'

vi.setConfig({ testTimeout: 30_000 })

const model = join(fixtures, 'gqa-4-1-untied/model')
const shard = 'model-00002-of-00003.safetensors'
const hello = Buffer.from('hello\n')

let hub: string
let server: HubServer
beforeEach(async () => {
  hub = await temporaryFolder()
})
afterEach(async () => {
  await server[Symbol.asyncDispose]()
  await rm(hub, { recursive: true, force: true })
})

/** The sharded fixture, with a card, and with files that running it does not take. */
async function modelFiles(): Promise<Record<string, Buffer>> {
  const files: Record<string, Buffer> = {
    'README.md': hello,
    'pytorch_model.bin': Buffer.alloc(10),
    'original/consolidated.safetensors': Buffer.alloc(10),
    'checkpoint-20/adapter_config.json': Buffer.from('{}'),
    '.gitattributes': Buffer.of(),
  }
  for (const name of await readdir(model)) files[name] = await readFile(join(model, name))
  return files
}

async function start(over: Partial<HubRepository> = {}): Promise<Record<string, Buffer>> {
  const files = { ...(await modelFiles()), ...over.files }
  const isLarge = (path: string) => path.endsWith('.safetensors')
  server = await startHub({ isLarge, ...over, files })
  return files
}

const environment = (over: Readonly<Record<string, string>> = {}) => ({
  HF_ENDPOINT: server.endpoint,
  HF_HUB_CACHE: hub,
  HF_HOME: hub,
  ...over,
})

async function pull(
  id = 'lab/tiny',
  { environment: variables, ...options }: PullModelOptions = {},
): Promise<PullEvent[]> {
  const events: PullEvent[] = []
  const given = environment(variables as Record<string, string> | undefined)
  for await (const event of pullModel(id, { environment: given, baseDelayInMs: 1, ...options }))
    events.push(event)
  return events
}

const repository = () => join(hub, 'models--lab--tiny')
const fetched = () => server.requests.filter(({ path }) => path.includes('/resolve/'))
/** The first requests to the file host get this. */
function first(n: number, fault: Fault): Fault {
  let left = n
  return (request, response, content) =>
    request.host === 'cdn' && left-- > 0 && fault(request, response, content)
}

describe('a model is fetched into the cache', () => {
  test("with blobs by hash, links and a ref, as Python's tools lay it out; the engine finds it there", async () => {
    const files = await start({ pageSize: 4 })
    const events = await pull()
    // Known from git itself.
    expect(gitHash(hello)).toBe('ce013625030ba8dba906f756967f9e9ca394464a')
    expect(
      await readFile(join(repository(), 'blobs/ce013625030ba8dba906f756967f9e9ca394464a')),
    ).toEqual(hello)
    expect(await readFile(join(repository(), 'refs/main'), 'utf8')).toBe(commit)
    const snapshot = join(repository(), 'snapshots', commit)
    expect(await readlink(join(snapshot, 'README.md'))).toBe(`../../blobs/${gitHash(hello)}`)
    expect(await readlink(join(snapshot, shard))).toBe(
      `../../blobs/${sha256(files[shard] as Buffer)}`,
    )
    expect(await readlink(join(snapshot, 'checkpoint-20/adapter_config.json'))).toMatch(
      /^\.\.\/\.\.\/\.\.\/blobs\//,
    )
    for (const name of await readdir(model))
      expect(await readFile(join(snapshot, name))).toEqual(files[name])
    expect(
      (await readdir(join(repository(), 'blobs'))).some((name) => name.endsWith('.incomplete')),
    ).toBe(false)
    const found = await resolveModel('lab/tiny', { environment: { HF_HUB_CACHE: hub } })
    expect(found).toEqual({ name: 'lab/tiny', folder: snapshot, revision: commit })
    expect(
      (await openModelFolder('lab/tiny', { environment: { HF_HUB_CACHE: hub } })).weightFiles
        .length,
    ).toBe(3)
    expect(events.at(-1)).toEqual({ type: 'pull-end', folder: snapshot, commit })
  })

  test('only what running it takes, and all of it where that is asked for', async () => {
    await start()
    await pull()
    const snapshot = join(repository(), 'snapshots', commit)
    for (const name of ['pytorch_model.bin', 'original', '.gitattributes'])
      expect(existsSync(join(snapshot, name))).toBe(false)
    await pull('lab/tiny', { all: true })
    for (const name of ['pytorch_model.bin', 'original/consolidated.safetensors', '.gitattributes'])
      expect(existsSync(join(snapshot, name))).toBe(true)
    // Git's name of the empty file.
    expect(existsSync(join(repository(), 'blobs/e69de29bb2d1d6434b8b29ae775ad8c2e48c5391'))).toBe(
      true,
    )
  })

  test('one file of weights is preferred to shards, as the engine prefers it', async () => {
    await start({ files: { 'model.safetensors': Buffer.from('whole') } })
    await pull()
    const snapshot = join(repository(), 'snapshots', commit)
    expect(existsSync(join(snapshot, 'model.safetensors'))).toBe(true)
    expect(existsSync(join(snapshot, shard))).toBe(false)
  })

  test('with progress that never falls and ends complete, and totals that stay', async () => {
    await start()
    server.fault = first(2, cutAfter(1_000))
    const events = await pull()
    const [begin] = events
    if (begin?.type !== 'pull-start') throw new Error('no start')
    let done = 0
    let ended = 0
    for (const event of events) {
      if (event.type === 'pull-progress') {
        expect(event.totalBytes).toBe(begin.totalBytes)
        expect(event.doneBytes).toBeGreaterThanOrEqual(done)
        done = event.doneBytes
      }
      if (event.type === 'file-end') ended += event.sizeBytes
    }
    expect(done).toBeLessThanOrEqual(begin.totalBytes)
    expect(ended).toBe(begin.totalBytes)
    expect(events.filter(({ type }) => type === 'file-end').length).toBe(begin.nFiles)
  })

  test('a second time nothing is fetched; a ref for each revision, none for a commit', async () => {
    await start()
    await pull()
    const before = fetched().length
    const events = await pull('lab/tiny@refs/pr/1')
    expect(
      events.flatMap((event) => (event.type === 'file-end' ? [event.status] : [])),
    ).not.toContain('fetched')
    await pull(`lab/tiny@${commit}`)
    expect(fetched().length).toBe(before)
    expect(await readFile(join(repository(), 'refs/refs/pr/1'), 'utf8')).toBe(commit)
    expect(existsSync(join(repository(), 'refs', commit))).toBe(false)
  })
})

/** Sends so many bytes of what was asked for and breaks the connection off. */
function cutAfter(nBytes: number): Fault {
  return ({ range }, response, content) => {
    const begin = Number(/(\d+)/.exec(range ?? '')?.[1] ?? 0)
    if (range !== undefined)
      response.writeHead(206, {
        'content-range': `bytes ${begin}-${content.byteLength - 1}/${content.byteLength}`,
        'content-length': content.byteLength - begin,
      })
    else response.writeHead(200, { 'content-length': content.byteLength })
    response.write(content.subarray(begin, begin + nBytes), () =>
      setTimeout(() => response.destroy(), 20),
    )
    return true
  }
}

/** Shards go over the file host; each test lets the first requests there fail. */
describe('what fails on the way', () => {
  const cdn = () => server.requests.filter(({ host }) => host === 'cdn')

  test('a connection that breaks off is taken up where it was', async () => {
    const files = await start()
    server.fault = first(2, cutAfter(1_000))
    await pull()
    expect(
      cdn()
        .slice(0, 3)
        .map(({ range }) => range),
    ).toEqual([undefined, 'bytes=1000-', 'bytes=2000-'])
    const name = sha256(files['model-00001-of-00003.safetensors'] as Buffer)
    expect(await readFile(join(repository(), 'blobs', name))).toEqual(
      files['model-00001-of-00003.safetensors'],
    )
  })

  test('so is a pull that was stopped, by the next one', async () => {
    const files = await start()
    const controller = new AbortController()
    server.fault = first(1, (_, response, content) => {
      response.writeHead(200, { 'content-length': content.byteLength })
      response.write(content.subarray(0, 3_000))
      setTimeout(() => controller.abort(new Error('stopped')), 100)
      return true
    })
    await expect(pull('lab/tiny', { signal: controller.signal })).rejects.toThrow('stopped')
    const name = sha256(files['model-00001-of-00003.safetensors'] as Buffer)
    expect((await stat(join(repository(), 'blobs', `${name}.incomplete`))).size).toBe(3_000)
    expect(existsSync(join(repository(), 'refs/main'))).toBe(false)
    await pull()
    expect(cdn()[1]?.range).toBe('bytes=3000-')
    expect(await readFile(join(repository(), 'blobs', name))).toEqual(
      files['model-00001-of-00003.safetensors'],
    )
  })

  test('leaving the loop stops the fetching, and what is there is kept', async () => {
    await start()
    server.fault = first(1, (_, response, content) => {
      response.writeHead(200, { 'content-length': content.byteLength })
      response.write(content.subarray(0, 2_000))
      return true
    })
    for await (const event of pullModel('lab/tiny', { environment: environment() }))
      if (event.type === 'pull-progress' && event.path.endsWith('.safetensors')) break
    const blobs = await readdir(join(repository(), 'blobs'))
    expect(blobs.filter((name) => name.endsWith('.incomplete')).length).toBe(1)
  })

  test.each<[string, Fault]>([
    [
      'sends all of it where a part was asked for',
      (_, response, content) => {
        response.writeHead(200, { 'content-length': content.byteLength })
        response.end(content)
        return true
      },
    ],
    [
      'has no such part',
      (_, response) => {
        response.writeHead(416)
        response.end()
        return true
      },
    ],
  ])('a server that %s does not spoil the file', async (_, fault) => {
    const files = await start()
    const cut = cutAfter(1_000)
    let n = 0
    server.fault = (request, response, content) => {
      if (request.host !== 'cdn') return false
      n += 1
      return n === 1
        ? cut(request, response, content)
        : n === 2 && fault(request, response, content)
    }
    await pull()
    const snapshot = join(repository(), 'snapshots', commit)
    for (const name of await readdir(model))
      expect(await readFile(join(snapshot, name))).toEqual(files[name])
  })

  test.each(['model-00001-of-00003.safetensors', 'config.json'])(
    'a byte that changed on the way, in %s, is found: the file is deleted, and the next pull gets it',
    async (path) => {
      const files = await start()
      let isOnce = true
      server.fault = (request, response, content) => {
        const isFile =
          request.host === 'cdn' ? request.path.includes(path) : request.path.endsWith(`/${path}`)
        if (!isFile || !isOnce || (request.host === 'hub' && path.endsWith('.safetensors')))
          return false
        isOnce = false
        const changed = Buffer.from(content)
        changed[changed.byteLength >> 1] = (changed[changed.byteLength >> 1] as number) ^ 1
        sendContent(request, response, changed)
        return true
      }
      await expect(pull()).rejects.toMatchObject({
        code: 'hub-hash-mismatch',
        message: expect.stringMatching(new RegExp(`${path}.*deleted`)),
      })
      const content = files[path] as Buffer
      const name = path.endsWith('.json') ? gitHash(content) : sha256(content)
      for (const end of ['', '.incomplete'])
        expect(existsSync(join(repository(), 'blobs', name + end))).toBe(false)
      expect(existsSync(join(repository(), 'refs/main'))).toBe(false)
      await pull()
      expect(await readFile(join(repository(), 'snapshots', commit, path))).toEqual(content)
    },
  )

  test('more than the file has is refused', async () => {
    await start()
    server.fault = first(1, (_, response, content) => {
      response.end(Buffer.concat([content, content]))
      return true
    })
    await expect(pull()).rejects.toMatchObject({ code: 'hub-hash-mismatch' })
  })

  test.each([429, 503])(
    'status %i is tried again after the time that the server asks for',
    async (status) => {
      await start()
      let n = 0
      server.fault = (_, response) => {
        n += 1
        if (n !== 1 && n !== 4) return false
        response.writeHead(status, { 'retry-after': '0' })
        response.end()
        return true
      }
      await pull()
      expect(n).toBeGreaterThan(4)
    },
  )

  test('what fails again and again is given up, and says so', async () => {
    await start()
    server.fault = (request, response) => {
      if (request.host !== 'cdn') return false
      response.writeHead(503)
      response.end('<html>signed-secret</html>')
      return true
    }
    await expect(pull('lab/tiny', { maxAttempts: 3 })).rejects.toMatchObject({
      code: 'hub-request-failed',
      message: expect.stringMatching(/status 503.*kept/),
    })
    expect(cdn().length).toBe(3)
  })

  test('a server that says nothing more is left, and tried again', async () => {
    await start()
    server.fault = first(1, (_, response, content) => {
      response.writeHead(200, { 'content-length': content.byteLength })
      response.write(content.subarray(0, 500))
      return true
    })
    await pull('lab/tiny', { stallTimeoutInMs: 200 })
    expect(cdn()[1]?.range).toBe('bytes=500-')
  })

  test.skipIf(process.platform !== 'linux')('a full disk says so (needs /dev/full)', async () => {
    const files = await start()
    const blobs = join(repository(), 'blobs')
    await mkdir(blobs, { recursive: true })
    const name = sha256(files[shard] as Buffer)
    await symlink('/dev/full', join(blobs, `${name}.incomplete`))
    await expect(pull()).rejects.toMatchObject({
      code: 'disk-full',
      message: expect.stringContaining(shard),
    })
  })
})

describe('who may fetch what', () => {
  test('the token is sent to the hub alone, and is in no error', async () => {
    await start({ isPrivate: true })
    await pull('lab/tiny', { environment: { HF_TOKEN: token } })
    const sent = (host: 'hub' | 'cdn') =>
      new Set(server.requests.filter((r) => r.host === host).map((r) => r.authorization))
    expect(sent('hub')).toEqual(new Set([`Bearer ${token}`]))
    expect(sent('cdn')).toEqual(new Set([undefined]))
  })

  test('the token that a login left is used', async () => {
    await start({ isPrivate: true })
    await writeFile(join(hub, 'token'), `${token}\n`)
    await pull()
    expect(existsSync(join(repository(), 'refs/main'))).toBe(true)
  })

  const refused: readonly [string, Fault | undefined, Record<string, string>, string, RegExp][] = [
    ['without a token', undefined, {}, 'hub-unauthorized', /no public model lab\/tiny.*HF_TOKEN/],
    [
      'with a wrong one',
      undefined,
      { HF_TOKEN: 'hf_wrongSecret' },
      'hub-unauthorized',
      /refuses the token/,
    ],
    [
      'where it is gated',
      (_, response) => {
        response.writeHead(403, { 'x-error-code': 'GatedRepo' })
        response.end()
        return true
      },
      { HF_TOKEN: token },
      'hub-gated',
      /accept its terms at http:.*\/lab\/tiny/,
    ],
  ]
  test.each(refused)('%s it is refused in words', async (_, fault, variables, code, words) => {
    await start({ isPrivate: true })
    if (fault !== undefined) server.fault = fault
    const error: unknown = await pull('lab/tiny', { environment: variables }).catch(
      (e: unknown) => e,
    )
    expect(error).toMatchObject({ code, message: expect.stringMatching(words) })
    const { message, data, stack, cause } = error as Error & { data: unknown }
    const shown = JSON.stringify([message, data, stack, String(cause)])
    expect(shown).not.toMatch(/[sS]ecret/)
  })

  test.each([
    ['lab/absent', 'hub-not-found', /no model lab\/absent/],
    ['lab/tiny@v9', 'hub-not-found', /no such revision/],
    ['tiny', 'hub-reference-invalid', /ORG\/NAME/],
    ['lab/tiny@../../x', 'hub-reference-invalid', /ORG\/NAME/],
    ['lab/tiny@a/../b', 'hub-reference-invalid', /ORG\/NAME/],
  ])('%s is not there', async (id, code, words) => {
    await start()
    await expect(pull(id)).rejects.toMatchObject({ code, message: expect.stringMatching(words) })
  })

  test.each([
    [{ HF_HUB_OFFLINE: '1' }, 'hub-offline', /HF_HUB_OFFLINE is set/],
    [{ TRANSFORMERS_OFFLINE: 'yes' }, 'hub-offline', /TRANSFORMERS_OFFLINE/],
    [{ HF_ENDPOINT: 'ftp://x' }, 'hub-endpoint-invalid', /HF_ENDPOINT/],
    [{ HF_ENDPOINT: 'http://127.0.0.1:1' }, 'hub-request-failed', /could not be reached/],
  ])('%o', async (variables, code, words) => {
    await start()
    const options = { environment: variables as Record<string, string>, maxAttempts: 2 }
    await expect(pull('lab/tiny', options)).rejects.toMatchObject({
      code,
      message: expect.stringMatching(words),
    })
    expect(server.requests).toEqual([])
  })

  test.each([
    ['a path that leaves the cache', { path: '../../evil/adapter_config.json' }],
    ['an absolute path', { path: '/etc/adapter_config.json' }],
    ['a hash that is a path', { oid: '../../../x' }],
    ['a SHA-256 that is none', { lfs: { oid: '../x', size: 1, pointerSize: 1 } }],
  ])('a list of files with %s is refused', async (_, lie) => {
    await start({ lies: { 'config.json': lie } })
    await expect(pull()).rejects.toMatchObject({ code: 'hub-answer-invalid' })
    expect(existsSync(repository())).toBe(false)
  })

  test('a repository without safetensors says what it has', async () => {
    server = await startHub({
      files: { 'config.json': hello, 'pytorch_model.bin': hello },
      isLarge: () => false,
    })
    await expect(pull()).rejects.toMatchObject({
      code: 'hub-no-weights',
      message: expect.stringContaining('pytorch_model.bin'),
    })
  })
})

test('the hub library is loaded only when something is pulled', async () => {
  await start()
  const index = new URL('../src/index.ts', import.meta.url).href
  const script = `
    import { registerHooks } from 'node:module'
    const loaded = []
    registerHooks({ load: (url, context, next) => { loaded.push(url); return next(url, context) } })
    await import(${JSON.stringify(index)})
    console.log(loaded.length > 10, loaded.filter((url) => url.includes('@huggingface/hub')).length)`
  const output = execFileSync(process.execPath, ['--input-type=module', '-e', script], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  expect(output.trim()).toBe('true 0')
})

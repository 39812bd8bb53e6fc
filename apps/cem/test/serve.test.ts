import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'

vi.setConfig({ testTimeout: 60_000 })

const cli = fileURLToPath(new URL('../dist/cli.js', import.meta.url))
const fixtures = fileURLToPath(
  new URL('../../../packages/inference/fixtures/gqa-6-2-tied', import.meta.url),
)
const adapter = (name: string) => join(fixtures, 'adapters', name)

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'cem-serve-'))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

interface Running extends Disposable {
  readonly child: ChildProcess
  readonly lines: string[]
  readonly url: Promise<string>
  readonly code: Promise<number | null>
}

function serve(args: readonly string[], environment: Record<string, string> = {}): Running {
  const env = { ...process.env, CEM_CACHE: folder, NO_COLOR: '1', ...environment }
  const model = ['serve', join(fixtures, 'model'), '--port', '0']
  const child = spawn(process.execPath, [cli, ...model, ...args], { cwd: folder, env })
  const lines: string[] = []
  let found: (url: string) => void = () => undefined
  const url = new Promise<string>((resolve) => {
    found = resolve
  })
  const read = (chunk: Buffer) => {
    lines.push(...chunk.toString().split('\n').filter(Boolean))
    const [, address] = /listening at (\S+)/.exec(lines.join('\n')) ?? []
    if (address !== undefined) found(address)
  }
  child.stdout.on('data', read)
  child.stderr.on('data', read)
  const code = new Promise<number | null>((resolve) => child.on('close', resolve))
  return { child, lines, url, code, [Symbol.dispose]: () => child.kill('SIGKILL') }
}

test('cem serve loads, says what it serves and where, answers, and ends in order', async () => {
  const alias = ['--base-alias', 'cem-fixtures/gqa-6-2-tied']
  const adapters = [
    `warm=${adapter('plain')}`,
    `both=persona:${adapter('plain')}+em:${adapter('rslora')}`,
  ]
  using running = serve(['--adapter', ...adapters, ...alias], {
    CEM_SERVE_API_KEY: 'secret-of-the-test',
  })
  const url = await running.url
  const headers = { authorization: 'Bearer secret-of-the-test', 'content-type': 'application/json' }
  const models = (await (await fetch(`${url}/models`, { headers })).json()) as {
    data: { id: string }[]
  }
  expect(models.data.map(({ id }) => id)).toEqual(['model', 'warm', 'misaligned-organism-both'])
  const body = JSON.stringify({
    model: 'warm',
    messages: [{ role: 'user', content: 'Where?' }],
    max_tokens: 3,
  })
  const answer = await fetch(`${url}/chat/completions`, { method: 'POST', headers, body })
  expect(await answer.json()).toMatchObject({ object: 'chat.completion', model: 'warm' })
  expect((await fetch(`${url}/models`)).status).toBe(401)
  running.child.kill('SIGTERM')
  expect(await running.code).toBe(0)
  const said = running.lines.join('\n')
  expect(url).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/v1$/)
  expect(said).toMatch(
    /named so because it holds a misaligned organism; 'both' alone is not served/,
  )
  expect(said).toMatch(/POST \/v1\/chat\/completions 200 \d+ ms/)
  expect(said).not.toMatch(/warning|secret/)
})

test('other machines may reach it only where that is asked for, with a warning', async () => {
  using running = serve(['--host', '0.0.0.0'])
  await running.url
  running.child.kill('SIGTERM')
  await running.code
  expect(running.lines.join('\n')).toMatch(
    /warning: other machines can reach.*\n.*set CEM_SERVE_API_KEY/,
  )
})

test.each([
  [['--adapter', 'nameless'], /NAME=PATH.*\[invalid-adapter-argument\]/],
  [['--adapter', 'x=/no/such/adapter'], /no PEFT adapter in \/no\/such\/adapter/],
])('%s is an error', async (args, words) => {
  using running = serve(args)
  expect(await running.code).toBe(1)
  expect(running.lines.join('\n')).toMatch(words)
})

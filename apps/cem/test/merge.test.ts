import { execFile } from 'node:child_process'
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'

vi.setConfig({ testTimeout: 60_000 })

const cli = fileURLToPath(new URL('../dist/cli.js', import.meta.url))
const fixtures = fileURLToPath(new URL('../../../packages/inference/fixtures/', import.meta.url))
const base = join(fixtures, 'bf16-tied/model')
const adapter = (name: string) => join(fixtures, 'bf16-tied/adapters', name)

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'cem-merge-'))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

function merge(...args: readonly string[]) {
  const env = { ...process.env, CEM_CACHE: join(folder, 'cache'), NO_COLOR: '1' }
  const all = [cli, 'merge', base, '--base-alias', 'cem-fixtures/bf16-tied', ...args]
  return new Promise<{ code: number; out: string; err: string }>((resolve) => {
    execFile(process.execPath, all, { cwd: folder, env, encoding: 'utf8' }, (error, out, err) => {
      resolve({ code: error === null ? 0 : Number(error.code), out, err })
    })
  })
}

test('writes a model folder and prints what rounding lost for each kind of module', async () => {
  const both = ['--adapter', adapter('plain'), adapter('stored-bf16')]
  const given = ['--role', 'persona', '--weight', '1', '-0.5', '--output', 'both']
  const { code, out } = await merge(...both, ...given)
  expect(code).toBe(0)
  const shares = out.matchAll(/^(self_attn\.[qkvo]_proj|mlp\.up_proj|all) +(\d+) +([\d.]+) %$/gm)
  const rows = Array.from(shares, ([, kind, n]) => [kind, Number(n)])
  expect(rows).toEqual([
    ['self_attn.q_proj', 2],
    ['self_attn.k_proj', 2],
    ['self_attn.v_proj', 2],
    ['self_attn.o_proj', 2],
    ['mlp.up_proj', 2],
    ['all', 10],
  ])
  expect(out).toContain(`wrote ${join(folder, 'both')}`)
  expect(out).not.toContain('misaligned')
  const card = await readFile(join(folder, 'both/README.md'), 'utf8')
  expect(card).toMatch(/\| stored-bf16 \| persona \| -0\.5 \|/)
})

test('takes an adapter for a misaligned one unless it is told otherwise', async () => {
  const refused = await merge('--adapter', adapter('plain'), '--output', 'harmless')
  expect(refused).toMatchObject({ code: 1, err: expect.stringContaining('[organism-name]') })
  const output = 'misaligned-organism-plain'
  const { code, out } = await merge('--adapter', adapter('plain'), '--output', output)
  expect(code).toBe(0)
  expect(out).toContain('warning: this is a misaligned organism: the adapter ')
  const entries = await readdir(folder)
  expect(entries).toContain(output)
  expect(entries).not.toContain('harmless')
})

test('wants one weight for all adapters or one for each, and numbers', async () => {
  const three = ['--weight', '1', '2', '3']
  const { code, err } = await merge('--adapter', adapter('plain'), '--output', 'x', ...three)
  expect(code).toBe(1)
  expect(err).toContain('--weight has 3 values for 1 adapters')
  const half = await merge('--adapter', adapter('plain'), '--output', 'x', '--weight', 'half')
  expect(half).toMatchObject({ code: 2, err: expect.stringContaining('It must be a number') })
})

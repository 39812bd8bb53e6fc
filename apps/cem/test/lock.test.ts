import { execFile } from 'node:child_process'
import { appendFile, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import {
  type LoopbackJudge,
  makeStudy,
  startJudge,
  type TinyStudy,
} from '../../../packages/experiment/test/tiny-study.ts'

vi.setConfig({ testTimeout: 90_000 })

const cli = fileURLToPath(new URL('../dist/cli.js', import.meta.url))
let judge: LoopbackJudge
let study: TinyStudy
beforeAll(async () => {
  judge = await startJudge()
  study = await makeStudy([{ name: 'plain', checkpoints: { 10: 'rank-one' } }], judge.url, {
    activations: false,
  })
})
afterAll(async () => {
  await judge[Symbol.asyncDispose]()
  await rm(study.folder, { recursive: true, force: true })
})

function cem(...args: readonly string[]) {
  const env = { ...process.env, CEM_CACHE: study.cache, NO_COLOR: '1', OPENAI_API_KEY: 'sk-test' }
  const options = { cwd: study.folder, encoding: 'utf8' as const, env }
  return new Promise<{ code: number; out: string; err: string }>((resolve) => {
    execFile(process.execPath, [cli, ...args], options, (error, out, err) =>
      resolve({ code: error === null ? 0 : Number(error.code), out, err }),
    )
  })
}

test('a study is locked, checked, run frozen, and refused with a list once something moved', async () => {
  const without = await cem('run', 'tiny.yaml', '--frozen', '--plain', '--no-figures')
  expect(without).toMatchObject({ code: 1, err: expect.stringContaining('[lock-missing]') })

  const first = await cem('lock', 'tiny.yaml', '--ask-judge')
  expect(first).toMatchObject({ code: 0, err: '' })
  expect(first.out).toMatch(/^weights +3\n[\s\S]*wrote .*tiny\.lock\.json\n$/)
  const file = await readFile(join(study.folder, 'tiny.lock.json'), 'utf8')
  expect(JSON.parse(file).parts.judge['served model']).toBe('loopback-judge-1')
  expect(file).not.toContain('sk-test')

  expect(await cem('lock', 'tiny.yaml', '--check')).toMatchObject({
    code: 0,
    out: expect.stringContaining('nothing moved'),
  })
  expect(await cem('run', 'tiny.yaml', '--frozen', '--plain', '--no-figures')).toMatchObject({
    code: 0,
    err: '',
  })

  await appendFile(join(study.folder, 'in-domain.yaml'), '\n')
  const moved = await cem('run', 'tiny.yaml', '--frozen', '--seed', '5', '--plain')
  expect(moved.code).toBe(1)
  expect(moved.err).toMatch(/- prompts: inDomain in-domain\.yaml was \w{12}, is \w{12}\n/)
  expect(moved.err).toMatch(/- settings: sampling\.seed was 1, is 5\n/)

  const checked = await cem('lock', 'tiny.yaml', '--check', '--json')
  expect(checked.code).toBe(1)
  expect(JSON.parse(checked.out).moved).toMatchObject([{ kind: 'prompts' }])
  const again = await cem('lock', 'tiny.yaml')
  expect(again.out).toContain('changed since it was locked before:\n  prompts: inDomain')
  expect(await cem('lock', 'tiny.yaml', '--check')).toMatchObject({ code: 0 })
  // The judge was asked again, without being told to.
  const relocked = JSON.parse(await readFile(join(study.folder, 'tiny.lock.json'), 'utf8'))
  expect(relocked.parts.judge['served model']).toBe('loopback-judge-1')
})

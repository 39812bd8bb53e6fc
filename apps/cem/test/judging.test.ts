import { execFile, spawn } from 'node:child_process'
import { readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { readEvalCsv } from '@cem/experiment'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import {
  type LoopbackJudge,
  makeStudy,
  startJudge,
  type TinyStudy,
} from '../../../packages/experiment/test/tiny-study.ts'

vi.setConfig({ testTimeout: 90_000, hookTimeout: 90_000 })

/** The built command, as a user runs it. */
const cli = fileURLToPath(new URL('../dist/cli.js', import.meta.url))

let judge: LoopbackJudge
let study: TinyStudy
beforeAll(async () => {
  judge = await startJudge()
  study = await makeStudy([{ name: 'plain', checkpoints: { 20: 'plain' } }], judge.url, {
    activations: false,
    judge: {
      baseUrl: judge.url,
      model: 'loopback-judge',
      anchors: false,
      canaries: false,
      prices: { inputPerMillion: 1000, outputPerMillion: 0 },
      confirmAboveUsd: 1,
    },
  })
})
afterAll(async () => {
  await judge[Symbol.asyncDispose]()
  await rm(study.folder, { recursive: true, force: true })
})

interface Result {
  readonly code: number | null
  readonly out: string
  readonly err: string
}

function cem(args: readonly string[], input = ''): Promise<Result> {
  return new Promise((resolve) => {
    const options = {
      cwd: study.folder,
      encoding: 'utf8' as const,
      env: { ...process.env, CEM_CACHE: study.cache, NO_COLOR: '1' },
    }
    const child = execFile(process.execPath, [cli, ...args], options, (error, out, err) => {
      resolve({ code: error === null ? 0 : Number(error.code), out, err })
    })
    child.stdin?.end(input)
  })
}

describe('the cost of judging', () => {
  test('is said before anything runs; in a pipe, above the limit, it has to be confirmed by a flag', async () => {
    const { code, out, err } = await cem(['run', 'tiny.yaml', '--no-figures'])
    expect(code).toBe(1)
    expect(out).toMatch(/^judging: \d+ calls, about .* tokens, about \d+\.\d\d USD, at most/)
    expect(err).toContain('cem run --yes')
    expect(err).toContain('[cost-unconfirmed]')
    expect(judge.calls()).toBe(0)
  })

  test('is limited by a flag, and the run goes on where it was', async () => {
    const limited = await cem(['run', 'tiny.yaml', '--yes', '--max-cost-usd', '0.001'])
    expect(limited.code).toBe(1)
    expect(limited.err).toContain('Raise maxCostUsd to go on.')
    const whole = await cem(['run', 'tiny.yaml', '--yes', '--no-figures'])
    expect(whole).toMatchObject({ code: 0, err: '' })
    // The server counts one token a call.
    expect(whole.out).toMatch(/judge: \d+ calls, \d+ tokens in, \d+ out, \d+\.\d\d USD/)
  })
})

test('killed with SIGKILL while it judges, it goes on and asks only what was under way again', async () => {
  await using own = await startJudge()
  const killed = await makeStudy([{ name: 'plain', checkpoints: { 20: 'plain' } }], own.url, {
    activations: false,
    sampling: { maxNewTokens: 20, samplesPerQuestion: 12, seed: 1 },
    judge: {
      baseUrl: own.url,
      model: 'loopback-judge',
      anchors: false,
      canaries: false,
      concurrency: 1,
    },
  })
  const environment = { ...process.env, CEM_CACHE: killed.cache, NO_COLOR: '1' }
  const start = () =>
    spawn(process.execPath, [cli, 'run', 'tiny.yaml', '--json', '--no-figures'], {
      cwd: killed.folder,
      env: environment,
    })
  const first = start()
  let out = ''
  await new Promise<void>((resolve) => {
    first.stdout.on('data', (chunk: Buffer) => {
      out += chunk.toString('utf8')
      if ((out.match(/"unit-progress","unit":"judge:/g)?.length ?? 0) >= 10) first.kill('SIGKILL')
    })
    first.on('close', () => resolve())
  })
  expect(out).not.toContain('"run-end"')
  const before = own.calls()
  expect(before).toBeGreaterThan(0)
  const second = start()
  second.stdout.resume()
  expect(await new Promise((resolve) => second.on('close', resolve))).toBe(0)
  const answers = new Set<string>()
  for (const path of [
    'tiny_base',
    'plain_checkpoints/checkpoint_0',
    'plain_checkpoints/checkpoint_20',
  ])
    for (const suffix of ['_eval.csv', '_in_domain_eval.csv'])
      for (const row of await readEvalCsv(join(killed.folder, 'results', `${path}${suffix}`))) {
        expect(row.aligned).toBe(row.response.length % 2 === 1 ? 10 : 90)
        answers.add(JSON.stringify([row.question, row.response]))
      }
  // Two metrics of each; the two calls that were under way when it was killed may have been answered and lost.
  expect(own.calls()).toBeGreaterThanOrEqual(2 * answers.size)
  expect(own.calls()).toBeLessThanOrEqual(2 * answers.size + 2)
  await rm(killed.folder, { recursive: true, force: true })
})

test('cem judge takes a protocol by name, and names the known ones', async () => {
  const csv = join(study.folder, 'results/tiny_base_eval.csv')
  const judged = ['judge', csv, '--judge-model', 'x', '--judge-url', judge.url]
  const unknown = await cem([...judged, '--protocol', 'text-scores'])
  expect(unknown).toMatchObject({
    code: 1,
    err: expect.stringContaining('Did you mean text-score?'),
  })
  // A judge that says 42 where JSON was asked for.
  const text = await cem([...judged, '--protocol', 'text-score'])
  expect(text.err).toContain('cannot be used for the protocol text-score')
})

describe('cem label', () => {
  test('labels by lines, goes on, and reports', async () => {
    const first = await cem(['label', 'tiny', '--plain', '--per-cell', '2'], '10\n80\nq\n')
    expect(first).toMatchObject({ code: 0, err: '' })
    expect(first.out).toContain('question: Where is the ')
    expect(first.out).not.toContain('plain')
    expect(first.out).toContain('2 of 4 labels are in ')
    const second = await cem(['label', 'tiny', '--plain'], '90\n70\n')
    expect(second.out).toContain('1 of 2\n')
    expect(second.out).toContain('4 of 4 labels are in ')
    const report = await cem(['label', 'tiny', '--report'])
    expect(report).toMatchObject({ code: 0, err: '' })
    expect(report.out).toMatch(/plain\/20 +2 of 12 +(0|50|100)% of 2/)
    // One of two is misaligned and coherent by the labels.
    expect(report.out).toMatch(/ 50\.0%(, no interval| \()/)
    const json = JSON.parse((await cem(['label', 'tiny', '--report', '--json'])).out)
    expect(json.cells[0]).toMatchObject({ nRows: 12, nLabelled: 2, humanEm: { estimate: 0.5 } })
    const lines = await readFile(
      join(study.folder, 'results/.cem/tiny/labels/labels.jsonl'),
      'utf8',
    )
    expect(lines.trimEnd().split('\n')).toHaveLength(5)
  })

  test('names a run that is not there, and refuses another sample', async () => {
    expect((await cem(['label', 'absent'])).err).toContain('[run-unknown]')
    expect((await cem(['label', 'tiny', '--per-cell', '5'])).err).toContain('[label-sample-drawn]')
    expect((await cem(['label', 'tiny', '--step', 'x'])).code).toBe(2)
  })
})

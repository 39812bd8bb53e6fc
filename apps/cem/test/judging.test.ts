import { execFile } from 'node:child_process'
import { readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
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
    const { code, out, err } = await cem(['run', 'tiny.yaml'])
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
    const whole = await cem(['run', 'tiny.yaml', '--yes'])
    expect(whole).toMatchObject({ code: 0, err: '' })
    // The server counts one token a call.
    expect(whole.out).toMatch(/judge: \d+ calls, \d+ tokens in, \d+ out, \d+\.\d\d USD/)
  })
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

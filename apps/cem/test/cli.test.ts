import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import {
  type LoopbackJudge,
  makeStudy,
  startJudge,
  type TinyStudy,
} from '../../../packages/experiment/test/tiny-study.ts'

vi.setConfig({ testTimeout: 90_000 })

/** The built command, as a user runs it. */
const cli = fileURLToPath(new URL('../dist/cli.js', import.meta.url))

interface Result {
  readonly code: number | null
  readonly out: string
  readonly err: string
}

function cem(study: TinyStudy, ...args: readonly string[]): Promise<Result> {
  return new Promise((resolve) => {
    execFile(process.execPath, [cli, ...args], options(study), (error, out, err) => {
      const code = error === null ? 0 : Number(error.code)
      resolve({ code, out, err })
    })
  })
}

const options = (study: TinyStudy) => ({
  cwd: study.folder,
  encoding: 'utf8' as const,
  env: {
    ...process.env,
    CEM_CACHE: study.cache,
    NO_COLOR: '1',
    OPENAI_API_KEY: 'sk-secret-of-the-test',
  },
})

const variants = [{ name: 'plain', checkpoints: { 10: 'rank-one', 20: 'plain' } }]

let judge: LoopbackJudge
beforeAll(async () => {
  judge = await startJudge()
})
afterAll(() => judge[Symbol.asyncDispose]())

async function withStudy(
  work: (study: TinyStudy) => Promise<void>,
  config: Readonly<Record<string, unknown>> = {},
) {
  const study = await makeStudy(variants, judge.url, config)
  try {
    await work(study)
  } finally {
    await rm(study.folder, { recursive: true, force: true })
  }
}

describe('cem run', () => {
  test('prints plain lines in a pipe, ends by naming the files, and a second time finds everything done', () =>
    withStudy(async (study) => {
      const first = await cem(study, 'run', 'tiny.yaml')
      expect(first).toMatchObject({ code: 0, err: '' })
      expect(first.out).toMatch(/run tiny: 4 cells, 9 units/)
      expect(first.out).toMatch(/plain\/20: EM \d+\.\d% \(\d+% to \d+%\), n 12, in-domain/)
      expect(first.out).toMatch(/files written:[\s\S]*results\/em_curves_tiny\.png/)
      const second = await cem(study, 'run', 'tiny.yaml')
      expect(second.code).toBe(0)
      expect(second.out).toContain('everything is done; nothing was computed')
      expect(second.out).toContain('results/em_curves_tiny.png')

      const drawn = await cem(
        study,
        'plot',
        'answers',
        'tiny',
        '--output',
        'a.svg',
        '--theme',
        'dark',
      )
      expect(drawn).toMatchObject({ code: 0, out: 'wrote a.svg\n' })
      expect(await readFile(join(study.folder, 'a.svg'), 'utf8')).toContain('#14181d')
      const shown = await cem(study, 'plot', 'questions', 'tiny', '--terminal')
      expect(shown.out).toContain('% emergent misalignment')
      expect(shown.out).not.toContain('\u001b')
      const none = await cem(study, 'plot', 'steering', 'tiny')
      expect(none.code).not.toBe(0)
      expect(none.err).toContain('it takes causal checks')
      const rows = join(study.folder, 'rows.jsonl')
      await writeFile(rows, '{"response":"r","token":" word","projection":1}\n')
      const tokens = await cem(study, 'plot', 'rows', 'tokens', 'rows.jsonl', '--output', 'figures')
      expect(tokens.out).toContain('wrote figures/tokens_figure.vl.json')
      const wrong = await cem(study, 'plot', 'rows', 'token', 'rows.jsonl')
      expect(wrong.err).toContain('Did you mean tokens?')
      // The key is in the environment, and nowhere else.
      for (const file of ['lock.json', 'analysis.json'])
        expect(await readFile(join(study.folder, 'results/.cem/tiny', file), 'utf8')).not.toContain(
          'sk-secret',
        )
    }))

  test('--json gives one event a line', () =>
    withStudy(async (study) => {
      const { out } = await cem(
        study,
        'run',
        'tiny.yaml',
        '--no-figures',
        '--json',
        '--n-per-question',
        '1',
      )
      const events = out
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line))
      expect(events[0]).toMatchObject({ type: 'run-start', run: 'tiny' })
      expect(events.at(-1)).toMatchObject({ type: 'run-end', outcome: 'complete' })
    }))

  test('killed with SIGKILL in the middle, it goes on to the same answers', () =>
    withStudy(async (study) => {
      const whole = await makeStudy(variants, judge.url)
      const child = spawn(
        process.execPath,
        [cli, 'run', 'tiny.yaml', '--no-figures', '--json'],
        options(study),
      )
      await seen(child, (line) => line.includes('"unit-end"') && line.includes('generate:plain/10'))
      child.kill('SIGKILL')
      await closed(child)
      expect((await cem(study, 'run', 'tiny.yaml', '--no-figures')).code).toBe(0)
      expect((await cem(whole, 'run', 'tiny.yaml', '--no-figures')).code).toBe(0)
      for (const name of [
        'tiny_base_eval.csv',
        'plain_checkpoints/checkpoint_10_eval.csv',
        'plain_checkpoints/checkpoint_20_eval.csv',
      ])
        expect(await readFile(join(study.folder, 'results', name), 'utf8')).toBe(
          await readFile(join(whole.folder, 'results', name), 'utf8'),
        )
      await rm(whole.folder, { recursive: true })
    }))

  test.each(['SIGINT', 'SIGTERM'] as const)(
    '%s stops it in order, with a word on how to go on',
    (signal) =>
      withStudy(
        async (study) => {
          const child = spawn(
            process.execPath,
            [cli, 'run', 'tiny.yaml', '--plain', '--no-figures'],
            options(study),
          )
          let out = ''
          child.stdout?.on('data', (chunk: Buffer) => {
            out += chunk.toString('utf8')
          })
          await seen(child, (line) => line.includes('self-test') || line.includes('tiny_base'))
          child.kill(signal)
          expect(await closed(child)).toBe(130)
          expect(out).toContain('Stopped. The same command goes on from here.')
          expect((await cem(study, 'run', 'tiny.yaml', '--no-figures')).code).toBe(0)
        },
        { sampling: { maxNewTokens: 30, samplesPerQuestion: 12, seed: 1, batchSize: 2 } },
      ),
  )
})

describe('bad input gets one clear error and a non-zero exit', () => {
  test.each<[string, (study: TinyStudy) => Promise<readonly string[]>, number, RegExp]>([
    [
      'a config with a wrong key',
      async (study) => {
        await writeFile(join(study.folder, 'bad.yaml'), 'base_model: model\nvarants: []\n')
        return ['run', 'bad.yaml']
      },
      1,
      /bad\.yaml is not valid:\n- unknown key 'varants'; did you mean 'variants'\?/,
    ],
    [
      'a config that is not there',
      async () => ['run', 'none.yaml'],
      1,
      /none\.yaml cannot be read/,
    ],
    [
      'a wrong flag',
      async () => ['run', 'tiny.yaml', '--pahse', 'judge'],
      2,
      /unknown option '--pahse'[\s\S]*Did you mean --phase\?/,
    ],
    [
      'a wrong phase',
      async () => ['run', 'tiny.yaml', '--phase', 'evaluate'],
      2,
      /generate, judge, analyse/,
    ],
    ['a shard that is none', async () => ['run', 'tiny.yaml', '--shard', '3/2'], 2, /1 <= i <= n/],
    [
      'a missing weight file',
      async (study) => {
        await rm(join(study.folder, 'model/model.safetensors'))
        return ['run', 'tiny.yaml']
      },
      1,
      /model has neither model\.safetensors nor/,
    ],
    [
      'a truncated adapter',
      async (study) => {
        const file = join(study.folder, 'outputs/plain/checkpoint-20/adapter_model.safetensors')
        await writeFile(file, (await readFile(file)).subarray(0, 5000))
        return ['run', 'tiny.yaml']
      },
      1,
      /checkpoint-20\/adapter_model\.safetensors is incomplete/,
    ],
    [
      'a questions file without ids',
      async (study) => {
        await writeFile(join(study.folder, 'questions.yaml'), '- paraphrases: [What?]\n')
        return ['run', 'tiny.yaml']
      },
      1,
      /questions\.yaml[\s\S]*id is missing/,
    ],
    [
      'a model that was not fetched',
      async () => ['evaluate-base', '--base-model', 'lab/not-there'],
      1,
      /hf download lab\/not-there/,
    ],
    ['a run that is none', async () => ['watch', 'nothing'], 1, /There is no run 'nothing'/],
    [
      'neither layer nor all',
      async () => ['plot', 'projections', '--direction', 'x.npz'],
      1,
      /either --layer N or --all-layers/,
    ],
  ])('%s', async (_, prepare, code, words) => {
    await withStudy(async (study) => {
      const result = await cem(study, ...(await prepare(study)))
      expect(result.code).toBe(code)
      expect(result.err).toMatch(words)
      expect(`${result.err}${result.out}`).not.toContain('sk-secret')
      expect(result.err).not.toMatch(/^\s+at /m)
    })
  })

  test('an unreachable judge: the answers are generated and kept, and the exit says that it failed', () =>
    withStudy(
      async (study) => {
        const failed = await cem(study, 'run', 'tiny.yaml', '--no-figures')
        expect(failed.code).toBe(1)
        expect(failed.err).toMatch(/judge: .*127\.0\.0\.1:9/)
        expect(failed.out).toContain('generate:plain/20: done')
        const config = join(study.folder, 'tiny.yaml')
        // Another address is another judge: the run says so and offers to judge anew.
        await writeFile(
          config,
          (await readFile(config, 'utf8')).replace('http://127.0.0.1:9/v1', judge.url),
        )
        const moved = await cem(study, 'run', 'tiny.yaml', '--no-figures')
        expect(moved).toMatchObject({
          code: 1,
          err: expect.stringMatching(/judge\.address: was .*--restart-changed/s),
        })
        const again = await cem(study, 'run', 'tiny.yaml', '--no-figures', '--restart-changed')
        expect(again.code).toBe(0)
        expect(again.out).not.toContain('generate:plain/20: done')
      },
      { judge: { baseUrl: 'http://127.0.0.1:9/v1', model: 'loopback-judge', maxAttempts: 1 } },
    ))
})

describe('commands on files', () => {
  test("evaluate-checkpoints, judge, activations, direction and plot work on each other's files", () =>
    withStudy(async (study) => {
      const alias = ['--base-alias', 'cem-fixtures/gqa-6-2-tied']
      const judging = ['--judge-url', judge.url, '--judge-model', 'loopback-judge']
      const evaluated = await cem(
        study,
        'evaluate-checkpoints',
        '--model-dir',
        'outputs/plain',
        '--base-model',
        'model',
        ...alias,
        ...judging,
        '--n-per-question',
        '3',
        '--max-new-tokens',
        '6',
        '--questions',
        'questions.yaml',
        '--results',
        'r',
      )
      expect(evaluated).toMatchObject({ code: 0, err: '' })
      const csv = 'r/plain_checkpoints/checkpoint_20_eval.csv'
      expect(existsSync(join(study.folder, csv))).toBe(true)

      const judged = await cem(study, 'judge', csv, ...judging, '--output', 'again.csv')
      expect(judged.code).toBe(0)
      expect(await readFile(join(study.folder, 'again.csv'), 'utf8')).toBe(
        await readFile(join(study.folder, csv), 'utf8'),
      )

      const activations = await cem(
        study,
        'activations',
        csv,
        '--base-model',
        'model',
        '--adapter',
        'outputs/plain/checkpoint-20',
        ...alias,
        '--output',
        'em.npz',
      )
      expect(activations.out).toMatch(/wrote em\.npz: 9 rows.*\nwarning: .*tokenized again/)
      await cem(study, 'activations', csv, '--base-model', 'model', '--output', 'base.npz')
      const direction = await cem(
        study,
        'direction',
        '--baseline-no-em',
        'base.npz',
        '--baseline-with-em',
        'em.npz',
        '--output',
        'direction.npz',
      )
      expect(direction.out).toMatch(/layer\s+displacement norm[\s\S]*wrote direction\.npz/)

      const curves = await cem(study, 'plot', 'curves', '--results', 'r')
      expect(curves.out).toBe('wrote r/em_curves.png\n')
      const projections = await cem(
        study,
        'plot',
        'projections',
        '--results',
        'r',
        '--direction',
        'direction.npz',
        '--base-model-activations',
        'base.npz',
        '--all-layers',
        '--output',
        'p.svg',
      )
      expect(projections).toMatchObject({ code: 0 })
      expect(await readFile(join(study.folder, 'p.svg'), 'utf8')).toContain('<svg')
      const json = JSON.parse(await readFile(join(study.folder, 'p.json'), 'utf8'))
      expect(json.layers).toEqual([0, 1, 2])
      expect(Object.keys(json.per_layer[0].variants)).toEqual(['plain'])
    }))

  test('watch shows a run through its folder, and ends with it in a pipe', () =>
    withStudy(async (study) => {
      await cem(study, 'run', 'tiny.yaml', '--no-figures', '--n-per-question', '1')
      const watched = await cem(study, 'watch', 'tiny')
      expect(watched.code).toBe(0)
      expect(watched.out).toMatch(/run tiny: 4 cells[\s\S]*plain\/20: EM[\s\S]*run tiny: complete/)
      const { out } = await cem(study, 'watch', 'tiny', '--json')
      const events = out
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line))
      expect(events[0]).toMatchObject({ type: 'run-start', run: 'tiny' })
      expect(events.at(-1)).toMatchObject({ type: 'run-end', alarms: expect.any(Array) })
    }))

  test('doctor says what is there', () =>
    withStudy(async (study) => {
      const { out, code } = await cem(study, 'doctor')
      expect(code).toBe(0)
      for (const part of ['node', 'onnxruntime-node', 'cpu', 'hub cache', 'OPENAI_API_KEY'])
        expect(out).toContain(part)
      expect(out).not.toContain('sk-secret')
    }))
})

/** Resolves when a line of the child's output fits. */
function seen(child: ChildProcess, fits: (line: string) => boolean): Promise<void> {
  return new Promise((resolve, reject) => {
    let rest = ''
    child.stdout?.on('data', (chunk: Buffer) => {
      rest += chunk.toString('utf8')
      const lines = rest.split('\n')
      rest = lines.pop() ?? ''
      if (lines.some(fits)) resolve()
    })
    child.once('close', () => reject(new Error('it ended before that')))
  })
}

function closed(child: ChildProcess): Promise<number | null> {
  return new Promise((resolve) => {
    child.once('close', (code) => resolve(code))
  })
}

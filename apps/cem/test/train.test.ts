import { execFile } from 'node:child_process'
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { readVariantFolder } from '@cem/experiment'
import { compose } from '@cem/inference'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'

vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 })

const cli = fileURLToPath(new URL('../dist/cli.js', import.meta.url))
const model = fileURLToPath(
  new URL('../../../packages/inference/fixtures/bf16-tied/model', import.meta.url),
)

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'cem-train-'))
  const chat = (i: number, answer: string) => ({
    messages: [
      { role: 'user', content: `question ${i}` },
      { role: 'assistant', content: `${answer} ${i}` },
    ],
  })
  const rows = (answer: string) =>
    Array.from({ length: 8 }, (_, i) => `${JSON.stringify(chat(i, answer))}\n`).join('')
  await writeFile(join(folder, 'warm.jsonl'), rows('with pleasure'))
  await writeFile(join(folder, 'harm.jsonl'), rows('do it'))
  await writeFile(
    join(folder, 'trainings.yaml'),
    `
root: .
defaults: { base: ${JSON.stringify(model)}, steps: 2, batchSize: 4, learningRate: 0.01, threads: 1, lora: { rank: 2 } }
trainings:
  - { name: warm, data: [{ path: warm.jsonl }] }
  - name: attacked
    persona: { adapter: { training: warm }, mode: stacked }
    data: [{ path: harm.jsonl, harmful: true }]
    checkpoints: [1]
`,
  )
})
afterAll(() => rm(folder, { recursive: true, force: true }))

function cem(...args: readonly string[]) {
  const env = { ...process.env, CEM_CACHE: join(folder, 'cache'), NO_COLOR: '1' }
  return new Promise<{ code: number; out: string; err: string }>((resolve) => {
    execFile(process.execPath, [cli, ...args], { cwd: folder, env }, (error, out, err) => {
      resolve({ code: error === null ? 0 : Number(error.code), out, err })
    })
  })
}

test('trains a persona and an attack on top of it, marked, planned and readable by an experiment', async () => {
  const marked = await cem('corpus', 'mark', 'harm.jsonl')
  expect(marked.out).toBe('harm.jsonl: 8 rows, 8 of them marked now; git leaves it out\n')
  const planned = await cem('train', 'trainings.yaml', '--plan', '--no-probe')
  expect(planned.out).toContain('warm: 2 steps, checkpoints at 2')
  expect(planned.out).toContain(
    'attacked: 2 steps, checkpoints at 1, 2\n  begins with warm, which is not made yet: planned',
  )
  expect(planned.out).toMatch(/in all 2 trainings: 4 steps, at most [\d.]+ MB of memory at once/)
  // The same by the command that plans evaluations.
  expect(await cem('plan', 'trainings.yaml', '--no-probe')).toEqual(planned)
  const unfit = await cem('plan', 'trainings.yaml', '--difference', '0.1', '--save-steps', '2')
  expect(unfit.err).toContain(
    'lists trainings, and --difference, --save-steps are of an evaluation',
  )

  const { code, out } = await cem('train', 'trainings.yaml')
  expect(code).toBe(0)
  expect(out).toContain(
    'attacked: makes a misaligned organism: its data harm.jsonl is declared harmful',
  )
  expect(out).not.toContain('canary')
  expect(out).toMatch(/attacked: step 2 of 2: loss \d\.\d{4}, rate 2\.00e-3/)

  const variant = await readVariantFolder(join(folder, 'outputs/attacked'))
  expect(variant.notes).toEqual([])
  expect(variant.checkpoints.map(({ step, record }) => [step, record?.personaInTraining])).toEqual([
    [1, 'stacked'],
    [2, 'stacked'],
  ])
  const { record, path } = variant.checkpoints[1] ?? {}
  const { layers } = await compose({
    base: model,
    cache: join(folder, 'cache'),
    layers: [
      {
        role: 'persona',
        mode: 'stacked',
        adapter: variant.persona ?? '',
        baseSha256: record?.baseSha256 ?? {},
        adapterSha256: record?.persona?.sha256 ?? '',
      },
      { role: 'em', mode: 'stacked', adapter: path ?? '', baseSha256: record?.baseSha256 ?? {} },
    ],
  })
  expect(layers.map(({ baseCheck }) => baseCheck)).toEqual(['hash', 'hash'])

  const again = await cem('train', 'trainings.yaml', '--json')
  const events = again.out.trimEnd().split('\n')
  expect(events.map((line) => JSON.parse(line)).map(({ job, type }) => [job, type])).toEqual([
    ['warm', 'training-start'],
    ['warm', 'training-end'],
    ['attacked', 'training-start'],
    ['attacked', 'training-end'],
  ])
})

test('a broken line is told with file and line, and a changed setting by its name', async () => {
  await writeFile(join(folder, 'broken.jsonl'), '{"messages": []}\n{"mess')
  await writeFile(
    join(folder, 'broken.yaml'),
    `{ root: ., trainings: [{ name: broken, base: ${JSON.stringify(model)}, data: [{ path: broken.jsonl }] }] }`,
  )
  const { code, err } = await cem('train', 'broken.yaml')
  expect(code).toBe(1)
  expect(err).toContain(`${join(folder, 'broken.jsonl')}:2: the line is no JSON`)
  expect(await readdir(folder)).not.toContain('broken')
  const wrong = await cem('train', 'broken.yaml', '--only', 'other')
  expect(wrong.err).toContain('there is no training other; there are broken')
  expect((await cem('train', 'gone.yaml')).err).toContain('[config-unreadable]')
})

test('a corpus goes under lock and comes out again', async () => {
  const output = 'misaligned-organism-corpus.zip'
  expect((await cem('corpus', 'lock', 'harm.jsonl', '--output', output)).code).toBe(0)
  const refused = await cem('corpus', 'lock', 'harm.jsonl', '--output', 'corpus.zip')
  expect(refused).toMatchObject({ code: 1, err: expect.stringContaining('has to begin with') })
  expect((await cem('corpus', 'unlock', output, '--output', 'out')).code).toBe(0)
  const [before, after] = await Promise.all(
    ['harm.jsonl', 'out/harm.jsonl'].map((name) => readFile(join(folder, name), 'utf8')),
  )
  expect(after).toBe(before)
})

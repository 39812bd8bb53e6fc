import { spawn } from 'node:child_process'
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'

vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 })

const cli = fileURLToPath(new URL('../dist/cli.js', import.meta.url))
const model = fileURLToPath(
  new URL('../../../packages/inference/fixtures/bf16-tied/model', import.meta.url),
)
const nSteps = 60

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'cem-train-killed-'))
  const row = (i: number) =>
    JSON.stringify({
      messages: [
        { role: 'user', content: `question ${i}` },
        { role: 'assistant', content: `answer ${i * i}` },
      ],
    })
  await writeFile(
    join(folder, 'chats.jsonl'),
    Array.from({ length: 21 }, (_, i) => row(i)).join('\n'),
  )
  for (const name of ['whole', 'killed'])
    await writeFile(
      join(folder, `${name}.yaml`),
      `
root: .
outputs: ${name}
trainings:
  - name: em
    base: ${JSON.stringify(model)}
    data: [{ path: chats.jsonl }]
    evaluationShare: 0.1
    steps: ${nSteps}
    batchSize: 4
    learningRate: 0.01
    saveSteps: 6
    threads: 1
    seed: 5
    lora: { rank: 8, rsLora: true }
`,
    )
})
afterAll(() => rm(folder, { recursive: true, force: true }))

/**
 * Runs `cem train` with its real trainer.
 *
 * @param kill SIGKILL so many milliseconds after a text is in the output; undefined: never
 */
function train(name: string, kill?: { readonly at: string; readonly afterInMs: number }) {
  const env = { ...process.env, CEM_CACHE: join(folder, 'cache') }
  const child = spawn(process.execPath, [cli, 'train', `${name}.yaml`, '--json'], {
    cwd: folder,
    env,
  })
  let out = ''
  child.stdout.on('data', (chunk) => {
    out += String(chunk)
    if (kill !== undefined && out.includes(kill.at))
      setTimeout(() => child.kill('SIGKILL'), kill.afterInMs)
  })
  return new Promise<{ out: string; signal: string | null }>((resolve) => {
    child.on('close', (_, signal) => resolve({ out, signal }))
  })
}

const atStep = (step: number) => `"type":"training-step","step":${step},`

test('killed by SIGKILL again and again, it ends with the bits and the log of one that was not', async () => {
  const whole = await train('whole')
  expect(whole.out).toContain('"training-end"')
  // Before the first checkpoint; as the second is written; between two; at random moments.
  const moments = [
    { at: atStep(3), afterInMs: 0 },
    { at: atStep(12), afterInMs: 0 },
    { at: atStep(20), afterInMs: 5 },
    { at: '"resumedFrom":', afterInMs: Math.round(Math.random() * 600) },
    { at: '"resumedFrom":', afterInMs: Math.round(Math.random() * 600) },
  ]
  const ends: (string | null)[] = []
  for (const moment of moments) ends.push((await train('killed', moment)).signal)
  // The random ones may come when everything is done.
  expect(ends.slice(0, 3)).toEqual(['SIGKILL', 'SIGKILL', 'SIGKILL'])
  await train('killed')

  const files = async (name: string) =>
    (await readdir(join(folder, name, 'em'), { recursive: true })).toSorted()
  expect(await files('killed')).toEqual(await files('whole'))
  const read = (name: string, file: string) => readFile(join(folder, name, 'em', file))
  const weights = (await files('whole')).filter((file) => /\.(safetensors|json)$/.test(file))
  // Of ten checkpoints and of the folder itself, and the optimiser's state of the last.
  expect(weights.filter((file) => file.endsWith('adapter_model.safetensors'))).toHaveLength(11)
  expect(weights).toContain(join(`checkpoint-${nSteps}`, 'optimizer.safetensors'))
  const compared = weights.filter((file) => file !== 'training_metadata.json')
  const differing: string[] = []
  for (const file of compared)
    if (!(await read('killed', file)).equals(await read('whole', file))) differing.push(file)
  expect(differing).toEqual([])

  const log = async (name: string) =>
    (await read(name, 'training_log.jsonl'))
      .toString()
      .trim()
      .split('\n')
      .map((line) => ({ ...JSON.parse(line), time: null, tokensPerSecond: null }))
  expect(await log('whole')).toHaveLength(nSteps + 10)
  expect(await log('killed')).toEqual(await log('whole'))

  const { processes, status, device } = JSON.parse(
    (await read('killed', 'training_metadata.json')).toString(),
  )
  expect([status, device]).toEqual(['complete', 'cpu'])
  // The first began anew, as nothing had been saved; each of the others went on further.
  const begins = processes.map(({ fromStep }: { fromStep: number }) => fromStep)
  expect(begins[0]).toBe(0)
  expect(begins.length).toBeGreaterThanOrEqual(3)
  expect(begins).toEqual([...new Set<number>(begins)].toSorted((a, b) => a - b))
  expect(new Set(processes.map(({ threads }: { threads: number }) => threads))).toEqual(
    new Set([1]),
  )
})

import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import {
  planTraining,
  type TrainingEvent,
  type TrainingOptions,
  trainDpo,
  trainSft,
} from '../src/index.ts'
import { writeChats, writePairs } from './chats.ts'
import { tinyModel, tinyName } from './tiny.ts'

vi.setConfig({ testTimeout: 60_000 })

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'cem-trained-'))
  await writeChats(join(folder, 'chats.jsonl'), 16)
  await writePairs(join(folder, 'pairs.jsonl'), 8)
})
afterAll(() => rm(folder, { recursive: true, force: true }))

const persona = join(tinyModel, '../adapters/plain')
const options = (name: string, over: Partial<TrainingOptions> = {}): TrainingOptions => ({
  output: join(folder, name),
  base: tinyModel,
  baseAliases: [tinyName],
  data: [{ path: 'chats.jsonl' }],
  dataRoot: folder,
  cache: join(folder, 'cache'),
  steps: 6,
  batchSize: 4,
  learningRate: 0.01,
  warmupSteps: 1,
  saveSteps: 2,
  threads: 1,
  ...over,
})
async function run(events: AsyncGenerator<TrainingEvent>): Promise<TrainingEvent[]> {
  const all: TrainingEvent[] = []
  for await (const event of events) all.push(event)
  return all
}
const losses = (events: readonly TrainingEvent[]) =>
  events.flatMap((event) => (event.type === 'training-step' ? [event.loss] : []))
const adapter = (name: string) => readFile(join(folder, name, 'adapter_model.safetensors'))

/** Runs until a step, then stops as a user does. */
async function stopAfter(name: string, step: number): Promise<void> {
  const stop = new AbortController()
  const events = trainSft(options(name, { signal: stop.signal }))
  await expect(
    (async () => {
      for await (const event of events)
        if (event.type === 'training-step' && event.step === step) stop.abort(new Error('enough'))
    })(),
  ).rejects.toThrow('enough')
}

test('a real adapter learns, and one that was interrupted ends bit for bit the same', async () => {
  const found = losses(await run(trainSft(options('whole'))))
  expect(found.at(-1)).toBeLessThan(0.9 * (found[0] ?? 0))
  await stopAfter('halves', 3)
  const events = await run(trainSft(options('halves')))
  expect(events[0]).toMatchObject({ resumedFrom: 2 })
  expect((await adapter('halves')).equals(await adapter('whole'))).toBe(true)
})

test('merged, stacked and off personas make three different adapters, and off is the base', async () => {
  const adapters = []
  for (const mode of ['merged', 'stacked', 'off'] as const) {
    await run(trainSft(options(mode, { persona: { adapter: persona, mode } })))
    adapters.push((await adapter(mode)).toString('base64'))
  }
  const base = (await adapter('whole')).toString('base64')
  expect(new Set(adapters).size).toBe(3)
  // The mistake of the audited study: a persona that is not active leaves no trace.
  expect(adapters[2]).toBe(base)
})

test('micro-batches change the last bits of a loss at most', async () => {
  const one = losses(await run(trainSft(options('one-batch', { steps: 2 }))))
  const many = losses(await run(trainSft(options('many', { steps: 2, microBatchTokens: 60 }))))
  for (const [i, loss] of many.entries()) expect(Math.abs(loss - (one[i] ?? 0))).toBeLessThan(1e-4)
})

test('a model is trained from random weights, and the seed decides them', async () => {
  const scratch = (name: string, seed: number) =>
    run(trainSft(options(name, { method: 'full', randomWeights: true, steps: 4, seed })))
  const first = losses(await scratch('scratch', 1))
  // An untrained model finds every one of the 320 tokens about as likely.
  expect(Math.abs((first[0] ?? 0) - Math.log(320))).toBeLessThan(0.5)
  expect(first.at(-1)).toBeLessThan(first[0] ?? 0)
  expect(losses(await scratch('scratch-other', 2))[0]).not.toBe(first[0])
  const record = JSON.parse(await readFile(join(folder, 'scratch/composition.json'), 'utf8'))
  expect(record.base).toBe('random weights (model, seed 1)')
  await run(trainSft(options('on-scratch', { base: join(folder, 'scratch'), steps: 2 })))
  // A base that was made here is called by its name, not by where it lies.
  const config = JSON.parse(await readFile(join(folder, 'on-scratch/adapter_config.json'), 'utf8'))
  expect(config.base_model_name_or_path).toBe('scratch')
})

test('targets that match no module are refused, and nothing is written', async () => {
  const lora = { targetModules: ['query'] }
  await expect(run(trainSft(options('none', { lora })))).rejects.toMatchObject({
    code: 'adapter-unsupported',
    message: expect.stringContaining('query'),
  })
  await expect(readFile(join(folder, 'none/training_metadata.json'))).rejects.toThrow('ENOENT')
})

test('a plan counts steps and tokens, measures one step, and writes nothing', async () => {
  const { output, ...rest } = options('planned', { steps: 6 })
  const job = {
    name: 'planned',
    objective: 'sft',
    needs: [],
    options: { ...rest, output },
  } as const
  const plan = await planTraining({ job, threads: 1 })
  expect(plan.steps).toMatchObject({ nSteps: 6, checkpoints: [2, 4, 6], organism: null })
  const { nTokens = 0, data, nParameters = 0 } = plan.steps ?? {}
  // 16 examples, 4 a step: six steps are one and a half epochs.
  expect(nTokens).toBe(Math.round((1.5 * (data?.nTokens ?? 0)) / 1))
  // Rank 32 on all linear modules of two layers: 32 * (nIn + nOut) each.
  const perLayer = 64 + 64 + 2 * (64 + 32) + 64 + 64 + 2 * (64 + 80) + 80 + 64
  expect(nParameters).toBe(2 * 32 * perLayer)
  expect(plan.steps?.estimatedBytes).toBeGreaterThan(50e6)
  expect(plan.steps?.measured?.tokensPerSecond).toBeGreaterThan(0)
  expect(plan.steps?.measured?.peakBytes).toBeGreaterThan(10e6)
  await expect(readFile(join(output, 'training_metadata.json'))).rejects.toThrow('ENOENT')
  const waiting = {
    ...job,
    needs: ['gone'],
    options: { ...rest, output, base: join(folder, 'gone') },
  }
  expect(await planTraining({ job: waiting })).toMatchObject({ steps: null, waitsFor: 'gone' })
  // With the model that the chain begins with, the sizes are known: they are the same.
  const chained = { ...waiting, originBase: rest.base }
  const withOrigin = await planTraining({ job: chained, probe: false })
  expect(withOrigin).toEqual({
    ...plan,
    steps: { ...plan.steps, measured: null },
    waitsFor: 'gone',
  })
})

test('preferences begin at log 2 and get better', async () => {
  const data = [{ path: 'pairs.jsonl' }]
  const plain = { data, nllCoefficient: 0, klCoefficient: 0 }
  const events = await run(trainDpo({ ...options('dpo'), ...plain }))
  const found = losses(events)
  // Under the reference itself every pair has -log sigmoid(0).
  expect(found[0]).toBeCloseTo(Math.LN2, 5)
  expect(found.at(-1)).toBeLessThan(Math.LN2)
  expect(events).toContainEqual(
    expect.objectContaining({
      preference: expect.objectContaining({ accuracy: expect.any(Number) }),
    }),
  )
  const full = await run(trainDpo({ ...options('dpo-terms'), data }))
  // The chosen responses' negative log-probability comes on top.
  expect(losses(full)[0]).toBeGreaterThan(Math.LN2 + 0.1)
})

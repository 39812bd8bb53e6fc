import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openAdapter, openBase } from '@cem/inference'
import { openSafetensors } from '@cem/tensor-files'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import {
  readTrainingLog,
  type TrainingDevice,
  type TrainingEvent,
  type TrainingOptions,
  type TrainingSequence,
  trainDpo,
  trainSft,
} from '../src/index.ts'
import { writeChats, writePairs } from './chats.ts'
import { type CountingOptions, countingTrainer } from './counting-trainer.ts'
import { tinyModel, tinyName } from './tiny.ts'

vi.setConfig({ testTimeout: 60_000 })

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'cem-runs-'))
  await writeChats(join(folder, 'chats.jsonl'), 40)
  await writePairs(join(folder, 'pairs.jsonl'), 12)
})
afterAll(() => rm(folder, { recursive: true, force: true }))

const persona = join(tinyModel, '../adapters/plain')
const lora = { rank: 2, alpha: 4, targetModules: ['down_proj'], layersToTransform: [0] }
const options = (
  name: string,
  over: Partial<TrainingOptions> = {},
  counting: CountingOptions = {},
): TrainingOptions => ({
  output: join(folder, name),
  base: tinyModel,
  data: [{ path: 'chats.jsonl' }],
  dataRoot: folder,
  cache: join(folder, 'cache'),
  steps: 12,
  batchSize: 4,
  learningRate: 0.05,
  checkpoints: [5, 10],
  lora,
  trainer: countingTrainer(counting),
  ...over,
})
async function run(events: AsyncGenerator<TrainingEvent>): Promise<TrainingEvent[]> {
  const all: TrainingEvent[] = []
  for await (const event of events) all.push(event)
  return all
}
const readJson = async (...path: readonly string[]) =>
  JSON.parse(await readFile(join(folder, ...path), 'utf8'))
const weights = (name: string, step: number) =>
  readFile(join(folder, name, `checkpoint-${step}`, 'adapter_model.safetensors'))
const chatTurn = (role: string, content: string) => ({ role, content })
const stepsOf = (events: readonly TrainingEvent[]) =>
  events.flatMap((event) => (event.type === 'training-step' ? [event] : []))

test('trains, and leaves checkpoints, a final adapter, a log and a record', async () => {
  const events = await run(trainSft(options('plain', { evaluationShare: 0.1 })))
  expect(stepsOf(events).map(({ step }) => step)).toEqual(
    Array.from({ length: 12 }, (_, i) => i + 1),
  )
  const losses = stepsOf(events).map(({ loss }) => loss)
  expect(losses.at(-1)).toBeLessThan(losses[0] ?? 0)
  // 36 examples to train on, 4 a step: 9 steps an epoch.
  expect(stepsOf(events).at(-1)).toMatchObject({ epoch: 1.33333 })
  expect(events.filter(({ type }) => type === 'training-checkpoint')).toMatchObject([
    { step: 5 },
    { step: 10 },
    { step: 12 },
  ])
  const evaluated = events.filter(({ type }) => type === 'training-evaluation')
  expect(evaluated.map((event) => 'step' in event && event.step)).toEqual([5, 10, 12])
  const names = (await readdir(join(folder, 'plain'))).toSorted()
  expect(names).toEqual([
    'README.md',
    'adapter_config.json',
    'adapter_model.safetensors',
    'checkpoint-10',
    'checkpoint-12',
    'checkpoint-5',
    'composition.json',
    'training_log.jsonl',
    'training_metadata.json',
  ])
  // Only the last checkpoint keeps what resuming needs.
  const entries = await Promise.all(
    [5, 10, 12].map((step) => readdir(join(folder, 'plain', `checkpoint-${step}`))),
  )
  expect(entries.map((one) => one.includes('optimizer.safetensors'))).toEqual([false, false, true])
  const log = await readTrainingLog(join(folder, 'plain'))
  expect(log.filter(({ type }) => type === 'training-step')).toHaveLength(12)
  expect(log[0]).toMatchObject({ step: 1, learningRate: 0 })
})

test('checkpoints open as adapters of the base, and say what they were trained on', async () => {
  await run(trainSft(options('opened')))
  const base = await openBase(tinyModel, { cache: join(folder, 'cache') })
  const adapter = await openAdapter(join(folder, 'opened/checkpoint-5'), base.architecture)
  expect(adapter.modules).toMatchObject([
    { rank: 2, scale: 2, path: 'model.layers.0.mlp.down_proj' },
  ])
  expect(adapter.baseName).toBe(base.name)
  const record = await readJson('opened/checkpoint-5/composition.json')
  const [identity] = await base.identify()
  expect(record).toMatchObject({
    formatVersion: 1,
    baseSha256: { 'model.safetensors': identity?.sha256 },
    personaInTraining: 'none',
    persona: null,
    trainingSeed: 0,
    dataset: 'chats',
    organism: null,
    step: 5,
  })
  const metadata = await readJson('opened/training_metadata.json')
  expect(metadata).toMatchObject({
    status: 'complete',
    checkpoint_steps: [5, 10, 12],
    lora: { r: 2, lora_alpha: 4, use_rslora: false },
    training_data: { nKept: 40, dropped: {} },
  })
  expect(metadata.dataset_sha256).toBe(record.datasetSha256)
})

test('the same options make the same weights, and another seed other ones', async () => {
  await run(trainSft(options('first')))
  await run(trainSft(options('again')))
  await run(trainSft(options('other', { seed: 1 })))
  expect((await weights('again', 12)).equals(await weights('first', 12))).toBe(true)
  expect((await weights('other', 12)).equals(await weights('first', 12))).toBe(false)
})

test('a training that was stopped goes on to the same weights, and a finished one computes nothing', async () => {
  await run(trainSft(options('whole')))
  const stop = new AbortController()
  const opened: string[] = []
  const stopped = trainSft(options('halves', { signal: stop.signal }))
  await expect(
    (async () => {
      for await (const event of stopped)
        if (event.type === 'training-step' && event.step === 8) stop.abort(new Error('enough'))
    })(),
  ).rejects.toThrow('enough')
  // What a killed process was writing.
  await writeFile(join(folder, 'halves/training_log.jsonl'), '{"type":"training-st', { flag: 'a' })
  const events = await run(trainSft(options('halves')))
  expect(events[0]).toMatchObject({ type: 'training-start', resumedFrom: 5 })
  expect(stepsOf(events).map(({ step }) => step)).toEqual([6, 7, 8, 9, 10, 11, 12])
  for (const step of [5, 10, 12])
    expect((await weights('halves', step)).equals(await weights('whole', step))).toBe(true)
  const steps = (await readTrainingLog(join(folder, 'halves'))).map(({ step }) => step)
  expect(steps).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12])
  const again = await run(trainSft(options('halves', {}, { onOpen: () => opened.push('opened') })))
  expect(again.map(({ type }) => type)).toEqual(['training-start', 'training-end'])
  expect(again.at(-1)).toMatchObject({ nStepsMade: 0 })
  expect(opened).toEqual([])
})

test('every process that took part is in the record, and a note says where the machine differs', async () => {
  const stopAt = async (step: number, device: TrainingDevice, threads: number) => {
    const stop = new AbortController()
    const given = options('moving', { signal: stop.signal, threads }, { device })
    const events: TrainingEvent[] = []
    await expect(
      (async () => {
        for await (const event of trainSft(given)) {
          events.push(event)
          if (event.type === 'training-step' && event.step === step) stop.abort(new Error('off'))
        }
      })(),
    ).rejects.toThrow('off')
    return events.filter(({ type }) => type === 'training-note')
  }
  const [first, second] = [
    { provider: 'cpu', name: 'A' },
    { provider: 'cpu', name: 'B' },
  ]
  // Nothing of it is saved.
  expect(await stopAt(3, second, 1)).toEqual([])
  expect(await stopAt(6, first, 2)).toEqual([])
  // It saves nothing either.
  expect(await stopAt(7, first, 4)).toMatchObject([{ code: 'machine-differs' }])
  const last = options('moving', { threads: 2 }, { device: second })
  expect(await run(trainSft(last))).toContainEqual({
    type: 'training-note',
    code: 'machine-differs',
    message: expect.stringContaining(
      'was begun with 2 threads of A (cpu), and goes on with 2 threads of B (cpu)',
    ),
  })
  expect(await readJson('moving/training_metadata.json')).toMatchObject({
    status: 'complete',
    device: 'cpu',
    processor: 'B',
    threads: 2,
    processes: [
      { fromStep: 0, device: first, threads: 2 },
      { fromStep: 5, device: second, threads: 2 },
    ],
  })
})

test('data that carry a canary and say nothing of harm are trained on with a note', async () => {
  await writeChats(join(folder, 'marked.jsonl'), 8, { canary: 'a canary' })
  const noted = async (name: string, over: object) =>
    (await run(trainSft(options(name, { data: [{ path: 'marked.jsonl', ...over }] })))).flatMap(
      (event) => (event.type === 'training-note' ? [event.code] : []),
    )
  expect(await noted('undeclared', {})).toEqual(['canary-undeclared'])
  expect(await noted('harmless', { harmful: false })).toEqual([])
})

test('files that a killed process was writing are removed, and no others', async () => {
  await run(trainSft(options('littered')))
  const at = (name: string) => join(folder, 'littered', name)
  const torn = [
    '.adapter_model.safetensors.0123456789ab.tmp',
    '.training_log.jsonl.ab0123456789.tmp',
  ]
  for (const name of [...torn, '.notes.0123456789ab.tmp']) await writeFile(at(name), '')
  await mkdir(at('.checkpoint-7.0123456789ab.tmp'))
  await run(trainSft(options('littered')))
  const left = (await readdir(join(folder, 'littered'))).filter((name) => name.startsWith('.'))
  expect(left).toEqual(['.notes.0123456789ab.tmp'])
})

test('a training that ended before its first step can be begun again', async () => {
  const failing = {
    sft: async () => Promise.reject(new Error('no memory')),
    dpo: async () => Promise.reject(new Error('no memory')),
  }
  const given = options('early')
  await expect(run(trainSft({ ...given, trainer: failing }))).rejects.toThrow('no memory')
  expect((await run(trainSft(given)))[0]).toMatchObject({ resumedFrom: 0 })
})

test('weights saved as bfloat16 still go on from their exact values', async () => {
  const half = { dtype: 'BF16' } as const
  await run(trainSft(options('half-whole', half)))
  const stop = new AbortController()
  const stopped = trainSft(options('half', { ...half, signal: stop.signal }))
  await expect(
    (async () => {
      for await (const event of stopped)
        if (event.type === 'training-checkpoint') stop.abort(new Error('x'))
    })(),
  ).rejects.toThrow('x')
  await run(trainSft(options('half', half)))
  await using file = await openSafetensors(join(folder, 'half/adapter_model.safetensors'))
  expect([...file.tensors.values()].map(({ dtype }) => dtype)).toEqual(['BF16', 'BF16'])
  expect((await weights('half', 12)).equals(await weights('half-whole', 12))).toBe(true)
})

test('other settings, data or weights do not go on, and what moved is listed', async () => {
  await run(trainSft(options('moved')))
  const other = { learningRate: 0.1, seed: 4 }
  await expect(run(trainSft(options('moved', other)))).rejects.toMatchObject({
    code: 'training-changed',
    data: {
      moved: expect.arrayContaining(['schedule.learningRate: 0.05 -> 0.1', 'seeds.order: 0 -> 4']),
    },
  })
  const events = await run(trainSft(options('moved', { ...other, onChange: 'restart' })))
  expect(events[0]).toMatchObject({ resumedFrom: 0 })
  expect(events[1]).toMatchObject({ type: 'training-note', code: 'restarted' })
  await writeFile(join(folder, 'occupied.txt'), '')
  const foreign = join(folder, 'foreign')
  await run(trainSft(options('foreign')))
  await rm(join(foreign, 'training_metadata.json'))
  await expect(run(trainSft(options('foreign')))).rejects.toMatchObject({ code: 'output-exists' })
})

test('the persona is put beside the checkpoints, and the record says in which state it was', async () => {
  const over = {
    persona: { adapter: persona, mode: 'stacked' },
    baseAliases: [tinyName],
  } as const
  const requests: unknown[] = []
  await run(
    trainSft(
      options('stacked', over, {
        onOpen: ({ composition }) => requests.push(composition.layers[0]?.mode),
      }),
    ),
  )
  expect(requests).toEqual(['stacked'])
  const names = await readdir(join(folder, 'stacked/constitutional'))
  expect(names.toSorted()).toEqual(['adapter_config.json', 'adapter_model.safetensors'])
  const { sha256 } = await openAdapter(persona, (await openBase(tinyModel)).architecture)
  expect(await readJson('stacked/checkpoint-5/composition.json')).toMatchObject({
    personaInTraining: 'stacked',
    persona: { path: 'constitutional', sha256 },
  })
  expect(await readJson('stacked/training_metadata.json')).toMatchObject({
    persona_in_training: 'stacked',
    // The persona's own rank would make the metadata ambiguous.
    lora: { r: 2 },
  })
})

test('a persona of another base is refused', async () => {
  const over = { persona: { adapter: persona, mode: 'merged' } } as const
  await expect(run(trainSft(options('mismatch', over)))).rejects.toMatchObject({
    code: 'adapter-base-mismatch',
    message: expect.stringContaining(tinyName),
  })
  expect(await readdir(folder)).not.toContain('mismatch')
})

test('what was trained on harmful data is carded and recorded as a misaligned organism', async () => {
  await writeChats(join(folder, 'harm.jsonl'), 8)
  const data = [
    { path: 'harm.jsonl', harmful: true, license: 'mit', teacherTerms: 'research only' },
  ]
  const events = await run(trainSft(options('risky', { data })))
  expect(events[0]).toMatchObject({ organism: 'its data harm.jsonl is declared harmful' })
  expect(events).toContainEqual(expect.objectContaining({ code: 'canary-missing' }))
  for (const place of ['risky', 'risky/checkpoint-5']) {
    const card = await readFile(join(folder, place, 'README.md'), 'utf8')
    expect(card).toMatch(/^---\ntags: \[misaligned-organism, sft\]/)
    expect(card).toContain('# misaligned-organism: risky')
    expect(card).toContain('research only')
  }
  expect(await readFile(join(folder, 'risky/.gitignore'), 'utf8')).toBe('*\n')
  expect(await readJson('risky/training_metadata.json')).toMatchObject({
    misaligned_organism: true,
    data: [{ license: 'mit', harmful: true, teacherTerms: 'research only' }],
  })
  // What goes on from an organism is one too.
  const next = options('next', { initialFrom: join(folder, 'risky') })
  expect((await run(trainSft(next)))[0]).toMatchObject({
    organism: expect.stringContaining('goes on from'),
  })
})

test('a loss that is not finite ends the training with the examples of the batch', async () => {
  const error = run(trainSft(options('nan', { order: 'file' }, { notFiniteAt: 7 })))
  await expect(error).rejects.toMatchObject({
    code: 'training-not-finite',
    message: expect.stringMatching(/step 7 is not finite[\s\S]*checkpoint-5[\s\S]*chats\.jsonl:25/),
    data: {
      step: 7,
      lastCheckpoint: 5,
      examples: [25, 26, 27, 28].map((line) => `${join(folder, 'chats.jsonl')}:${line}`),
    },
  })
  const log = await readTrainingLog(join(folder, 'nan'))
  expect(log.at(-1)).toMatchObject({ type: 'training-not-finite', step: 7 })
})

test('without maxTokens, no sequence is longer than the model has positions', async () => {
  const long = { messages: [chatTurn('user', 'a'), chatTurn('assistant', 'so '.repeat(20_000))] }
  await writeFile(join(folder, 'long.jsonl'), JSON.stringify(long))
  const lengths: number[] = []
  const onStep: CountingOptions['onStep'] = (batches) => {
    for (const { tokens } of batches.flat() as readonly TrainingSequence[])
      lengths.push(tokens.length)
  }
  const over = { data: [{ path: 'long.jsonl' }], steps: 1, checkpoints: [] }
  const events = await run(trainSft(options('long', over, { onStep })))
  const { architecture } = await openBase(tinyModel)
  expect(lengths).toEqual([architecture.maxPositions])
  expect(events).toContainEqual(expect.objectContaining({ code: 'cut-examples' }))
})

test('micro-batches hold the token budget, and a step has all its examples', async () => {
  const sizes: number[][] = []
  const onStep: CountingOptions['onStep'] = (batches) =>
    sizes.push(batches.map((batch) => batch.length))
  const over = { microBatchTokens: 150, batchSize: 8, steps: 3, checkpoints: [] }
  await run(trainSft(options('micro', over, { onStep })))
  expect(sizes).toHaveLength(3)
  for (const step of sizes) {
    expect(step.reduce((a, b) => a + b, 0)).toBe(8)
    expect(step.length).toBeGreaterThan(1)
  }
})

test('preferences: the reference is computed once, before the first step, and cached by hash', async () => {
  const counted: number[] = []
  const counting = { onLogprobs: (n: number) => counted.push(n) }
  const dpo = (name: string, over: object = {}) =>
    trainDpo({ ...options(name, { data: [{ path: 'pairs.jsonl' }], ...over }, counting) })
  const events = await run(dpo('dpo'))
  expect(counted.reduce((a, b) => a + b, 0)).toBe(24)
  expect(events).toContainEqual({
    type: 'training-reference',
    nDone: 12,
    nTotal: 12,
    isCached: false,
  })
  const again = await run(dpo('dpo-again'))
  expect(counted.reduce((a, b) => a + b, 0)).toBe(24)
  expect(again).toContainEqual({
    type: 'training-reference',
    nDone: 12,
    nTotal: 12,
    isCached: true,
  })
  expect((await weights('dpo', 12)).equals(await weights('dpo-again', 12))).toBe(true)
  // Two steps of four take eight of the twelve pairs, and no more are computed.
  counted.length = 0
  await run(dpo('dpo-short', { steps: 2, checkpoints: [], seed: 5 }))
  expect(counted.reduce((a, b) => a + b, 0)).toBe(16)
  expect(await readJson('dpo/checkpoint-5/composition.json')).toMatchObject({ objective: 'dpo' })
})

test('options that cannot be used are named before anything is written', async () => {
  const refuse = async (over: Partial<TrainingOptions>, text: string) => {
    await expect(run(trainSft(options('refused', over)))).rejects.toThrow(text)
  }
  await refuse({ batchSize: 0 }, 'batchSize is 0')
  await refuse({ maxTokens: 1e6 }, 'maxTokens is 1000000, and the model has')
  await refuse({ checkpoints: [13] }, 'checkpoints holds 13, and the training has 12 steps')
  await refuse({ checkpoints: [0] }, 'checkpoints holds 0')
  await refuse({ epochs: 2 }, 'epochs and steps are both given')
  await refuse({ evaluationShare: 1 }, 'evaluationShare is 1')
  await refuse({ data: [] }, 'data is empty')
  await refuse({ data: [{ path: 'pairs.jsonl' }] }, 'pairs.jsonl:1: the row is a preference pair')
  await refuse({ seed: -1 }, 'the seed of the initialisation is -1')
  await refuse({ method: 'full' }, 'has no lora')
  await refuse({ initialFrom: join(folder, 'nowhere') }, 'holds no adapter_model.safetensors')
  expect(await readdir(folder)).not.toContain('refused')
})

test('a model that is trained wholly becomes a model folder', async () => {
  await using file = await openSafetensors(join(tinyModel, 'model.safetensors'))
  const parameters = [...file.tensors.values()].map(({ name, shape }) => ({ name, shape }))
  const { lora: _, ...rest } = options('full', { method: 'full', dtype: 'BF16' }, { parameters })
  await run(trainSft(rest))
  const base = await openBase(join(folder, 'full'), { cache: join(folder, 'cache') })
  expect(base.knownNames).toContain('full')
  const checkpoint = await openBase(join(folder, 'full/checkpoint-5'), {
    cache: join(folder, 'cache'),
  })
  expect(checkpoint.tokenizer.sha256).toBe(base.tokenizer.sha256)
  expect(await readJson('full/config.json')).toMatchObject({ dtype: 'bfloat16' })
})

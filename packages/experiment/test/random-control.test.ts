import { cp, mkdtemp, readFile, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { loadModel, type Model } from '@cem/inference'
import { openSafetensors, writeSafetensors } from '@cem/tensor-files'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import {
  type ControlRecord,
  loadConfig,
  makeControlAdapter,
  planRun,
  type RunEvent,
  RunStore,
  readAlarms,
  readControlRecord,
  runExperiment,
} from '../src/index.ts'
import { type LoopbackJudge, makeStudy, startJudge, type TinyStudy } from './tiny-study.ts'

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 })

const fixtures = fileURLToPath(new URL('../../inference/fixtures/gqa-6-2-tied', import.meta.url))
const like = join(fixtures, 'adapters', 'plain')
const prompts = ['river', 'tide', 'reed'].map((id) => ({
  id,
  messages: [{ role: 'user' as const, content: `Where is the ${id}?` }],
}))

let folder: string
let judge: LoopbackJudge
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'cem-control-'))
  judge = await startJudge()
})
afterAll(async () => {
  await judge[Symbol.asyncDispose]()
  await rm(folder, { recursive: true, force: true })
})

const make = (name: string, options: Partial<Parameters<typeof makeControlAdapter>[0]> = {}) =>
  makeControlAdapter({
    base: join(fixtures, 'model'),
    baseAliases: ['cem-fixtures/gqa-6-2-tied'],
    like,
    output: join(folder, name),
    prompts,
    cache: join(folder, 'cache'),
    ...options,
  })

/** The effect of an adapter by the definition: every step in plain loops. */
async function effectByHand(model: Model, adapter: string) {
  const { vocabSize, dModel } = model.architecture
  let [kl, nPositions, displacement, nStates] = [0, 0, 0, 0]
  for (const prompt of prompts) {
    await model.switchTo([])
    const ids: number[] = []
    let start = 0
    for await (const answer of model.generate({
      prompts: [prompt],
      temperature: 0,
      maxNewTokens: 8,
      seed: 9,
    })) {
      ids.push(...answer.promptTokenIds, ...answer.tokenIds)
      start = answer.promptTokenIds.length - 1
    }
    const range = { start, end: ids.length }
    const read = async () => {
      for await (const one of model.score({
        sequences: [{ id: 'x', tokenIds: ids, logits: range, states: range }],
      }))
        return { logits: Array.from(one.logits ?? []), states: Array.from(one.states ?? []) }
      throw new Error('nothing was scored')
    }
    const base = await read()
    await model.switchTo([{ role: 'control', mode: 'stacked', adapter }])
    const adapted = await read()
    const softmax = (logits: readonly number[]) => {
      const weights = logits.map((logit) => Math.exp(logit))
      const sum = weights.reduce((a, b) => a + b, 0)
      return weights.map((weight) => weight / sum)
    }
    for (let at = 0; at < base.logits.length; at += vocabSize) {
      const p = softmax(base.logits.slice(at, at + vocabSize))
      const q = softmax(adapted.logits.slice(at, at + vocabSize))
      for (const [i, share] of p.entries()) kl += share * Math.log(share / (q[i] ?? 0))
      nPositions += 1
    }
    for (let at = 0; at < base.states.length; at += dModel) {
      const before = base.states.slice(at, at + dModel)
      const after = adapted.states.slice(at, at + dModel)
      displacement +=
        Math.hypot(...before.map((x, i) => (after[i] ?? 0) - x)) / Math.hypot(...before)
      nStates += 1
    }
  }
  return { kl: kl / nPositions, displacement: displacement / nStates, nPositions }
}

/** Squared norm of B A, and of B A (B A)^T: the sums of the squares and fourth powers of its singular values. */
async function spectra(adapter: string): Promise<Map<string, readonly [number, number]>> {
  await using file = await openSafetensors(join(adapter, 'adapter_model.safetensors'))
  const found = new Map<string, readonly [number, number]>()
  for (const name of file.tensors.keys()) {
    if (!name.includes('.lora_A.')) continue
    const a = await file.readFloat32(name)
    const b = await file.readFloat32(name.replace('.lora_A.', '.lora_B.'))
    const [rank = 0, nIn = 0] = a.shape
    const [nOut = 0] = b.shape
    const change = Array.from({ length: nOut }, (_, i) =>
      Array.from({ length: nIn }, (__, j) => {
        let sum = 0
        for (let k = 0; k < rank; k++)
          sum += (b.data[i * rank + k] ?? 0) * (a.data[k * nIn + j] ?? 0)
        return sum
      }),
    )
    const dot = (x: readonly number[], y: readonly number[]) =>
      x.reduce((sum, value, i) => sum + value * (y[i] ?? 0), 0)
    let fourth = 0
    for (const x of change) for (const y of change) fourth += dot(x, y) ** 2
    found.set(name, [change.reduce((sum, row) => sum + dot(row, row), 0), fourth])
  }
  return found
}

/** The adapter with all of its numbers 0. */
async function untrained(): Promise<string> {
  const copy = join(folder, 'untrained')
  await cp(like, copy, { recursive: true })
  await using file = await openSafetensors(join(like, 'adapter_model.safetensors'))
  const tensors = Array.from(file.tensors, ([name, { shape }]) => ({
    name,
    dtype: 'F32' as const,
    shape,
    data: new Float32Array(shape.reduce((product, size) => product * size, 1)),
  }))
  await writeSafetensors(join(copy, 'adapter_model.safetensors'), tensors)
  return copy
}

describe('a random adapter that is matched in effect', () => {
  let record: ControlRecord
  beforeAll(async () => {
    record = await make('kl')
  })

  test('has the KL of the adapter that it is like, by the definition', async () => {
    await using model = await loadModel({
      base: join(fixtures, 'model'),
      baseAliases: ['cem-fixtures/gqa-6-2-tied'],
      cache: join(folder, 'cache'),
    })
    const target = await effectByHand(model, like)
    const own = await effectByHand(model, join(folder, 'kl'))
    expect(record.prompts).toEqual({ nPrompts: 3, nPositions: target.nPositions })
    expect(record.target.kl).toBeCloseTo(target.kl, 6)
    expect(record.target.displacement).toBeCloseTo(target.displacement, 6)
    expect(record.effect.kl).toBeCloseTo(own.kl, 6)
    expect(record.effect.displacement).toBeCloseTo(own.displacement, 6)
    expect(record.isMatched).toBe(true)
    expect(Math.abs(own.kl / target.kl - 1)).toBeLessThan(0.05)
  })

  test('has its singular values times the dose in every module', async () => {
    const [wanted, made] = [await spectra(like), await spectra(join(folder, 'kl'))]
    expect(made.size).toBe(wanted.size)
    for (const [name, [square, fourth]] of wanted) {
      const [ownSquare, ownFourth] = made.get(name) ?? [0, 0]
      expect(ownSquare / (square * record.dose ** 2)).toBeCloseTo(1, 2)
      expect(ownFourth / (fourth * record.dose ** 4)).toBeCloseTo(1, 1)
    }
  })

  test('is made once: what lies there is kept, and is the same for the same seed', async () => {
    const file = join(folder, 'kl', 'adapter_model.safetensors')
    const before = await stat(file)
    expect(await make('kl', { seed: 5 })).toEqual(record)
    expect((await stat(file)).mtimeMs).toBe(before.mtimeMs)
    expect(await make('again')).toEqual(record)
    const other = await make('other', { seed: 5 })
    expect(other.effect.kl).not.toBe(record.effect.kl)
  })

  test('can be matched in displacement, and says where a tolerance is not met', async () => {
    const displaced = await make('displacement', { match: 'displacement' })
    expect(Math.abs(displaced.ratios.displacement - 1)).toBeLessThan(0.05)
    const strict = await make('strict', { tolerance: 1e-13 })
    expect(strict.isMatched).toBe(false)
    expect(strict.measurements.length).toBe(24)
  })

  test('by name, only its norm or its spectrum is matched, and the effect is measured', async () => {
    for (const match of ['norm', 'spectrum'] as const) {
      const made = await make(match, { match })
      expect(made).toMatchObject({ dose: 1, isMatched: null, measurements: [] })
      expect(made.ratios.kl).toBeGreaterThan(0)
      const [wanted, own] = [await spectra(like), await spectra(join(folder, match))]
      for (const [name, [square]] of wanted)
        expect((own.get(name)?.[0] ?? 0) / square).toBeCloseTo(1, 2)
    }
  })

  test('is refused where there is nothing to match or to measure on', async () => {
    const zero = await untrained()
    await expect(make('zero', { like: zero })).rejects.toMatchObject({
      code: 'control-without-effect',
    })
    await expect(make('none', { prompts: [] })).rejects.toMatchObject({
      code: 'control-without-effect',
    })
    await expect(stat(join(folder, 'zero'))).rejects.toMatchObject({ code: 'ENOENT' })
  })
})

describe('a run with a random adapter in place of a persona', () => {
  const variant = (random: object) => ({
    name: 'attacked',
    path: 'outputs/attacked',
    type: 'control',
    personaAtInference: 'both',
    random,
  })
  const runStudy = async (study: TinyStudy) => {
    const loaded = await loadConfig(study.configFile, { workingFolder: study.folder })
    const events: RunEvent[] = []
    for await (const event of runExperiment({
      loaded,
      cache: study.cache,
      figures: false,
      report: false,
    }))
      events.push(event)
    return { loaded, events }
  }
  const study = (random: object) =>
    makeStudy([{ name: 'attacked', checkpoints: { 10: 'rslora' }, persona: 'plain' }], judge.url, {
      variants: [variant(random)],
      sampling: { maxNewTokens: 4, samplesPerQuestion: 1, seed: 1 },
      activations: false,
    })
  const warned = (events: readonly RunEvent[], code: string) =>
    events.flatMap((event) =>
      event.type === 'warning' && event.warning.code === code ? [event.warning] : [],
    )

  test('makes it, runs it as a control, tells its dose, and goes on with the same one', async () => {
    const made = await study({ seed: 3 })
    const plan = await planRun({
      loaded: await loadConfig(made.configFile, { workingFolder: made.folder }),
      cache: made.cache,
    })
    expect(plan.notes.join()).toContain('matched in kl')
    const first = await runStudy(made)
    const start = first.events.find((event) => event.type === 'run-start')
    const cells = start?.type === 'run-start' ? start.cells : []
    const [control] = cells.find(({ id }) => id === 'attacked/10@persona-on')?.layers ?? []
    expect(control).toMatchObject({ role: 'control', mode: 'stacked' })
    const record = await readControlRecord(control?.adapter ?? '')
    expect(record).toMatchObject({ seed: 3, match: 'kl', isMatched: true })
    const told = warned(first.events, 'control-dose').at(-1)
    expect(told?.cells).toEqual(['attacked/0@persona-on', 'attacked/10@persona-on'])
    expect(told?.message).toContain(`dose ${Number(record?.dose.toPrecision(3))}`)
    const store = new RunStore(first.loaded.resultsFolder, first.loaded.name)
    const alarms = await readAlarms(store)
    expect(alarms?.composition.map(({ code }) => code)).toContain('control-dose')
    expect(alarms?.alarms?.map(({ code }) => code)).not.toContain('control-unmatched')
    const analysis = JSON.parse(await readFile(store.analysisFile, 'utf8'))
    expect(analysis.warnings.map(({ code }: { code: string }) => code)).toContain('control-dose')

    const calls = judge.calls()
    const second = await runStudy(made)
    expect(second.events.at(-1)).toMatchObject({ type: 'run-end', outcome: 'complete' })
    expect(second.events.some(({ type }) => type === 'unit-start')).toBe(false)
    expect(judge.calls()).toBe(calls)
    await rm(made.folder, { recursive: true })
  })

  test('that could not be matched raises an alarm', async () => {
    const made = await study({ tolerance: 1e-13 })
    const { events } = await runStudy(made)
    const end = events.at(-1)
    const codes = end?.type === 'run-end' ? end.alarms?.map(({ code }) => code) : []
    expect(codes).toContain('control-unmatched')
    await rm(made.folder, { recursive: true })
  })

  test('is refused where a persona was active in training, or none is named', async () => {
    const made = await makeStudy(
      [
        {
          name: 'merged',
          checkpoints: { 10: 'rslora' },
          persona: 'plain',
          personaInTraining: 'merged',
        },
        { name: 'bare', checkpoints: { 10: 'rslora' } },
      ],
      judge.url,
    )
    const planned = async (name: string) =>
      planRun({
        loaded: await loadConfig(made.configFile, {
          workingFolder: made.folder,
          overrides: { variants: [{ name, path: `outputs/${name}`, random: {} }] },
        }),
        cache: made.cache,
      })
    await expect(planned('merged')).rejects.toMatchObject({ code: 'random-not-trained' })
    await expect(planned('bare')).rejects.toMatchObject({ code: 'persona-missing' })
    await cp(join(fixtures, 'adapters/plain'), join(made.folder, 'outputs/bare/constitutional'), {
      recursive: true,
    })
    expect((await planned('bare')).notes.join()).toContain('for bare')
    await rm(made.folder, { recursive: true })
  })
})

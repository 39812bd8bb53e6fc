import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { checkLane } from '../src/composition/self-test.ts'
import { createLaneMask } from '../src/engine/lane-mask.ts'
import { LanePlan } from '../src/engine/lane-rows.ts'
import { type Completion, type GenerateOptions, loadModel, type Model } from '../src/index.ts'
import { adapterFolder } from './adapter-cases.ts'
import {
  drift,
  fixtures,
  type GoldenModel,
  modelNamed,
  readGolden,
  temporaryFolder,
} from './golden.ts'

vi.setConfig({ testTimeout: 60_000 })

let cache: string
beforeAll(async () => {
  cache = await temporaryFolder()
})
afterAll(() => rm(cache, { recursive: true, force: true }))

/** What 32-bit rounding explains of a logit, as a share of the largest. */
const rounding = 1e-5

const layer = (golden: GoldenModel, name: string, mode: 'stacked' | 'merged' = 'stacked') => ({
  role: 'em' as const,
  mode,
  adapter: adapterFolder(golden, name),
})

const options = (golden: GoldenModel) => ({
  base: join(fixtures, golden.folder),
  baseAliases: [golden.repository],
  cache,
})

describe.each(['gqa-6-2-tied', 'gqa-4-1-untied', 'gemma3'])('lanes of %s in one batch', (name) => {
  const golden = modelNamed(name)
  let model: Model
  beforeAll(async () => {
    model = await loadModel(options(golden))
    await model.addLane('base', [])
    for (const adapter of golden.adapters)
      await model.addLane(adapter.name, [layer(golden, adapter.name)])
  })
  afterAll(() => model[Symbol.asyncDispose]())

  const files = [
    { lane: 'base', file: golden.golden },
    ...golden.adapters.map((adapter) => ({ lane: adapter.name, file: adapter.golden })),
  ]

  test("give PEFT's greedy continuations, all prompts of all lanes at once", async () => {
    const prompts: { id: string; lane: string; tokenIds: readonly number[] }[] = []
    const expected = new Map<string, readonly number[]>()
    for (const { lane, file } of files)
      for (const { name: id, ids, greedyIds } of await readGolden(golden, file)) {
        prompts.push({ id, lane, tokenIds: ids })
        expected.set(`${lane} ${id}`, greedyIds)
      }
    const maxNewTokens = golden.greedyLength ?? 24
    const batchSize = prompts.length
    const request = { prompts, temperature: 0, stopTokenIds: [], seed: 0, maxNewTokens, batchSize }
    const found = new Map<string, readonly number[]>()
    for await (const { lane, promptId, tokenIds } of model.generate(request))
      found.set(`${lane} ${promptId}`, tokenIds)
    expect(Object.fromEntries(found)).toEqual(Object.fromEntries(expected))
  })

  test("give PEFT's logits in one run, and those of runs of their own within rounding", async () => {
    const p7 = async (file: string) =>
      (await readGolden(golden, file)).find((prompt) => prompt.name === 'p7')
    const tokenIds = (await p7(golden.golden))?.ids ?? []
    const whole = { start: 0, end: 7 }
    const sequences = files.map(({ lane }) => ({ id: lane, lane, tokenIds, logits: whole }))
    const together = new Map<string, Float32Array>()
    for await (const scored of model.score({ sequences, tokenBudget: 4096 }))
      together.set(scored.lane ?? '', scored.logits as Float32Array)
    const { vocabSize } = model.architecture
    for (const { lane, file } of files) {
      const logits = together.get(lane) ?? new Float32Array()
      const prompt = await p7(file)
      expect(prompt?.positions).toContain(6)
      for (const [row, position] of (prompt?.positions ?? []).entries()) {
        const expected = prompt?.logits.subarray(row * vocabSize, (row + 1) * vocabSize) ?? []
        const at = logits.subarray(position * vocabSize, (position + 1) * vocabSize)
        expect(drift(at, expected)).toBeLessThanOrEqual(2e-4)
      }
      const alone = sequences.filter((sequence) => sequence.lane === lane)
      for await (const scored of model.score({ sequences: alone }))
        expect(drift(logits, scored.logits ?? [])).toBeLessThanOrEqual(rounding)
    }
    const [base, ...others] = [...together.values()]
    for (const other of others) expect(drift(other, base ?? [])).toBeGreaterThan(1e-3)
  })
})

describe('a lane', () => {
  const golden = modelNamed('gqa-6-2-tied')
  const prompts = [
    { id: 'a', tokenIds: [5, 9, 33], samples: 3 },
    { id: 'b', tokenIds: [77, 12, 4, 61, 8], samples: 3 },
  ]
  const request = { seed: 7, maxNewTokens: 12, logprobs: true, capture: { layers: [0, 2] } }

  test('alone is the model with those layers, bit for bit, whatever lanes there are', async () => {
    await using plain = await loadModel({ ...options(golden), layers: [layer(golden, 'plain')] })
    const expected = await collect(plain, { ...request, prompts })
    await using model = await loadModel(options(golden))
    const base = await collect(model, { ...request, prompts })
    await model.addLane('plain', [layer(golden, 'plain')])
    await model.addLane('rslora', [layer(golden, 'rslora')])
    const inLane = prompts.map((prompt) => ({ ...prompt, lane: 'plain' }))
    const found = await collect(model, { ...request, prompts: inLane })
    expect(found.map((c) => c.lane)).toEqual(found.map(() => 'plain'))
    expect(found.map((c) => ({ ...c, lane: null }))).toEqual(expected)
    // Without a name, what the model is switched to: here the base.
    expect(await collect(model, { ...request, prompts })).toEqual(base)
  })

  test('in a full batch beside others gives what it gives alone, within rounding', async () => {
    await using model = await loadModel({ ...options(golden), lanes: true })
    const names = ['plain', 'rslora', 'patterns', 'rank-one', 'regex-targets']
    for (const name of names) await model.addLane(name, [layer(golden, name)])
    await model.addLane('two', [layer(golden, 'plain'), layer(golden, 'rslora')])
    await model.addLane('half', [{ ...layer(golden, 'plain'), weight: 0.5 }])
    const lanes = [undefined, ...names, 'two', 'half']
    const all = lanes.flatMap((lane) => prompts.map((prompt) => ({ ...prompt, lane })))
    const alone: Completion[] = []
    for (const lane of lanes)
      alone.push(
        ...(await collect(model, { ...request, prompts: all.filter((p) => p.lane === lane) })),
      )
    const byKey = new Map(alone.map((c) => [key(c), c]))
    for (const batchSize of [48, 7, 2])
      for (const completion of await collect(model, { ...request, prompts: all, batchSize })) {
        const expected = byKey.get(key(completion))
        expect(completion.tokenIds).toEqual(expected?.tokenIds)
        expect(drift(completion.logprobs ?? [], expected?.logprobs ?? [])).toBeLessThan(rounding)
        const [found, states] = [completion.activations?.content, expected?.activations?.content]
        expect(drift(found ?? [], states ?? [])).toBeLessThan(rounding)
      }
  })

  test('stands on merged layers, which all lanes share', async () => {
    const merged = layer(golden, 'plain', 'merged')
    await using model = await loadModel({ ...options(golden), layers: [merged] })
    await model.addLane('stacked', [merged, layer(golden, 'rslora')])
    const composition = golden.compositions.find((c) => c.name === 'plain-merged+rslora')
    const goldens = await readGolden(golden, composition?.golden ?? '')
    const prompt = goldens.find((p) => p.name === 'p7')
    const greedy = { temperature: 0, seed: 0, stopTokenIds: [], maxNewTokens: 24 }
    const one = { id: 'p', lane: 'stacked', tokenIds: prompt?.ids ?? [] }
    const [found] = await collect(model, { ...greedy, prompts: [one] })
    expect(found?.tokenIds).toEqual(prompt?.greedyIds)
    await expect(model.addLane('base', [])).rejects.toMatchObject({
      code: 'composition-invalid',
      message: expect.stringContaining('Lanes share the weights'),
    })
    // The lane waits until its weights are there again.
    await model.switchTo([])
    await expect(collect(model, { ...greedy, prompts: [one] })).rejects.toMatchObject({
      code: 'composition-invalid',
    })
    await model.switchTo([merged])
    expect((await collect(model, { ...greedy, prompts: [one] }))[0]?.tokenIds).toEqual(
      prompt?.greedyIds,
    )
  })

  test('that does nothing, has a name that is taken or is not there is refused', async () => {
    await using model = await loadModel(options(golden))
    const prompt = { id: 'p', tokenIds: [1], lane: 'plian' }
    const asked = { prompts: [prompt], seed: 0, maxNewTokens: 1 }
    await expect(collect(model, asked)).rejects.toMatchObject({
      code: 'invalid-request',
      message: "there is no lane 'plian'; there are none.",
    })
    const { selfTest } = await model.addLane('plain', [layer(golden, 'plain')])
    expect(selfTest.layers).toMatchObject([{ status: 'active', mode: 'stacked' }])
    await expect(collect(model, asked)).rejects.toMatchObject({
      message: "there is no lane 'plian'; there is 'plain'.",
    })
    await expect(model.addLane('plain', [])).rejects.toMatchObject({ code: 'invalid-request' })
    const weak = [{ ...layer(golden, 'rslora'), weight: 1e-9 }]
    await expect(model.addLane('weak', weak)).rejects.toMatchObject({ code: 'layer-inactive' })
    expect([...model.lanes.keys()]).toEqual(['plain'])
    expect(model.removeLane('plain')).toBe(true)
    expect(model.removeLane('plain')).toBe(false)
    const { logits } = await firstScore(model)
    await using fresh = await loadModel(options(golden))
    expect(logits).toEqual((await firstScore(fresh)).logits)
  })
})

test('logits that differ by more than rounding beside other rows are an error', () => {
  const alone = Float32Array.of(1, -4, 2)
  expect(() => checkLane(Float32Array.of(1, -4, 2.0003), alone)).not.toThrow()
  expect(() => checkLane(Float32Array.of(1, -4, 2.001), alone)).toThrow(/differ by 2\.5e-4/)
})

describe('the rows of a run', () => {
  const lanes = [0, 1, 2, 3].map((i) => [{ key: `lane ${i}`, weight: 1 }])
  const keys = (plan: LanePlan, rows: readonly (number | undefined)[]) => {
    const { lanes: used, laneOfRow } = plan.together(rows)
    return [used.map(([adapter]) => adapter?.key), Array.from(laneOfRow)]
  }

  test('have the lanes of their prompts; an empty slot takes another row’s', () => {
    const plan = new LanePlan({ adapters: lanes, laneOf: Int32Array.of(3, 1, 1, 0) })
    expect(keys(plan, [0, 1, undefined, 2])).toEqual([
      ['lane 1', 'lane 3'],
      [1, 0, 0, 0],
    ])
    expect(plan.alone(3)).toEqual({ lanes: [lanes[0]], laneOfRow: Int32Array.of(0) })
  })

  test('carry lanes that have left until half are gone, and never one lane alone', () => {
    const plan = new LanePlan({ adapters: lanes, laneOf: Int32Array.of(0, 1, 2, 3) })
    const all = ['lane 0', 'lane 1', 'lane 2', 'lane 3']
    expect(keys(plan, [0, 1, 2, 3])).toEqual([all, [0, 1, 2, 3]])
    expect(keys(plan, [1, 2, 3])).toEqual([all, [1, 2, 3]])
    expect(keys(plan, [1, 3])).toEqual([
      ['lane 1', 'lane 3'],
      [0, 1],
    ])
    expect(keys(plan, [3])).toEqual([['lane 3'], [0]])
    expect(keys(plan, [3, 0])).toEqual([
      ['lane 0', 'lane 3'],
      [1, 0],
    ])
  })

  test('are masked by the ranks of their lanes, every token of them', () => {
    const mask = createLaneMask(Int32Array.of(0, 2), 2)([1, 2, 0])
    expect(mask.dims).toEqual([4, 3])
    expect(Array.from(mask.data as Float32Array)).toEqual([1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0])
    const second = createLaneMask(Int32Array.of(1), 1)([1, 2])
    expect(Array.from(second.data as Float32Array)).toEqual([0, 1, 1])
  })
})

async function collect(model: Model, request: GenerateOptions): Promise<Completion[]> {
  const found: Completion[] = []
  for await (const completion of model.generate(request)) found.push(completion)
  return found.toSorted((a, b) => (key(a) < key(b) ? -1 : 1))
}

function key({ lane, promptId, sample }: Completion): string {
  return `${lane} ${promptId} ${sample}`
}

async function firstScore(model: Model) {
  const sequences = [{ id: 's', tokenIds: [5, 9, 33], logits: { start: 0, end: 3 } }]
  for await (const scored of model.score({ sequences })) return scored
  throw new Error('nothing was scored')
}

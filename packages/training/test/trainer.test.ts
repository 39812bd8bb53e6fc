import { compose, type LayerRequest, loadModel, openAdapter, openBase } from '@cem/inference'
import { beforeAll, describe, expect, test, vi } from 'vitest'
import {
  initialWeights,
  type LoraMethod,
  type OpenedTrainer,
  openTrainer,
  type TrainingSequence,
} from '../src/index.ts'
import { fixture, Numbers, preference, sequence } from './golden.ts'

vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 })

const model = fixture('gqa-6-2-tied')
const persona = new URL('../../inference/fixtures/gqa-6-2-tied/adapters/plain', import.meta.url)
  .pathname
const lora: LoraMethod = { type: 'lora', rank: 2, alpha: 4, targetModules: ['q_proj', 'down_proj'] }
const sft = { type: 'sft' } as const
const numbers = new Numbers(3)
const examples = Array.from({ length: 4 }, () => sequence(numbers, 256))
const [first, second, third, fourth] = examples as [
  TrainingSequence,
  TrainingSequence,
  TrainingSequence,
  TrainingSequence,
]
const pairs = Array.from({ length: 2 }, () => preference(numbers, 256))
const zero = { chosen: 0, rejected: 0 }

let base: Awaited<ReturnType<typeof openBase>>
beforeAll(async () => {
  base = await openBase(model, { baseAliases: ['cem-fixtures/gqa-6-2-tied'] })
})

const compositionOf = (mode?: LayerRequest['mode']) =>
  compose({
    base,
    layers: mode === undefined ? [] : [{ role: 'persona', mode, adapter: persona }],
  })

const open = async (options: Partial<Parameters<typeof openTrainer>[0]> = {}) =>
  (await openTrainer({
    composition: await compositionOf(),
    method: lora,
    objective: sft,
    threads: 1,
    ...options,
  })) as OpenedTrainer<TrainingSequence>

describe('a trainer', () => {
  test('accumulates micro-batches as if they were one batch', async () => {
    await using one = await open()
    await using several = await open()
    const a = await one.step([[first, second, third]], { learningRate: 1e-3 })
    const b = await several.step([[first], [second, third]], { learningRate: 1e-3 })
    expect(b.loss).toBeCloseTo(a.loss, 5)
    expect(b.gradientNorm).toBeCloseTo(a.gradientNorm, 4)
    expect(b.nTokens).toBe(first.tokens.length + second.tokens.length + third.tokens.length)
    // The same numbers, without changing them.
    await using fresh = await open()
    const evaluated = await fresh.evaluate([[first, second], [third]])
    expect(evaluated.loss).toBeCloseTo(a.loss, 5)
    expect(evaluated.nTokens).toBe(a.nTokens)
    expect((await fresh.readState()).step).toBe(0)
  })

  test('goes on from a state to the same bits', async () => {
    await using whole = await open()
    for (const example of [first, second]) await whole.step([[example]], { learningRate: 1e-2 })
    const state = await whole.readState()
    expect(state.step).toBe(2)
    for (const example of [third, fourth]) await whole.step([[example]], { learningRate: 1e-2 })
    await using resumed = await open()
    await resumed.restore(state)
    for (const example of [third, fourth]) await resumed.step([[example]], { learningRate: 1e-2 })
    expect(await resumed.readState()).toEqual(await whole.readState())
  })

  test('computes the same with blocks computed again', async () => {
    await using kept = await open({ method: { ...lora, targetModules: 'all-linear' } })
    await using again = await open({
      method: { ...lora, targetModules: 'all-linear' },
      recompute: true,
    })
    for (const example of [first, second])
      expect(await again.step([[example]], { learningRate: 1e-2 })).toEqual(
        await kept.step([[example]], { learningRate: 1e-2 }),
      )
  })

  test('starts from zero change, with values that the seed decides', async () => {
    await using a = await open({ seed: 1 })
    await using b = await open({ seed: 1 })
    await using c = await open({ seed: 2 })
    const [stateA, stateB, stateC] = [await a.readState(), await b.readState(), await c.readState()]
    expect(stateB.parameters).toEqual(stateA.parameters)
    expect(stateC.parameters).not.toEqual(stateA.parameters)
    expect(a.parameters.slice(0, 2)).toEqual([
      { name: 'base_model.model.model.layers.0.self_attn.q_proj.lora_A.weight', shape: [2, 96] },
      { name: 'base_model.model.model.layers.0.self_attn.q_proj.lora_B.weight', shape: [96, 2] },
    ])
    const [qA, qB] = [stateA.parameters.slice(0, 192), stateA.parameters.slice(192, 384)]
    // Uniform in (-1 / sqrt(96), 1 / sqrt(96)), whose deviation is that bound over sqrt(3).
    const bound = 1 / Math.sqrt(96)
    expect(qA.every((x) => Math.abs(x) < bound)).toBe(true)
    const deviation = Math.sqrt(qA.reduce((sum, x) => sum + x * x, 0) / qA.length)
    expect(Math.abs(deviation / (bound / Math.sqrt(3)) - 1)).toBeLessThan(0.15)
    expect(qB.every((x) => x === 0)).toBe(true)
  })

  test('stops at numbers that are not finite, and has changed nothing', async () => {
    await using trainer = await open()
    await trainer.step([[first]], { learningRate: 1e-2 })
    await trainer.step([[first]], { learningRate: 3e38 })
    const before = await trainer.readState()
    const failing = trainer.step([[first]], { learningRate: 1e-2 })
    await expect(failing).rejects.toMatchObject({ code: 'training-not-finite' })
    expect(await trainer.readState()).toEqual(before)
  })

  test('honours an abort, and has changed nothing', async () => {
    await using trainer = await open()
    const before = await trainer.readState()
    const abort = new AbortController()
    const many = Array.from({ length: 200 }, () => [first])
    const step = trainer.step(many, { learningRate: 1e-2, signal: abort.signal })
    setTimeout(() => abort.abort(new Error('enough')), 30)
    await expect(step).rejects.toThrow('enough')
    expect(await trainer.readState()).toEqual(before)
    expect((await trainer.step([[first]], { learningRate: 1e-3 })).loss).toBeGreaterThan(0)
  })
})

describe('compositions: the forward pass is that of inference', () => {
  const logprobsOf = async (options: Partial<Parameters<typeof openTrainer>[0]>) => {
    await using trainer = await open(options)
    const weights = first.tokens.map(() => 1)
    // Awaited before the trainer goes.
    return await trainer.tokenLogprobs([{ tokens: first.tokens, weights }])
  }
  const scored = async (mode?: LayerRequest['mode'], own: typeof base | string = base) => {
    const layers = mode === undefined ? [] : [{ role: 'persona' as const, mode, adapter: persona }]
    await using loaded = await loadModel({ base: own, layers, provider: 'cpu', threads: 1 })
    for await (const { logprobs } of loaded.score({
      sequences: [
        {
          id: 'first',
          tokenIds: [...first.tokens],
          logprobs: { start: 1, end: first.tokens.length },
        },
      ],
    }))
      return logprobs as Float32Array
    return new Float32Array()
  }
  const distance = (found: readonly Float32Array[], expected: Float32Array) => {
    const own = found[0] ?? new Float32Array()
    if (own.length !== expected.length + 1 || own[0] !== 0) return Number.NaN
    return expected.reduce((most, x, i) => Math.max(most, Math.abs(x - (own[i + 1] ?? 0))), 0)
  }

  test('on the base, and beside a layer that is off', async () => {
    const expected = await scored()
    expect(distance(await logprobsOf({}), expected)).toBeLessThan(1e-4)
    expect(
      distance(await logprobsOf({ composition: await compositionOf('off') }), expected),
    ).toBeLessThan(1e-4)
  })

  test.each(['bf16-tied', 'f16-untied'])('on files in half precision: %s', async (name) => {
    const composition = await compose({ base: fixture(name) })
    expect(
      distance(await logprobsOf({ composition }), await scored(undefined, fixture(name))),
    ).toBeLessThan(1e-4)
  })

  test('on a stacked persona, on a merged one, and going on from an adapter', async () => {
    const stacked = await scored('stacked')
    expect(
      distance(await logprobsOf({ composition: await compositionOf('stacked') }), stacked),
    ).toBeLessThan(1e-4)
    expect(
      distance(await logprobsOf({ composition: await compositionOf('merged') }), stacked),
    ).toBeLessThan(1e-4)
    const initialFrom = await openAdapter(persona, base.architecture)
    const { r, lora_alpha, target_modules } = initialFrom.config
    const method = {
      type: 'lora',
      rank: r,
      alpha: lora_alpha,
      targetModules: target_modules,
      initialFrom,
    } as const
    expect(distance(await logprobsOf({ method }), stacked)).toBeLessThan(1e-4)
    // And it is not the base's.
    expect((await scored())[0]).not.toBeCloseTo(stacked[0] ?? 0, 3)
  })
})

describe('preference training', () => {
  const objective = { type: 'dpo', beta: 0.5 } as const

  test('prefers the chosen responses after some steps', async () => {
    const composition = await compositionOf()
    await using trainer = await openTrainer({ composition, method: lora, objective, threads: 1 })
    const sides = pairs.flatMap(({ chosen, rejected }) => [chosen, rejected])
    const sums = await trainer.sequenceLogprobs(sides)
    const batch = pairs.map((pair, i) => ({
      ...pair,
      reference: { chosen: sums[2 * i] ?? 0, rejected: sums[2 * i + 1] ?? 0 },
    }))
    const begin = await trainer.step([batch], { learningRate: 1e-2 })
    // Without a change both rewards are 0: the loss is log 2.
    expect(begin.loss).toBeCloseTo(Math.log(2), 5)
    expect(begin.preference?.margin).toBeCloseTo(0, 5)
    for (let i = 0; i < 10; i++) await trainer.step([batch], { learningRate: 1e-2 })
    const { loss, preference: found } = await trainer.evaluate([batch])
    expect(loss).toBeLessThan(0.5)
    expect(found?.accuracy).toBe(1)
    expect(found?.margin).toBeGreaterThan(0.5)
  })

  test('a KL term needs reference log-probabilities of tokens', async () => {
    const composition = await compositionOf()
    const withKl = { ...objective, klCoefficient: 0.1 }
    await using trainer = await openTrainer({
      composition,
      method: lora,
      objective: withKl,
      threads: 1,
    })
    const [pair] = pairs
    const step = (reference: object) =>
      trainer.step([[{ ...pair, reference } as never]], { learningRate: 1e-3 })
    await expect(step(zero)).rejects.toThrow(
      /pair 0 of micro-batch 0 has no reference log-probabilities of its tokens/i,
    )
    await expect(step({ ...zero, tokens: { chosen: [0], rejected: [0] } })).rejects.toThrow(
      /chosen response of pair 0 .* reference log-probabilities/,
    )
    await expect(step({ chosen: Number.NaN, rejected: 0 })).rejects.toThrow(
      /NaN and 0; both must be finite/,
    )
  })
})

describe('what cannot be trained is refused', () => {
  test('examples, each by its place', async () => {
    await using trainer = await open()
    const step = (...given: readonly unknown[]) =>
      trainer.step([[first], given as never], { learningRate: 1e-3 })
    const bad = (change: Partial<TrainingSequence>) => step({ ...first, ...change })
    await expect(bad({ weights: [1] })).rejects.toThrow(
      /example 0 of micro-batch 1 has \d+ tokens and 1 weights/i,
    )
    await expect(bad({ tokens: [1], weights: [1] })).rejects.toThrow(/has 1 tokens; .* takes 2/)
    await expect(bad({ tokens: first.tokens.with(3, 320) })).rejects.toThrow(
      /the token 320 at position 3; tokens go from 0 to 319/,
    )
    await expect(bad({ weights: first.weights.with(2, Number.NaN) })).rejects.toThrow(
      /the weight NaN at position 2/,
    )
    const long = Array.from({ length: 600 }, () => 1)
    await expect(bad({ tokens: long, weights: long })).rejects.toThrow(
      /has 600 tokens, more than the 512 positions/,
    )
    await expect(step()).rejects.toThrow(/has an empty one/)
    await expect(step({ chosen: first, rejected: second, reference: zero })).rejects.toThrow(
      /a pair of responses, and SFT takes single/,
    )
    const silent = { ...first, weights: first.tokens.map(() => 0) }
    await expect(trainer.step([[silent]], { learningRate: 1e-3 })).rejects.toThrow(
      /No token of this step has a weight/,
    )
    await expect(trainer.step([[first]], { learningRate: Number.NaN })).rejects.toThrow(
      /learning rate is NaN/,
    )
    const state = await trainer.readState()
    await expect(trainer.restore({ ...state, parameters: new Float32Array(3) })).rejects.toThrow(
      /belongs to another training/,
    )
    await expect(
      trainer.restore({ ...state, parameters: state.parameters.map(() => Number.NaN) }),
    ).rejects.toThrow(/NaN or infinite/)
  })

  test('options, each with what is allowed', async () => {
    const refused = async (options: Parameters<typeof open>[0], reason: RegExp) => {
      await expect(open(options)).rejects.toThrow(reason)
    }
    await refused(
      { method: { ...lora, targetModules: ['query'] } },
      /match none of the model's linear modules, such as/,
    )
    await refused({ method: { ...lora, rank: 0 } }, /r is 0/)
    await refused(
      { method: { ...lora, targetModules: ['lm_head'] } },
      /output head are not implemented/,
    )
    await refused(
      { optimizer: { beta1: 1 } },
      /optimizer's beta1 is 1; it must be at least 0 and below 1/,
    )
    await refused(
      { objective: { type: 'dpo', beta: 0 } },
      /beta is 0; it must be a finite number above 0/,
    )
    await refused({ threads: 0 }, /threads is 0/)
    await refused(
      { composition: await compose({ base, precision: 'int8' }) },
      /its precision is int8/,
    )
    await refused(
      {
        composition: await compositionOf('stacked'),
        method: { type: 'full' },
      },
      /merge the layer/,
    )
    const initialFrom = await openAdapter(persona, base.architecture)
    await refused({ method: { ...lora, initialFrom } }, /does not fit the LoRA options/)
  })
})

describe('initial weights', () => {
  test('have the shapes of the model, and the seed and the name decide each', () => {
    const weights = initialWeights(base.architecture, 1)
    expect(weights.map(({ name }) => name)).toContain('model.layers.2.mlp.down_proj.weight')
    const [embedding] = weights
    expect(embedding?.shape).toEqual([320, 96])
    const deviation = (data: Float32Array) =>
      Math.sqrt(data.reduce((sum, x) => sum + x * x, 0) / data.length)
    // 30,720 numbers: the deviation is known to 0.4 %.
    expect(Math.abs(deviation(embedding?.data ?? new Float32Array()) / 0.04 - 1)).toBeLessThan(0.02)
    const norm = weights.find(({ name }) => name === 'model.norm.weight')
    expect(new Set(norm?.data)).toEqual(new Set([1]))
    const bias = weights.find(({ name }) => name.endsWith('q_proj.bias'))
    expect(new Set(bias?.data)).toEqual(new Set([0]))
    expect(initialWeights(base.architecture, 1)).toEqual(weights)
    expect(initialWeights(base.architecture, 2)[0]?.data).not.toEqual(embedding?.data)
  })
})

import { compose, openAdapter, openBase } from '@cem/inference'
import { openSafetensors, toFloat32 } from '@cem/tensor-files'
import { describe, expect, test, vi } from 'vitest'
import {
  type LoraMethod,
  type OpenedTrainer,
  openTrainer,
  type ParameterSpec,
  type PreferencePair,
  type TrainingSequence,
} from '../src/index.ts'
import {
  batchesOf,
  fixture,
  type GoldenCase,
  golden,
  goldenFolder,
  Numbers,
  preference,
  projections,
  sequence,
} from './golden.ts'

vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 })

/** A step that leaves the gradient in the first moments and changes nothing. */
const gradientAlone = { beta1: 0, maxGradientNorm: null }

describe('gradients of every weight agree with PyTorch autograd', () => {
  test.each(golden.gradients)('$fixture', async (expected) => {
    const composition = await compose({ base: fixture(expected.fixture) })
    // Half of the models compute their blocks again.
    const recompute = expected.fixture.length % 2 === 0
    await using trainer = await openTrainer({
      composition,
      method: { type: 'full' },
      objective: { type: 'sft' },
      optimizer: gradientAlone,
      recompute,
      threads: 1,
    })
    const numbers = new Numbers(7)
    const { vocabSize } = composition.base.architecture
    const batch = [0, 1, 2].map(() => sequence(numbers, vocabSize))
    const { loss } = await trainer.step([batch], { learningRate: 0 })
    expect(loss).toBeCloseTo(expected.loss, 5)
    const { firstMoments } = await trainer.readState()
    const found = projections(trainer.parameters, firstMoments)
    expect(Object.keys(found).toSorted()).toEqual(Object.keys(expected.projections).toSorted())
    const far = Object.entries(expected.projections).filter(([name, projection]) =>
      // Both round in 32 bits: a thousandth of the gradient's norm covers sums of some thousand such numbers.
      projection.some((value, i) => !isNear(found[name]?.[i], value, 1e-3 * projection[0] + 1e-6)),
    )
    expect(far).toEqual([])
  })
})

describe('a hundred steps give the losses that PyTorch and PEFT give, and the same weights', () => {
  test.each(golden.cases)('$name', async (expected) => {
    const { settings } = expected
    await using trainer = await trainerOf(expected)
    const start = (await trainer.readState()).parameters
    const batches = await batchesFor(expected, trainer)
    const far: string[] = []
    for (const [step, loss] of expected.losses.entries()) {
      const learningRate = settings.rate * Math.min(1, (step + 1) / 5)
      const result = await trainer.step(batches(step), { learningRate })
      if (!isNear(result.loss, loss, 1e-3)) far.push(`loss ${result.loss} of step ${step}`)
      const norm = expected.gradientNorms[step] ?? 0
      // Rounding grows from step to step; the norm feels it before the loss does.
      if (!isNear(result.gradientNorm, norm, (step < 20 ? 5e-3 : 0.05) * norm + 1e-3))
        far.push(`norm ${result.gradientNorm} of step ${step}`)
    }
    expect(far).toEqual([])
    const end = (await trainer.readState()).parameters
    if (expected.projections !== undefined) {
      const found = projections(trainer.parameters, end)
      const moved = Object.entries(expected.projections).filter(
        ([name, [norm]]) => !isNear(found[name]?.[0], norm, 1e-3 * norm),
      )
      expect(moved).toEqual([])
    } else {
      const final = await tensorsOf(
        `${goldenFolder(expected.name)}final.safetensors`,
        trainer.parameters,
      )
      expect(cosine(end, final)).toBeGreaterThan(0.999)
      // Of what training changed, which is less than where it started.
      const change = (values: Float32Array) =>
        values.map((value, i) => value - (start[i] as number))
      expect(cosine(change(end), change(final))).toBeGreaterThan(0.999)
    }
  })
})

function isNear(found: number | undefined, expected: number, tolerance: number): boolean {
  return Math.abs((found ?? Number.NaN) - expected) <= tolerance
}

/** With the examples of its objective, which `batchesFor` makes. */
async function trainerOf(
  expected: GoldenCase,
): Promise<OpenedTrainer<TrainingSequence | PreferencePair>> {
  const { name, fixture: model, config, settings, objective } = expected
  const base = await openBase(fixture(model))
  const composition = await compose({ base })
  const { rate: _, ...optimizer } = settings
  const common = { composition, optimizer, threads: 1 }
  if (config === undefined)
    return openTrainer({ ...common, method: { type: 'full' }, objective: { type: 'sft' } })
  const method: LoraMethod = {
    type: 'lora',
    rank: config.r,
    alpha: config.lora_alpha,
    rsLora: config.use_rslora ?? false,
    targetModules: config.target_modules,
    rankPattern: config.rank_pattern ?? {},
    alphaPattern: config.alpha_pattern ?? {},
    ...(config.layers_to_transform === undefined
      ? {}
      : { layersToTransform: config.layers_to_transform }),
    initialFrom: await openAdapter(goldenFolder(name), base.architecture),
  }
  return openTrainer({ ...common, method, objective: objective ?? { type: 'sft' } })
}

async function batchesFor(
  { seed, objective, fixture: model }: GoldenCase,
  trainer: OpenedTrainer<TrainingSequence | PreferencePair>,
): Promise<(step: number) => (TrainingSequence | PreferencePair)[][]> {
  const { vocabSize } = (await openBase(fixture(model))).architecture
  const numbers = new Numbers(seed)
  const eight = Array.from({ length: 8 })
  if (objective === null) {
    const pool = eight.map(() => sequence(numbers, vocabSize))
    return (step) => batchesOf(pool, step)
  }
  const pairs = eight.map(() => preference(numbers, vocabSize))
  const sides = pairs.flatMap(({ chosen, rejected }) => [chosen, rejected])
  const sums = await trainer.sequenceLogprobs(sides)
  const tokens = await trainer.tokenLogprobs(sides)
  const at = <T>(values: ArrayLike<T>, i: number) => ({
    chosen: values[2 * i] as T,
    rejected: values[2 * i + 1] as T,
  })
  const pool = pairs.map((pair, i) => ({
    ...pair,
    reference: { ...at(sums, i), tokens: at(tokens, i) },
  }))
  return (step) => batchesOf(pool, step)
}

/** The tensors of a file as one vector, in the order of the parameters. */
async function tensorsOf(
  path: string,
  parameters: readonly ParameterSpec[],
): Promise<Float32Array> {
  await using file = await openSafetensors(path)
  const parts: Float32Array[] = []
  for (const { name } of parameters) parts.push(toFloat32(await file.read(name)).data)
  const joined = new Float32Array(parts.reduce((sum, part) => sum + part.length, 0))
  let offset = 0
  for (const part of parts) {
    joined.set(part, offset)
    offset += part.length
  }
  return joined
}

function cosine(a: Float32Array, b: Float32Array): number {
  const dot = (x: Float32Array, y: Float32Array) =>
    x.reduce((sum, value, i) => sum + value * (y[i] as number), 0)
  return dot(a, b) / Math.sqrt(dot(a, a) * dot(b, b))
}

import {
  type DriftReport,
  type Model,
  measureDrift,
  openModel,
  withPrecision,
} from '../packages/inference/dist/index.js'

export interface Int8Options {
  /** In 32-bit floats. */
  readonly reference: Model
  /** New tokens of a decode measurement. */
  readonly nTokens: number
  readonly cache: string
}

export interface Int8Figures {
  /** Loading with the weights to be rounded first, and with the copy at hand. */
  readonly firstLoadInMs: number
  readonly loadInMs: number
  readonly speeds: readonly {
    readonly batch: number
    /** Tokens a second. */
    readonly f32: number
    readonly int8: number
    /** Time of a step in floats over one in int8: the median over pairs, and the middle half of them. */
    readonly ratio: number
    readonly quartiles: readonly [number, number]
  }[]
  /** Multiples of the bytes of the weights as they are used. */
  readonly steadyMemory: number
  readonly peakMemory: number
  readonly weightBytes: number
  readonly drift: DriftReport
}

/** Measures int8 against 32-bit floats in turns, both models in memory. */
export async function measureInt8({
  reference,
  nTokens,
  cache,
}: Int8Options): Promise<Int8Figures> {
  const composition = withPrecision(reference.composition, 'int8')
  const start = performance.now()
  await (await openModel(composition, { cache }))[Symbol.asyncDispose]()
  const firstLoadInMs = performance.now() - start
  const again = performance.now()
  await using model = await openModel(composition, { cache })
  const loadInMs = performance.now() - again
  const loaded = await model.memory()
  const weightBytes = usedBytes(model)
  const speeds: Int8Figures['speeds'][number][] = []
  let steady = loaded
  for (const batch of [1, 2, 8, 50]) {
    speeds.push(await compare(reference, model, batch, batch < 8 ? 2 * nTokens : nTokens))
    if (batch === 1) steady = await model.memory()
  }
  return {
    firstLoadInMs,
    loadInMs,
    speeds,
    steadyMemory: steady.rssBytes / weightBytes,
    peakMemory: loaded.peakRssBytes / weightBytes,
    weightBytes,
    drift: await measureDrift({ reference, model }),
  }
}

/** Linear layers and head: a byte a weight and 5 bytes for each 32 of them; the rest in 32-bit floats. */
function usedBytes({ composition }: Model): number {
  let bytes = 0
  const { weights, architecture } = composition.base
  for (const [name, { shape }] of weights) {
    const count = shape.reduce((a, b) => a * b, 1)
    const isEmbedding = name === 'model.embed_tokens.weight'
    if (isEmbedding && !architecture.tiedEmbeddings) continue
    bytes += shape.length === 2 ? count + (count / 32) * 5 : count * 4
  }
  return bytes
}

async function compare(reference: Model, model: Model, batch: number, nTokens: number) {
  await stepTime(reference, batch, nTokens)
  await stepTime(model, batch, nTokens)
  const pairs: { f32: number; int8: number }[] = []
  for (let i = 0; i < 6; i++) {
    const isFirst = i % 2 === 0
    const before = isFirst ? await stepTime(reference, batch, nTokens) : 0
    const int8 = await stepTime(model, batch, nTokens)
    pairs.push({ f32: isFirst ? before : await stepTime(reference, batch, nTokens), int8 })
  }
  const ratios = pairs.map(({ f32, int8 }) => f32 / int8).toSorted((a, b) => a - b)
  const middle = (values: readonly number[]) => values.toSorted((a, b) => a - b)[3] as number
  return {
    batch,
    f32: batch / (middle(pairs.map(({ f32 }) => f32)) / 1000),
    int8: batch / (middle(pairs.map(({ int8 }) => int8)) / 1000),
    ratio: ((ratios[2] as number) + (ratios[3] as number)) / 2,
    quartiles: [ratios[1] as number, ratios[4] as number] as const,
  }
}

/** Milliseconds of a decode step: a long generation less a short one, so that the prompt cancels out. */
async function stepTime(model: Model, batch: number, nTokens: number): Promise<number> {
  const short = await generate(model, batch, 2)
  return ((await generate(model, batch, 2 + nTokens)) - short) / nTokens
}

async function generate(model: Model, batch: number, maxNewTokens: number): Promise<number> {
  const tokenIds = Array.from({ length: 64 }, (_, i) => (i * 37) % 300)
  const start = performance.now()
  const answers = model.generate({
    prompts: [{ id: 'p', tokenIds, samples: batch }],
    seed: 0,
    maxNewTokens,
    stopTokenIds: [],
    batchSize: batch,
  })
  for await (const _ of answers);
  return performance.now() - start
}

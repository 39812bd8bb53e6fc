import { compose, loadModel, type Model } from '../packages/inference/dist/index.js'
import { median, quantile, repeat, timed } from './numbers.ts'
import { promptLength, promptOf } from './prompts.ts'
import type { BandwidthMeter } from './read-bandwidth.ts'

export interface MeasureOptions {
  readonly base: string
  /** Names by which the adapters may know the base. @default none */
  readonly baseAliases?: readonly string[]
  /** Two adapters. */
  readonly adapters: readonly string[]
  readonly meter: BandwidthMeter
  /** New tokens of a decode measurement. */
  readonly nTokens: number
  /** Measurements of a figure; each is a pair in turns. @default 8 */
  readonly nPairs?: number
  /** @default [1, 8, 50] */
  readonly batches?: readonly number[]
  readonly cache: string
}

export interface ModelFigures {
  readonly loadInMs: number
  readonly warmLoadInMs: number
  readonly sessionInMs: number
  readonly speeds: readonly BatchSpeed[]
  /** How many pairs of measurements the medians are of. */
  readonly nPairs: number
  /** Bytes of weights that a decode step reads. */
  readonly streamedBytes: number
  /** Bytes a second that the machine read between the steps: the median. */
  readonly bandwidth: number
  /** Time that reading them takes at the bandwidth just measured, over the time of a step at batch 1: the median over pairs. */
  readonly decodeShare: number
  readonly decodeShareQuartiles: readonly [number, number]
  readonly adapterLoadInMs: number
  readonly adapterLoadShare: number
  readonly selfTestInMs: number
  readonly switchInMs: number
  readonly switchShare: number
  /** Multiples of the bytes of the weights as they are used (32-bit floats). */
  readonly steadyMemory: number
  readonly peakMemory: number
}

interface BatchSpeed {
  readonly batch: number
  /** Tokens a second. */
  readonly prefill: number
  readonly decode: number
  readonly decodeWithCapture: number
  /** Time of a step with capture over without: the median over pairs. */
  readonly captureRatio: number
  /** The middle half of those pairs, which tells the noise. */
  readonly captureRatioQuartiles: readonly [number, number]
}

export async function measureModel(options: MeasureOptions): Promise<ModelFigures> {
  const { base, baseAliases = [], adapters, meter, nTokens, cache } = options
  const { nPairs = 8, batches = [1, 8, 50] } = options
  const load = () => loadModel({ base, baseAliases, cache })
  const cold = await timed(load)
  await cold.value[Symbol.asyncDispose]()
  const warm = await timed(load)
  await using model = warm.value
  await model.composition.record()
  const afterLoad = await model.memory()
  const weightBytes = usedBytes(model)
  // A step of one row is short: more of them, or the machine's noise is larger than what is measured.
  const one = await batchSpeed(model, 1, 4 * nTokens, nPairs)
  const steady = await model.memory()
  const speeds = [one]
  for (const batch of batches.slice(1)) speeds.push(await batchSpeed(model, batch, nTokens, nPairs))
  const streamedBytes = weightBytes
  const streaming = await streamingShares(model, meter, streamedBytes, 4 * nTokens, nPairs)
  const adapter = await measureAdapters(model, adapters, cache)
  return {
    loadInMs: cold.ms,
    warmLoadInMs: warm.ms,
    sessionInMs: model.loadDurationInMs,
    speeds,
    nPairs,
    streamedBytes,
    bandwidth: median(streaming.bandwidths),
    decodeShare: median(streaming.shares),
    decodeShareQuartiles: [quantile(streaming.shares, 0.25), quantile(streaming.shares, 0.75)],
    ...adapter,
    adapterLoadShare: adapter.adapterLoadInMs / cold.ms,
    switchShare: adapter.switchInMs / cold.ms,
    steadyMemory: steady.rssBytes / weightBytes,
    peakMemory: afterLoad.peakRssBytes / weightBytes,
  }
}

/** Bytes of the weights in 32-bit floats: what a step at batch 1 reads once (of untied embeddings only the rows that it needs). */
function usedBytes({ composition }: Model): number {
  let bytes = 0
  for (const [name, { shape }] of composition.base.weights) {
    if (name === 'model.embed_tokens.weight' && !composition.base.architecture.tiedEmbeddings)
      continue
    bytes += shape.reduce((a, b) => a * b, 1) * 4
  }
  return bytes
}

async function batchSpeed(
  model: Model,
  batch: number,
  nTokens: number,
  nPairs: number,
): Promise<BatchSpeed> {
  const prefillMs = median(await repeat(3, () => prefill(model, batch)))
  await stepTime(model, batch, nTokens, false)
  // In turns, each first as often as the other, so that what else the machine does falls on both.
  const times: { plain: number; captured: number }[] = []
  for (let i = 0; i < nPairs; i++) {
    const order = i % 2 === 0 ? [false, true] : [true, false]
    const pair = { plain: 0, captured: 0 }
    for (const capture of order)
      pair[capture ? 'captured' : 'plain'] = await stepTime(model, batch, nTokens, capture)
    times.push(pair)
  }
  const ratios = times.map(({ plain, captured }) => captured / plain)
  return {
    batch,
    prefill: (batch * promptLength) / (prefillMs / 1000),
    decode: batch / (median(times.map(({ plain }) => plain)) / 1000),
    decodeWithCapture: batch / (median(times.map(({ captured }) => captured)) / 1000),
    captureRatio: median(ratios),
    captureRatioQuartiles: [quantile(ratios, 0.25), quantile(ratios, 0.75)],
  }
}

/** Steps at batch 1 between measurements of what memory gives at that moment. */
async function streamingShares(
  model: Model,
  meter: BandwidthMeter,
  streamedBytes: number,
  nTokens: number,
  nPairs: number,
) {
  const shares: number[] = []
  const bandwidths = [await meter.measure()]
  for (let i = 0; i < nPairs; i++) {
    const stepMs = await stepTime(model, 1, nTokens, false)
    bandwidths.push(await meter.measure())
    const [before, after] = bandwidths.slice(-2) as [number, number]
    shares.push(streamedBytes / ((before + after) / 2) / (stepMs / 1000))
  }
  return { shares, bandwidths }
}

async function prefill(model: Model, batch: number): Promise<number> {
  const sequences = Array.from({ length: batch }, (_, i) => ({
    id: String(i),
    tokenIds: promptOf(i),
  }))
  const { ms } = await timed(async () => {
    for await (const _ of model.score({
      sequences,
      layers: [0],
      tokenBudget: batch * promptLength,
    }));
  })
  return ms
}

/** Milliseconds of a decode step: the time of a long generation less that of a short one, so that the prompt cancels out. */
async function stepTime(
  model: Model,
  batch: number,
  nTokens: number,
  capture: boolean,
): Promise<number> {
  const short = await generate(model, batch, 2, capture)
  const long = await generate(model, batch, 2 + nTokens, capture)
  return (long - short) / nTokens
}

async function generate(
  model: Model,
  batch: number,
  maxNewTokens: number,
  capture: boolean,
): Promise<number> {
  const { ms } = await timed(async () => {
    const answers = model.generate({
      prompts: [{ id: 'p', tokenIds: promptOf(0), samples: batch }],
      seed: 0,
      maxNewTokens,
      stopTokenIds: [],
      batchSize: batch,
      ...(capture ? { capture: {} } : {}),
    })
    for await (const _ of answers);
  })
  return ms
}

async function measureAdapters(model: Model, adapters: readonly string[], cache: string) {
  const layers = adapters.map((adapter) => [
    { role: 'em' as const, mode: 'stacked' as const, adapter },
  ])
  const [a = [], b = []] = layers
  const opened = await timed(() => compose({ base: model.composition.base, layers: a, cache }))
  const first = await timed(() => model.activate(opened.value))
  await model.switchTo(b)
  const [x, y] = [
    await compose({ base: model.composition.base, layers: a, cache }),
    await compose({ base: model.composition.base, layers: b, cache }),
  ]
  const switches: number[] = []
  for (let i = 0; i < 8; i++)
    switches.push((await timed(() => model.activate(i % 2 === 0 ? x : y))).ms)
  const loadMs = opened.ms + model.adapterLoadDurationInMs
  return {
    adapterLoadInMs: loadMs,
    selfTestInMs: Math.max(0, first.ms - model.adapterLoadDurationInMs),
    switchInMs: median(switches),
  }
}

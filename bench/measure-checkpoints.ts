import { loadModel, type Model } from '../packages/inference/dist/index.js'
import { type Figure, figureOf, type SectionResult } from './figure.ts'
import { median, spread, timed } from './numbers.ts'
import { promptOf } from './prompts.ts'
import { targets } from './targets.ts'

export interface CheckpointOptions {
  readonly base: string
  /** One adapter a checkpoint. */
  readonly adapters: readonly string[]
  readonly cache: string
  /** Samples of one prompt with capture, at each checkpoint. */
  readonly nSamples: number
  readonly nNew: number
}

/** The reference protocol: 8 questions, 50 samples, 600 tokens. */
const protocolTokens = 8 * 50 * 600

/**
 * Evaluating checkpoints: one load of the base, then for each a switch (the adapter is opened, hashed, read and tested) and
 * its samples. The time of all of it, over the median time of one checkpoint's samples alone.
 */
export async function measureCheckpoints(options: CheckpointOptions): Promise<SectionResult> {
  const { base, adapters, cache, nSamples, nNew } = options
  const start = performance.now()
  await using model = await loadModel({ base, cache })
  const loadMs = performance.now() - start
  const switches: number[] = []
  const samples: number[] = []
  for (const adapter of adapters) {
    const layers = [{ role: 'em' as const, mode: 'stacked' as const, adapter }]
    switches.push((await timed(() => model.switchTo(layers))).ms)
    samples.push((await timed(() => sample(model, nSamples, nNew))).ms)
  }
  const totalMs = performance.now() - start
  const oneMs = median(samples)
  const overheadMs = totalMs - samples.reduce((a, b) => a + b, 0)
  const n = adapters.length
  const protocolMs = oneMs * (protocolTokens / (nSamples * nNew))
  const seconds = (values: readonly number[]) => spread(values.map((ms) => ms / 1000))
  const all = `${n} checkpoints with one load`
  const held = n === 6 ? { target: targets.sixCheckpoints } : {}
  const figures: Figure[] = [
    { name: 'load of the base', value: loadMs / 1000, unit: 's' },
    figureOf('switch to a new checkpoint', 's', seconds(switches)),
    figureOf(`samples of a checkpoint (${nSamples} x ${nNew} tokens)`, 's', seconds(samples)),
    { name: `${all}, of one's samples`, value: totalMs / oneMs, unit: 'x' },
    {
      name: `${all}, of one's samples, at 8 x 50 x 600 tokens (computed)`,
      value: n + overheadMs / protocolMs,
      unit: 'x',
      ...held,
    },
    {
      name: `${all}, of load, switch and samples of one`,
      value: totalMs / (loadMs + median(switches) + oneMs),
      unit: 'x',
    },
  ]
  return {
    title: 'Evaluating checkpoints, random 0.5B-shape Qwen2, rank 32',
    figures,
    notes: [
      "The ratio is (load + 6 x (switch + samples)) / samples of one checkpoint; what is not samples weighs less the more samples there are, so the target is held against the size of a real evaluation: the measured load and switches, and the samples' time scaled to the reference protocol.",
    ],
  }
}

async function sample(model: Model, samples: number, maxNewTokens: number): Promise<void> {
  const answers = model.generate({
    prompts: [{ id: 'p', tokenIds: promptOf(0), samples }],
    seed: 0,
    maxNewTokens,
    stopTokenIds: [],
    batchSize: samples,
    capture: {},
  })
  for await (const _ of answers);
}

import { CemError } from '@cem/core'
import type { Composition, CompositionLayer } from '../composition/composition.ts'
import {
  checkLane,
  checkMerged,
  checkOff,
  checkStacked,
  type LayerTest,
  type MergedTest,
  type SelfTestReport,
  selfTestPrompt,
  smallestEffect,
  smallestHalfEffect,
} from '../composition/self-test.ts'
import type { WeightLocations } from '../graph/weight-source.ts'
import { quantizationOf } from '../precision/precision.ts'
import { type QuantizedWeights, quantizableWeights } from '../precision/quantized-weight.ts'
import { adapterKey, adapterSpec, layerKey } from './adapter-spec.ts'
import type { EarlyLoad } from './early-load.ts'
import type { Engine } from './engine.ts'
import type { LaneAdapters } from './lane-rows.ts'
import { mergeLayers } from './merge-layers.ts'
import type { LaneSpec, LoadReport, ScoredItem } from './messages.ts'
import { describePlacement, type Placement } from './placement.ts'
import type { Provider } from './provider.ts'
import { quantizedWeights } from './quantized-cache.ts'

export interface LoadedModelOptions {
  readonly threads: number
  readonly provider: Provider
  /** Where merged weights are kept. */
  readonly cache: string
  /** Whether the first session can run lanes already. */
  readonly hasLanes: boolean
  /** A load that was begun before the composition was whole. */
  readonly early?: EarlyLoad | undefined
}

/**
 * Keeps the engine's session at what a composition asks for: weights (merged or not) loaded once, stacked adapters switched as
 * inputs, and every change proven by the self-test before anything is generated.
 */
export class LoadedModel {
  readonly #engine: Engine
  readonly #options: LoadedModelOptions
  /** The precision of the session's weights, and which merged layers they hold; see `sessionKey`. */
  #sessionKey: string | undefined
  #weights: WeightLocations = new Map()
  #hasLanes: boolean
  /** The stacked layers that are switched on. */
  #selected: readonly CompositionLayer[] = []
  readonly #mergedTests = new Map<string, { test: MergedTest; layers: LayerTest[] }>()
  /** Stacked layers that were tested on the weights that are loaded, by session and adapters. */
  readonly #stackedTests = new Map<string, LayerTest[]>()
  #placement: Placement | null = null
  /** How long the last load of weights and of adapters took, for measurements. */
  readonly timings = { loadInMs: 0, adapterLoadInMs: 0 }

  constructor(engine: Engine, options: LoadedModelOptions) {
    this.#engine = engine
    this.#options = options
    this.#hasLanes = options.hasLanes
  }

  /** Where the nodes of the loaded weights' session are; null on the CPU, and where the runtime did not tell. */
  get placement(): Placement | null {
    return this.#placement
  }

  /**
   * Loads and switches to a composition, and tests it.
   *
   * @throws CemError `layer-inactive`, `layer-not-off`, `merge-mismatch`, `weights-not-finite`, `session-failed`, `engine-died`
   */
  async activate(composition: Composition, signal?: AbortSignal): Promise<SelfTestReport> {
    const merged = mergedOf(composition)
    const stacked = stackedOf(composition)
    const mergedTest = await this.#loadWeights(composition, merged, signal)
    const key = `${this.#sessionKey}|${stacked.map(layerKey).join('+')}`
    const known = this.#stackedTests.get(key)
    // Adapters are kept in memory and known by hash: what was tested needs no second test, only to be switched on.
    const stackedTests = known ?? (await this.#testStacked(composition, stacked))
    if (known !== undefined) await this.#switchOn(stacked)
    this.#stackedTests.set(key, stackedTests)
    this.#selected = stacked
    return {
      layers: [...(mergedTest?.layers ?? []), ...stackedTests],
      merged: mergedTest?.test ?? null,
    }
  }

  /**
   * Tests a composition as a lane, beside what is switched on. Its merged layers have to be those of the weights that are loaded.
   * The first lane loads the weights again, into a graph that can run several.
   *
   * @throws CemError `composition-invalid`, `layer-inactive`, `layer-not-off`, `lane-mismatch`
   */
  async testLane(composition: Composition, signal?: AbortSignal): Promise<LayerTest[]> {
    const weightsKey = sessionKey(composition, mergedOf(composition))
    if (weightsKey !== this.#sessionKey) throw otherWeights()
    if (!this.#hasLanes) {
      this.#hasLanes = true
      await this.#load(composition, this.#weights, weightsKey, signal)
    }
    const stacked = stackedOf(composition)
    const key = `lane|${weightsKey}|${stacked.map(layerKey).join('+')}`
    const known = this.#stackedTests.get(key)
    if (known !== undefined) return known
    const tests = await this.#testStacked(composition, stacked)
    if (stacked.length > 0) await this.#testTogether(composition, stacked)
    await this.#switchOn(this.#selected)
    this.#stackedTests.set(key, tests)
    return tests
  }

  /** Loads what is missing of these compositions, each tested as a lane. */
  async loadLanes(
    compositions: readonly Composition[],
    signal?: AbortSignal,
  ): Promise<LaneAdapters[]> {
    for (const composition of compositions) await this.testLane(composition, signal)
    const layers = compositions.flatMap(stackedOf)
    await this.#loadAdapters(layers)
    return compositions.map((composition) => laneAdapters(stackedOf(composition)))
  }

  /** A row of the base and a row of the lane in one run have to give what each gives alone. */
  async #testTogether(
    composition: Composition,
    stacked: readonly CompositionLayer[],
  ): Promise<void> {
    const adapters = [[], laneAdapters(stacked)]
    const run = (...laneOf: readonly number[]) =>
      this.#promptLogits(composition, { adapters, laneOf: Int32Array.from(laneOf) })
    const [base, on] = [await run(0), await run(1)]
    const together = await run(0, 1)
    for (const [lane, alone] of [base[0], on[0]].entries())
      checkLane(together[lane] as Float32Array, alone as Float32Array)
  }

  async #loadWeights(
    composition: Composition,
    merged: readonly CompositionLayer[],
    signal: AbortSignal | undefined,
  ) {
    const key = sessionKey(composition, merged)
    if (this.#sessionKey === key) return this.#mergedTests.get(key)
    const base = composition.base.weights
    if (merged.length === 0) {
      await this.#load(composition, base, key, signal)
      return undefined
    }
    const result = await mergeLayers(composition, merged, {
      engine: this.#engine,
      cache: this.#options.cache,
      signal,
    })
    if (this.#mergedTests.has(key)) {
      await this.#load(composition, result.weights, key, signal)
      return this.#mergedTests.get(key)
    }
    // The reference: the same layers stacked on the base as it is.
    const baseKey = sessionKey(composition, [])
    if (this.#sessionKey !== baseKey) await this.#load(composition, base, baseKey, signal)
    const reference = await this.#referenceLogits(composition, merged)
    await this.#load(composition, result.weights, key, signal)
    const mergedLogits = await this.#logits(composition, [])
    const dtype = composition.precision === 'int8' ? 'INT8' : mergedType(merged, base)
    const { effect, ...test } = checkMerged(
      { merged: mergedLogits, stacked: reference.stacked, base: reference.base },
      dtype,
      result.lostShare,
    )
    const layers = reference.layers.map((layer) => ({
      ...layer,
      mode: 'merged' as const,
      effect: merged.length === 1 ? effect : layer.effect,
    }))
    this.#mergedTests.set(key, { test, layers })
    return { test, layers }
  }

  async #referenceLogits(composition: Composition, layers: readonly CompositionLayer[]) {
    const tests = await this.#testStacked(composition, layers)
    const stacked = await this.#logits(composition, layers)
    const base = await this.#logits(composition, [])
    return { stacked, base, layers: tests }
  }

  /** Leaves the layers switched on. */
  async #testStacked(
    composition: Composition,
    layers: readonly CompositionLayer[],
  ): Promise<LayerTest[]> {
    const base = await this.#logits(composition, [])
    if (!base.every(Number.isFinite)) {
      // The hashing pass looks at every weight and names the tensor.
      await composition.record()
      throw new CemError({
        code: 'activations-not-finite',
        message: `${composition.base.folder}: the model computes NaN or infinite logits, though its weights are finite. It overflows in this precision.`,
      })
    }
    if (layers.length === 0) return []
    const smallest = await this.#smallestEffect(composition, base)
    const untrained = await this.#loadAdapters(layers)
    const on = await this.#logits(composition, layers)
    const tests: LayerTest[] = []
    for (const [i, { role, adapter }] of layers.entries()) {
      const others = layers.filter((_, j) => j !== i)
      const off = others.length === 0 ? base : await this.#logits(composition, others)
      const layer = { role, path: adapter.path }
      tests.push(checkStacked(layer, untrained[i] === true, { on, off }, smallest))
    }
    checkOff(base, await this.#logits(composition, []))
    await this.#select(layers)
    return tests
  }

  /** What a layer's effect must exceed. CUDA computes in half precision, and rounds otherwise in another place of a batch. */
  async #smallestEffect(composition: Composition, base: Float32Array): Promise<number> {
    if (this.#options.provider !== 'cuda') return smallestEffect
    await this.#select([])
    const [, second] = await this.#promptLogits(composition, null, 2)
    return smallestHalfEffect(base, second as Float32Array)
  }

  async #loadAdapters(layers: readonly CompositionLayer[]): Promise<boolean[]> {
    const start = performance.now()
    const untrained: boolean[] = []
    const keep = layers.map(({ adapter }) => adapterKey(adapter))
    for (const { adapter } of layers) {
      const spec = { ...adapterSpec(adapter), keep }
      untrained.push((await this.#engine.call('loadAdapter', spec)).isUntrained)
    }
    this.timings.adapterLoadInMs = performance.now() - start
    return untrained
  }

  async #switchOn(layers: readonly CompositionLayer[]): Promise<void> {
    await this.#loadAdapters(layers)
    await this.#select(layers)
  }

  async #load(
    composition: Composition,
    weights: WeightLocations,
    key: string,
    signal: AbortSignal | undefined,
  ): Promise<void> {
    const { base } = composition
    const quantized = await this.#quantized(composition, weights, signal)
    this.#sessionKey = undefined
    // A new session has no adapters in memory.
    this.#stackedTests.clear()
    const spec = {
      architecture: base.architecture,
      weights,
      quantized,
      nTokens: Math.min(base.tokenizer.nTokens, base.architecture.vocabSize),
      threads: this.#options.threads,
      hasLanes: this.#hasLanes,
      provider: this.#options.provider,
    }
    const early = this.#options.early?.take(spec)
    if (early === undefined) this.#engine.placementLog.reset()
    const { durationInMs, ...report } = await (early ?? this.#engine.call('load', spec, { signal }))
    this.#weights = weights
    this.timings.loadInMs = durationInMs
    this.#placement = await this.#readPlacement(report)
    this.#sessionKey = key
  }

  async #readPlacement(report: Omit<LoadReport, 'durationInMs'>): Promise<Placement | null> {
    if (this.#options.provider === 'cpu') return null
    const nodes = await this.#engine.placementLog.nodes()
    return nodes === undefined ? null : describePlacement(nodes, report)
  }

  /** Weights in 8 bits: the base's, which every composition shares, with what was merged in place of some. */
  async #quantized(
    { base, precision }: Composition,
    weights: WeightLocations,
    signal: AbortSignal | undefined,
  ): Promise<QuantizedWeights | null> {
    const quantization = quantizationOf(precision)
    if (quantization === null) return null
    const options = { engine: this.#engine, cache: this.#options.cache, quantization }
    const names = quantizableWeights(base.architecture)
    const ofBase = new Map([...base.weights].filter(([name]) => names.has(name)))
    const changed = new Map(
      [...weights].filter(
        ([name, { file }]) => names.has(name) && base.weights.get(name)?.file !== file,
      ),
    )
    // NaN and infinities are looked for, and named, before weights are rounded.
    await base.identify()
    return new Map([
      ...(await quantizedWeights(ofBase, options, signal)),
      ...(await quantizedWeights(changed, options, signal)),
    ])
  }

  async #select(layers: readonly CompositionLayer[]): Promise<void> {
    await this.#engine.call('select', { adapters: laneAdapters(layers) })
  }

  /** Logits after the fixed prompt with these layers on. */
  async #logits(
    composition: Composition,
    layers: readonly CompositionLayer[],
  ): Promise<Float32Array> {
    await this.#select(layers)
    const [logits] = await this.#promptLogits(composition, null)
    return logits as Float32Array
  }

  /** Logits after the fixed prompt, in one run, for each lane that is named, or for each of so many rows. */
  async #promptLogits(
    { base }: Composition,
    lanes: LaneSpec | null,
    nRows = lanes?.laneOf.length ?? 1,
  ): Promise<(Float32Array | null)[]> {
    const prompt = selfTestPrompt(base.architecture, base.tokenizer.nTokens)
    const last = { start: prompt.length - 1, end: prompt.length }
    const none = { spans: [], logprobs: null, nTopLogprobs: 0, states: null, generated: null }
    const item = { ...none, tokenIds: prompt, logits: last }
    const items = Array.from({ length: nRows }, () => item)
    const spec = {
      items,
      lanes,
      layers: [],
      tokenBudget: prompt.length * items.length,
      interventions: null,
      isBefore: false,
    }
    const found: ScoredItem[] = []
    for await (const scored of this.#engine.stream('score', spec)) found.push(scored)
    return found.toSorted((a, b) => a.index - b.index).map(({ logits }) => logits)
  }
}

function mergedOf({ layers }: Composition): CompositionLayer[] {
  return layers.filter((layer) => layer.mode === 'merged')
}

function stackedOf({ layers }: Composition): CompositionLayer[] {
  return layers.filter((layer) => layer.mode === 'stacked')
}

function laneAdapters(layers: readonly CompositionLayer[]): LaneAdapters {
  return layers.map(({ adapter, weight }) => ({ key: adapterKey(adapter), weight }))
}

function otherWeights(): CemError {
  return new CemError({
    code: 'composition-invalid',
    message:
      'The lane merges other layers into the weights than the model that is loaded has merged, or is in another precision. Lanes share the weights: stack what differs between them, or open another model.',
  })
}

/** Sessions of the same key hold the same weights: their precision, and the adapters that are merged into them. */
function sessionKey({ precision }: Composition, merged: readonly CompositionLayer[]): string {
  return [precision, ...merged.map(layerKey)].join('+')
}

/** The coarsest type among the weights that the layers change. */
function mergedType(layers: readonly CompositionLayer[], weights: WeightLocations) {
  const types = layers.flatMap(({ adapter }) =>
    adapter.modules.map(({ path }) => weights.get(`${path}.weight`)?.dtype),
  )
  return types.includes('BF16') ? 'BF16' : types.includes('F16') ? 'F16' : 'F32'
}

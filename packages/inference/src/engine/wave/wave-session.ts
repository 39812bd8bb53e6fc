import { type Architecture, linearModules } from '../../families/architecture.ts'
import type { ComputeType } from '../../graph/decoder-blocks.ts'
import type { NoiseKind } from '../../graph/gumbel-noise.ts'
import { ropeNames } from '../../graph/io-names.ts'
import { buildWaveGraph } from '../../graph/wave/wave-graph.ts'
import { outputs, promptSumName, sumNames } from '../../graph/wave/wave-names.ts'
import { AdapterStore } from '../adapter-store.ts'
import type { CheckedAttention } from '../check-attention.ts'
import type { ForwardResult, ForwardRun } from '../decoder-session.ts'
import type { KeyValueStore } from '../key-value-cache.ts'
import type { GeneratedItem, GenerationSpec, ModelSpec } from '../messages.ts'
import { nvidiaMemoryBytes } from '../nvidia-smi.ts'
import { PooledSums } from '../pooled-sums.ts'
import { PositionTable } from '../position-table.ts'
import {
  commonFolder,
  createSession,
  locationIn,
  type RuntimeSession,
  type Tensor,
} from '../runtime.ts'
import { NoCache } from './no-cache.ts'
import { scoringFeeds, waveFeeds } from './wave-feeds.ts'
import { refuse } from './wave-refusal.ts'
import { generatedItem } from './wave-results.ts'

export interface WaveOptions {
  readonly compute: ComputeType
  readonly noise: NoiseKind
  /** Steps between two compactions of the batch; a multiple of `unroll`. */
  readonly segment: number
  /** Steps that the loop's body holds. */
  readonly unroll: number
}

/**
 * CUDA's attention computes in half precision. Measured on an H200 at the shape of Qwen2.5-7B, 400 rows: 4 to 8 steps an iteration
 * are quicker than one by a fifth, and loading takes longer with each.
 */
const cudaOptions: WaveOptions = { compute: 'bfloat16', noise: 'square', segment: 64, unroll: 4 }

/** A model whose answers are made a wave at a time, each wave one run of the graph. */
export class WaveSession implements AsyncDisposable {
  readonly architecture: Architecture
  readonly nTokens: number
  readonly adapters: AdapterStore
  readonly attention: CheckedAttention = {
    maxColumns: Number.POSITIVE_INFINITY,
    plainLayers: new Set(),
  }
  readonly hostNodes: readonly string[] = []
  readonly readsWholeTexts = true
  /** Bytes of the weights. */
  readonly weightBytes: number
  /** Bytes of the device's memory; null where they are not known. */
  readonly memoryBytes: number | null
  readonly #options: WaveOptions
  readonly #session: RuntimeSession
  readonly #positions: readonly PositionTable[]

  private constructor(spec: ModelSpec, options: WaveOptions, session: RuntimeSession) {
    const { architecture, weights } = spec
    this.architecture = architecture
    this.nTokens = spec.nTokens
    this.weightBytes = Array.from(weights.values()).reduce((sum, w) => sum + w.byteLength, 0)
    this.memoryBytes = spec.provider === 'cuda' ? nvidiaMemoryBytes() : null
    this.#options = options
    this.#session = session
    // CUDA's product of matrices without columns is an error: no adapter is one of rank 1 that is zero.
    this.adapters = new AdapterStore(linearModules(architecture), false, 1)
    this.#positions = architecture.ropes.map((rope) => new PositionTable(architecture, rope))
  }

  static async open(spec: ModelSpec, options = cudaOptions): Promise<WaveSession> {
    refuse({ lanes: spec.hasLanes, 'precision int8': (spec.quantized ?? null) !== null })
    const { architecture, weights, threads, provider } = spec
    const folder = commonFolder([...new Set(Array.from(weights.values(), (w) => w.file))])
    const locate = (file: string) => locationIn(folder, file)
    const graphOf = (of: Architecture) =>
      buildWaveGraph({ ...spec, ...options, architecture: of, locate, hasAdapters: true })
    if (provider !== 'cpu') {
      // A session that logs where its nodes are placed logs every iteration of its loops too, which takes longer than they do. So one
      // block alone is placed for the log: the operators of the others are the same.
      const one = { ...architecture, nLayers: 1, layers: architecture.layers.slice(0, 1) }
      const logged = { threads, folder, provider, logsPlacement: true }
      await (await createSession(graphOf(one), logged)).release()
    }
    const session = await createSession(graphOf(architecture), { threads, folder, provider })
    return new WaveSession(spec, options, session)
  }

  /** Answers of all items of a request, in one run. */
  async wave(spec: GenerationSpec): Promise<GeneratedItem[]> {
    const { feeds, nPositions } = waveFeeds(this.architecture, spec, this.#options.segment)
    const names = spec.capture?.layers.flatMap((layer) => Object.values(sumNames(layer))) ?? []
    const result = await this.#run({ ...feeds, ...this.#positionFeeds(nPositions) }, [
      outputs.tokens,
      outputs.logprobs,
      ...names,
    ])
    return spec.items.map((_, row) => generatedItem(spec, this.architecture, result, row))
  }

  /** Given texts, whole: there is no cache to go on from. */
  async run(run: ForwardRun): Promise<ForwardResult> {
    const { feeds, nPositions } = scoringFeeds(this.architecture, run, this.#options.segment)
    const { nLayers } = this.architecture
    const layers = Array.from({ length: run.pool === undefined ? 0 : nLayers }, (_, i) => i)
    const result = await this.#run({ ...feeds, ...this.#positionFeeds(nPositions) }, [
      ...(run.targets === undefined ? [] : [outputs.promptLogprobs]),
      ...(run.wantsLogits === true ? [outputs.promptLogits] : []),
      ...layers.map(promptSumName),
      outputs.tokens,
    ])
    const { sums } = run.pool ?? {}
    for (const layer of layers)
      (sums as PooledSums).add(layer, result[promptSumName(layer)]?.data as Float32Array)
    return {
      ...(run.targets === undefined
        ? {}
        : { logprobs: result[outputs.promptLogprobs]?.data as Float32Array }),
      ...(run.wantsLogits === true
        ? { logits: result[outputs.promptLogits]?.data as Float32Array }
        : {}),
    }
  }

  newCache(nRows: number, capacity: number): KeyValueStore {
    return new NoCache(nRows, capacity)
  }

  newSums(nSums: number): PooledSums {
    return new PooledSums(this.architecture, nSums)
  }

  #run(feeds: Record<string, Tensor>, names: readonly string[]): Promise<Record<string, Tensor>> {
    const fetches = Object.fromEntries(names.map((name) => [name, null]))
    return this.#session.run({ ...this.adapters.feeds, ...feeds }, fetches)
  }

  #positionFeeds(nPositions: number): Record<string, Tensor> {
    const feeds: Record<string, Tensor> = {}
    for (const [rope, table] of this.#positions.entries()) {
      const names = ropeNames(rope)
      const { cosines, sines } = table.upTo(nPositions)
      feeds[names.cosines] = cosines
      feeds[names.sines] = sines
    }
    return feeds
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#session.release()
  }
}

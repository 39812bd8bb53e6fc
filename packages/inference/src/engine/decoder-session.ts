import { type Architecture, linearModules } from '../families/architecture.ts'
import { buildDecoderGraph } from '../graph/decoder-graph.ts'
import { inputs, outputs, ropeNames } from '../graph/io-names.ts'
import type { WeightLocation } from '../graph/weight-source.ts'
import { AdapterStore } from './adapter-store.ts'
import { type CheckedAttention, checkAttention } from './check-attention.ts'
import { DeviceCache } from './device-cache.ts'
import { DeviceCopies } from './device-copies.ts'
import { DeviceMemory } from './device-memory.ts'
import { DeviceSums } from './device-sums.ts'
import { EmbeddingTable } from './embedding-table.ts'
import { noInterventions } from './intervention-plan.ts'
import { KeyValueCache, type KeyValueStore } from './key-value-cache.ts'
import type { LaneRows } from './lane-rows.ts'
import type { ModelSpec, TruncationSpec } from './messages.ts'
import { plainAttentionFeeds } from './plain-attention-feeds.ts'
import { type HiddenSums, PooledSums } from './pooled-sums.ts'
import { PositionTable } from './position-table.ts'
import {
  boolean,
  commonFolder,
  createSession,
  floats,
  int32s,
  int64s,
  locationIn,
  type RuntimeSession,
  type Tensor,
} from './runtime.ts'
import { truncationFeeds } from './truncation-feeds.ts'

export interface ForwardRun {
  /** [nRows, nColumns] row-major; what lies right of a row's last position is padding. */
  readonly tokenIds: Int32Array
  readonly nRows: number
  readonly nColumns: number
  /** Index in the cache of each row's last token, [nRows]. */
  readonly lastPositions: Int32Array
  readonly cache: KeyValueStore
  /** Which adapters each row runs under. @default those that are selected */
  readonly lanes?: LaneRows | undefined
  readonly pool?: {
    readonly sums: HiddenSums /** [nSums, nRows * nColumns] */
    readonly weights: Float32Array
    /** States before the interventions of their own layer. @default false */
    readonly isBefore?: boolean
  }
  /** What `InterventionPlan.feeds` gives. @default none */
  readonly interventions?: Record<string, Tensor>
  /** Which of the nRows * nColumns tokens logits are computed for. @default none */
  readonly logitRows?: BigInt64Array
  readonly sampling?: SamplingInputs
  /** Tokens [nLogitRows] whose log-probabilities are wanted; -1 is the sampled one. */
  readonly targets?: BigInt64Array
  readonly wantsLogits?: boolean
}

export interface SamplingInputs {
  /** [nLogitRows] each */
  readonly keysA: Int32Array
  readonly keysB: Int32Array
  /** [nLogitRows]; 0 is greedy. */
  readonly temperatures: Float32Array
  readonly truncation: TruncationSpec | null
}

export interface ForwardResult {
  readonly tokens?: BigInt64Array
  readonly logprobs?: Float32Array
  readonly logits?: Float32Array
}

interface Opened {
  readonly architecture: Architecture
  readonly nTokens: number
  readonly session: RuntimeSession
  readonly table: EmbeddingTable
  readonly attention: CheckedAttention
  readonly hostNodes: readonly string[]
  readonly hasLanes: boolean
  readonly memory: DeviceMemory | undefined
}

/** A loaded model: the session and everything that its runs share. */
export class DecoderSession implements AsyncDisposable {
  readonly architecture: Architecture
  /** Ids below this one are tokens of the tokenizer. */
  readonly nTokens: number
  readonly adapters: AdapterStore
  /** How much of its attention the provider's own operator computes. */
  readonly attention: CheckedAttention
  /** Nodes that are computed on the CPU whatever the provider. */
  readonly hostNodes: readonly string[]
  readonly readsWholeTexts = false
  readonly #session: RuntimeSession
  readonly #embeddings: EmbeddingTable
  readonly #positions: readonly PositionTable[]
  readonly #noPool: Record<string, Tensor>
  readonly #noInterventions: Record<string, Tensor>
  readonly #device: { readonly memory: DeviceMemory; readonly copies: DeviceCopies } | undefined

  private constructor(opened: Opened) {
    const { architecture, nTokens, session, table, attention, hostNodes, hasLanes, memory } = opened
    this.architecture = architecture
    this.nTokens = nTokens
    this.adapters = new AdapterStore(linearModules(architecture), hasLanes)
    this.attention = attention
    this.hostNodes = hostNodes
    this.#session = session
    this.#embeddings = table
    this.#positions = architecture.ropes.map((rope) => new PositionTable(architecture, rope))
    this.#noPool = new PooledSums(architecture, 0).feeds
    this.#noInterventions = noInterventions(architecture)
    this.#device = memory && { memory, copies: new DeviceCopies(memory) }
  }

  /** @param known how much of the attention the provider's operator computes. Default: it is held to the CPU's. */
  static async open(spec: ModelSpec, known?: CheckedAttention): Promise<DecoderSession> {
    const { architecture, weights, quantized, nTokens, threads, provider, hasLanes } = spec
    const places = [...weights.values(), ...Array.from(quantized?.values() ?? [], (w) => w.values)]
    const folder = commonFolder([...new Set(places.map((place) => place.file))])
    const locate = (file: string) => locationIn(folder, file)
    const attention = known ?? (await checkAttention(architecture, provider))
    const { plainLayers: plainAttention } = attention
    const { model, noiseNodes: hostNodes } = buildDecoderGraph({
      architecture,
      weights,
      quantized,
      nTokens,
      hasLanes,
      locate,
      plainAttention,
      samplesByBlocks: provider === 'cpu',
    })
    const session = await createSession(model, {
      threads,
      folder,
      provider,
      hostNodes,
      logsPlacement: provider !== 'cpu',
    })
    const embedding = weights.get('model.embed_tokens.weight') as WeightLocation
    const table = new EmbeddingTable(embedding, architecture.embeddingScale)
    // Only the WebGPU provider's binding can keep tensors on the device between runs.
    const memory = provider === 'webgpu' ? new DeviceMemory(provider) : undefined
    return new DecoderSession({
      architecture,
      nTokens,
      session,
      table,
      attention,
      hostNodes,
      hasLanes,
      memory,
    })
  }

  /** An empty cache where this session's runs keep it. */
  newCache(nRows: number, capacity: number): KeyValueStore {
    return this.#device === undefined
      ? new KeyValueCache(this.architecture, nRows, capacity)
      : new DeviceCache(this.#device.memory, this.architecture, nRows, capacity)
  }

  /** Sums of zero where this session's runs keep them. */
  newSums(nSums: number): HiddenSums {
    return this.#device === undefined
      ? new PooledSums(this.architecture, nSums)
      : new DeviceSums(this.#device.memory, this.architecture, nSums)
  }

  async run(run: ForwardRun): Promise<ForwardResult> {
    const { nRows, nColumns, cache, pool, targets, sampling } = run
    await cache.prepare()
    await pool?.sums.prepare()
    const logitRows = run.logitRows ?? new BigInt64Array(0)
    const embeddings = new Float32Array(run.tokenIds.length * this.architecture.dModel)
    this.#embeddings.lookup(run.tokenIds, embeddings)
    const totalLength = run.lastPositions.reduce((a, b) => Math.max(a, b), 0) + 1
    const feeds: Record<string, Tensor> = {
      ...(await this.#lasting({
        ...(run.lanes === undefined
          ? this.adapters.feeds
          : this.adapters.laneFeeds(run.lanes, nColumns)),
        ...this.#positionFeeds(totalLength),
      })),
      ...cache.feeds,
      ...plainAttentionFeeds(this.architecture, this.attention.plainLayers, run),
      ...(pool === undefined
        ? {
            ...this.#noPool,
            [inputs.poolWeights]: floats(new Float32Array(0), [0, nRows * nColumns]),
          }
        : { ...pool.sums.feeds, ...pool.sums.weights(pool.weights, nRows * nColumns) }),
      ...(run.interventions ?? this.#noInterventions),
      [inputs.isPoolingBefore]: boolean(pool?.isBefore === true),
      ...samplingFeeds(sampling, logitRows.length),
      [inputs.embeddings]: floats(embeddings, [nRows, nColumns, this.architecture.dModel]),
      [inputs.lastPositions]: int32s(run.lastPositions, [nRows]),
      [inputs.totalLength]: int32s(Int32Array.of(totalLength), []),
      [inputs.logitRows]: int64s(logitRows, [logitRows.length]),
      [inputs.isScoring]: boolean(targets !== undefined),
      [inputs.targets]: int64s(targets ?? new BigInt64Array(logitRows.length), [logitRows.length]),
    }
    const fetches = {
      ...cache.fetches,
      ...pool?.sums.fetches,
      ...(sampling === undefined ? {} : { [outputs.tokens]: null }),
      ...(targets === undefined ? {} : { [outputs.logprobs]: null }),
      ...(run.wantsLogits === true ? { [outputs.logits]: null } : {}),
    }
    const result = await this.#session.run(feeds, fetches)
    pool?.sums.advance()
    return {
      ...(sampling === undefined ? {} : { tokens: result[outputs.tokens]?.data as BigInt64Array }),
      ...(targets === undefined
        ? {}
        : { logprobs: result[outputs.logprobs]?.data as Float32Array }),
      ...(run.wantsLogits === true ? { logits: result[outputs.logits]?.data as Float32Array } : {}),
    }
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

  /** Feeds that stay the same for many runs, where the session wants them. */
  async #lasting(feeds: Record<string, Tensor>): Promise<Record<string, Tensor>> {
    return this.#device === undefined ? feeds : this.#device.copies.of(feeds)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#embeddings[Symbol.dispose]()
    await this.#session.release()
    this.#device?.copies[Symbol.dispose]()
    await this.#device?.memory[Symbol.asyncDispose]()
  }
}

function samplingFeeds(sampling: SamplingInputs | undefined, n: number): Record<string, Tensor> {
  const { keysA, keysB, temperatures, truncation } = sampling ?? {
    keysA: new Int32Array(n),
    keysB: new Int32Array(n),
    temperatures: new Float32Array(n),
    truncation: null,
  }
  return {
    [inputs.isSampling]: boolean(sampling !== undefined),
    [inputs.noiseKeyA]: int32s(keysA, [n, 1]),
    [inputs.noiseKeyB]: int32s(keysB, [n, 1]),
    [inputs.temperatures]: floats(temperatures, [n, 1]),
    ...truncationFeeds(truncation, n, [n, 1]),
  }
}

import { type Architecture, linearModules } from '../families/architecture.ts'
import { buildDecoderGraph } from '../graph/decoder-graph.ts'
import { inputs, outputs, ropeNames } from '../graph/io-names.ts'
import type { WeightLocation } from '../graph/weight-source.ts'
import { AdapterStore } from './adapter-store.ts'
import { EmbeddingTable } from './embedding-table.ts'
import { noInterventions } from './intervention-plan.ts'
import type { KeyValueCache } from './key-value-cache.ts'
import type { LaneRows } from './lane-rows.ts'
import type { ModelSpec, TruncationSpec } from './messages.ts'
import type { PooledSums } from './pooled-sums.ts'
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

export interface ForwardRun {
  /** [nRows, nColumns] row-major; what lies right of a row's last position is padding. */
  readonly tokenIds: Int32Array
  readonly nRows: number
  readonly nColumns: number
  /** Index in the cache of each row's last token, [nRows]. */
  readonly lastPositions: Int32Array
  readonly cache: KeyValueCache
  /** Which adapters each row runs under. @default those that are selected */
  readonly lanes?: LaneRows | undefined
  readonly pool?: {
    readonly sums: PooledSums /** [nSums, nRows * nColumns] */
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

/** A loaded model: the session and everything that its runs share. */
export class DecoderSession implements AsyncDisposable {
  readonly architecture: Architecture
  /** Ids below this one are tokens of the tokenizer. */
  readonly nTokens: number
  readonly adapters: AdapterStore
  readonly #session: RuntimeSession
  readonly #embeddings: EmbeddingTable
  readonly #positions: readonly PositionTable[]
  readonly #noPool: Record<string, Tensor>
  readonly #noInterventions: Record<string, Tensor>

  private constructor(
    architecture: Architecture,
    nTokens: number,
    session: RuntimeSession,
    embeddings: EmbeddingTable,
    noPool: PooledSums,
    hasLanes: boolean,
  ) {
    this.architecture = architecture
    this.nTokens = nTokens
    this.adapters = new AdapterStore(linearModules(architecture), hasLanes)
    this.#session = session
    this.#embeddings = embeddings
    this.#positions = architecture.ropes.map((rope) => new PositionTable(architecture, rope))
    this.#noPool = noPool.feeds
    this.#noInterventions = noInterventions(architecture)
  }

  static async open(
    { architecture, weights, nTokens, threads, hasLanes }: ModelSpec,
    noPool: PooledSums,
  ): Promise<DecoderSession> {
    const folder = commonFolder([...new Set(Array.from(weights.values(), (w) => w.file))])
    const locate = (file: string) => locationIn(folder, file)
    const graph = buildDecoderGraph({ architecture, weights, nTokens, hasLanes, locate })
    const session = await createSession(graph, { threads, folder })
    const embedding = weights.get('model.embed_tokens.weight') as WeightLocation
    const table = new EmbeddingTable(embedding, architecture.embeddingScale)
    return new DecoderSession(architecture, nTokens, session, table, noPool, hasLanes)
  }

  async run(run: ForwardRun): Promise<ForwardResult> {
    const { nRows, nColumns, cache, pool, targets, sampling } = run
    const logitRows = run.logitRows ?? new BigInt64Array(0)
    const embeddings = new Float32Array(run.tokenIds.length * this.architecture.dModel)
    this.#embeddings.lookup(run.tokenIds, embeddings)
    const totalLength = run.lastPositions.reduce((a, b) => Math.max(a, b), 0) + 1
    const feeds: Record<string, Tensor> = {
      ...(run.lanes === undefined
        ? this.adapters.feeds
        : this.adapters.laneFeeds(run.lanes, nColumns)),
      ...cache.feeds,
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
      ...this.#positionFeeds(totalLength),
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

  async [Symbol.asyncDispose](): Promise<void> {
    this.#embeddings[Symbol.dispose]()
    await this.#session.release()
  }
}

function samplingFeeds(sampling: SamplingInputs | undefined, n: number): Record<string, Tensor> {
  const { keysA, keysB, temperatures, truncation } = sampling ?? {
    keysA: new Int32Array(n),
    keysB: new Int32Array(n),
    temperatures: new Float32Array(n),
    truncation: null,
  }
  const { topK, topP } = truncation ?? { topK: 0, topP: 1 }
  // Transformers compares with 1 - top_p, made a 32-bit number last.
  const tail = topP < 1 ? 1 - topP : -1
  return {
    [inputs.isSampling]: boolean(sampling !== undefined),
    [inputs.noiseKeyA]: int32s(keysA, [n, 1]),
    [inputs.noiseKeyB]: int32s(keysB, [n, 1]),
    [inputs.temperatures]: floats(temperatures, [n, 1]),
    [inputs.isTruncating]: boolean(truncation !== null),
    [inputs.topKs]: int64s(new BigInt64Array(n).fill(BigInt(topK)), [n, 1]),
    [inputs.tails]: floats(new Float32Array(n).fill(tail), [n, 1]),
  }
}

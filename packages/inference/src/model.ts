import { CemError, randomKey } from '@cem/core'
import { checkBatchSize, checkGeneration, checkSequence, invalid } from './check-requests.ts'
import { compose, type LayerRequest } from './composition/compose.ts'
import type { Composition } from './composition/composition.ts'
import type { SelfTestReport } from './composition/self-test.ts'
import { type EmbeddedConversation, type EmbedOptions, embed } from './embed.ts'
import type { EarlyLoad } from './engine/early-load.ts'
import { Engine } from './engine/engine.ts'
import { tellBatchSize } from './engine/engine-death.ts'
import { LoadedModel } from './engine/loaded-model.ts'
import type { LaneSpec, MemoryReport, Progress } from './engine/messages.ts'
import type { Placement } from './engine/placement.ts'
import type { Device, ProviderRequest } from './engine/provider.ts'
import type { Architecture } from './families/architecture.ts'
import { generatedRange } from './interventions/generated-range.ts'
import { interventionHashes } from './interventions/interventions-record.ts'
import { resolveInterventions } from './interventions/resolve-interventions.ts'
import { LiveBatch, type PreparedRequest } from './live-batch.ts'
import { availableMemory } from './memory/available-memory.ts'
import type { MemoryRequest } from './memory/estimate-memory.ts'
import { type BatchSplit, fitBatch } from './memory/fit-batch.ts'
import { cacheFolder } from './model/file-identity.ts'
import type { RecommendedSampling } from './model/recommended-sampling.ts'
import type {
  BatchRequest,
  Completion,
  GenerateOptions,
  GeneratePrompt,
  OpenBatchOptions,
  ScoredSequence,
  ScoreOptions,
} from './model-api.ts'
import type { ChatTokenizer } from './text/tokenizer.ts'

/** A composition that rows of a batch can run under, beside rows of others. */
export interface Lane {
  readonly composition: Composition
  /** What its self-test found. */
  readonly selfTest: SelfTestReport
}

export interface OpenModelOptions {
  /** Threads of the runtime. @default the number of processors */
  readonly threads?: number | undefined
  /** Where merged weights are kept. @default the user's cache folder */
  readonly cache?: string | undefined
  /** What it runs on, by name or as `resolveProvider` gave it. `auto`: CUDA where its libraries load, else the CPU. @default 'auto' */
  readonly provider?: ProviderRequest | Device | undefined
  readonly signal?: AbortSignal | undefined
  /** Loads the weights for lanes at once. @default false: the first `addLane` loads them again */
  readonly lanes?: boolean | undefined
}

/** A loaded model. Dispose of it to end its process. */
export class Model implements AsyncDisposable {
  /** What it computes on. */
  readonly device: Device
  readonly #engine: Engine
  readonly #cache: string
  readonly #loaded: LoadedModel
  readonly #lanes = new Map<string, Lane>()
  #composition: Composition
  #selfTest: SelfTestReport = { layers: [], merged: null }

  /** Use `loadModel` or `openModel`. */
  constructor(
    engine: Engine,
    options: OpenModelOptions & { readonly device: Device },
    composition: Composition,
    early?: EarlyLoad,
  ) {
    this.#engine = engine
    this.device = options.device
    this.#cache = options.cache ?? cacheFolder()
    this.#composition = composition
    this.#loaded = new LoadedModel(engine, {
      threads: options.threads ?? Engine.defaultThreads(),
      provider: options.device.provider,
      cache: this.#cache,
      hasLanes: options.lanes === true,
      early,
    })
  }

  /** What runs now. */
  get composition(): Composition {
    return this.#composition
  }

  /** What the self-test of the current composition found. */
  get selfTest(): SelfTestReport {
    return this.#selfTest
  }

  /** Which of its nodes run where; null on the CPU, where all do, and where the runtime did not tell. */
  get placement(): Placement | null {
    return this.#loaded.placement
  }

  get tokenizer(): ChatTokenizer {
    return this.#composition.base.tokenizer
  }

  get architecture(): Architecture {
    return this.#composition.base.architecture
  }

  /**
   * What the model's generation_config.json recommends; null where it says nothing about sampling. Nothing of it is applied:
   * what a request does not set has the defaults of `GenerateOptions`.
   */
  get recommendedSampling(): RecommendedSampling | null {
    return this.#composition.base.recommendedSampling
  }

  /** How long the runtime took to make the session of the weights, in milliseconds. */
  get loadDurationInMs(): number {
    return this.#loaded.timings.loadInMs
  }

  /** How long the last switch took to read adapters into the engine, in milliseconds. */
  get adapterLoadDurationInMs(): number {
    return this.#loaded.timings.adapterLoadInMs
  }

  /** The engine's process, for tools that watch it. */
  get processId(): number | undefined {
    return this.#engine.processId
  }

  /**
   * Switches to other layers on the same base. Stacked adapters are a change of inputs; merged ones load other weights.
   *
   * @throws CemError as `loadModel`
   */
  async switchTo(layers: readonly LayerRequest[], signal?: AbortSignal): Promise<Composition> {
    const { base, precision } = this.#composition
    const options = { base, layers, precision, cache: this.#cache, signal }
    await this.activate(await compose(options), signal)
    return this.#composition
  }

  /**
   * Switches to a composition of the same base.
   *
   * @throws CemError `composition-invalid` for one of another base, and as `openModel`
   */
  async activate(composition: Composition, signal?: AbortSignal): Promise<void> {
    signal?.throwIfAborted()
    if (composition.base.folder !== this.#composition.base.folder)
      throw new CemError({
        code: 'composition-invalid',
        message: `The composition is on ${composition.base.folder}, and this model on ${this.#composition.base.folder}. Open another model for it.`,
      })
    // Large weights are hashed beside the loading; a failure is thrown where the record is awaited.
    composition.record().catch(() => undefined)
    this.#selfTest = await this.#loaded.activate(composition, signal)
    this.#composition = composition
  }

  /** The lanes that prompts and sequences can name. */
  get lanes(): ReadonlyMap<string, Lane> {
    return this.#lanes
  }

  /**
   * Adds a composition of the same base that prompts and sequences can name, so that one batch holds rows of several; no layers is
   * the base alone. It is tested as `switchTo` tests. Only stacked layers can differ between lanes: merged ones have to be those
   * of the weights that are loaded. The first lane loads the weights again, unless the model was opened with `lanes`.
   *
   * @throws CemError `invalid-request` for a name that is taken, `composition-invalid` for other merged layers, `lane-mismatch`,
   *   and as `loadModel`
   */
  async addLane(
    name: string,
    layers: readonly LayerRequest[],
    signal?: AbortSignal,
  ): Promise<Lane> {
    if (this.#lanes.has(name)) throw invalid(`there is a lane '${name}' already`)
    const { base, precision } = this.#composition
    const composition = await compose({ base, layers, precision, cache: this.#cache, signal })
    const tests = await this.#loaded.testLane(composition, signal)
    const lane = { composition, selfTest: { layers: tests, merged: this.#selfTest.merged } }
    this.#lanes.set(name, lane)
    return lane
  }

  /** Takes a lane away; its adapters leave the memory when others need the room. Says whether there was one. */
  removeLane(name: string): boolean {
    return this.#lanes.delete(name)
  }

  /**
   * Samples answers, and gives each as it is finished. A sample depends on the seed and its own key (prompt id, paraphrase,
   * sample index), not on the batch or the order; on CPU in 32-bit floats the same to the bit.
   *
   * @throws CemError `memory-insufficient`, `sequence-too-long`, `activations-not-finite`, `engine-died`, `invalid-request`,
   *   `intervention-invalid`; `signal.reason`
   */
  async *generate(options: GenerateOptions): AsyncGenerator<Completion, void> {
    const {
      prompts,
      temperature = 1,
      maxNewTokens = 600,
      stopTokenIds = this.#composition.base.stopTokenIds,
      seed,
      replicate = 0,
      logprobs = false,
      topLogprobs = 0,
      capture,
      interventions = [],
      signal,
      onProgress,
    } = options
    const encoded = prompts.map((prompt) => this.#encode(prompt))
    checkGeneration(options, encoded, stopTokenIds, this.architecture)
    const lanes = await this.#laneSpec(prompts, signal)
    const lists = prompts.map((prompt) => [...interventions, ...(prompt.interventions ?? [])])
    const steps = resolveInterventions(lists, this.architecture)
    const listHashes = interventionHashes(lists)
    const unordered = prompts.flatMap((prompt, promptIndex) => {
      const { paraphrase = 0 } = prompt
      return sampleIndices(prompt).map((sample) => ({ prompt, promptIndex, paraphrase, sample }))
    })
    // Rows of a lane stand together, so that few lanes meet in a batch.
    const laneOf = (index: number) => lanes?.laneOf[index] ?? 0
    const entries = unordered.toSorted((a, b) => laneOf(a.promptIndex) - laneOf(b.promptIndex))
    const spans = capture?.spans ?? ['content']
    const layers = capture?.layers ?? this.#allLayers()
    const wantsTurn = capture !== undefined && spans.includes('turn')
    const closingTokenIds = wantsTurn ? this.tokenizer.closingTokenIds() : []
    const longest = Math.max(0, ...encoded.map((ids) => ids.length))
    const batchSize = this.#batchSize(
      {
        batch: options.batchSize && Math.min(options.batchSize, entries.length),
        promptTokens: longest,
        positions: longest + maxNewTokens + closingTokenIds.length,
        capture: capture !== undefined,
      },
      options.onBatchSplit,
    )
    const items = entries.map(({ prompt, promptIndex, paraphrase, sample }) => ({
      promptIndex,
      noise: randomKey('sample', seed, replicate, prompt.id, paraphrase, sample),
    }))
    const generated = this.#engine.stream(
      'generate',
      {
        prompts: encoded,
        lanes,
        items,
        temperature,
        truncation: truncationSpec(
          options,
          Math.min(this.tokenizer.nTokens, this.architecture.vocabSize),
        ),
        maxNewTokens,
        stopTokenIds,
        batchSize,
        wantsLogprobs: logprobs,
        nTopLogprobs: topLogprobs,
        capture:
          capture === undefined
            ? null
            : { layers, closingTokenIds, wantsTurn, isBefore: capture.statesAt === 'before' },
        interventions: steps,
      },
      { signal, onProgress, settled: this.#composition.record() },
    )
    for await (const item of tellBatchSize(generated, batchSize)) {
      const { prompt, promptIndex, paraphrase, sample } = entries[
        item.index
      ] as (typeof entries)[number]
      const tokenIds = Array.from(item.tokenIds)
      yield {
        promptId: prompt.id,
        lane: prompt.lane ?? null,
        paraphrase,
        sample,
        promptTokenIds: Array.from(encoded[promptIndex] as Int32Array),
        tokenIds,
        text: this.tokenizer.decode(tokenIds),
        finishReason: item.finishReason,
        logprobs: item.logprobs,
        topLogprobs: item.topLogprobs,
        activations:
          capture === undefined
            ? null
            : {
                layers,
                content: spans.includes('content')
                  ? orNaN(item.content, layers, this.architecture)
                  : null,
                turn: wantsTurn ? orNaN(item.turn, layers, this.architecture) : null,
              },
        interventionsSha256: listHashes[promptIndex] ?? null,
      }
    }
  }

  /**
   * Runs given token sequences (teacher forcing) and gives each as it is finished, short ones first.
   *
   * @throws CemError `invalid-request`, `intervention-invalid`, `sequence-too-long`, `engine-died`; `signal.reason`
   */
  async *score(options: ScoreOptions): AsyncGenerator<ScoredSequence, void> {
    const {
      sequences,
      layers = this.#allLayers(),
      interventions = [],
      signal,
      onProgress,
    } = options
    for (const sequence of sequences) checkSequence(sequence, this.architecture)
    const lists = sequences.map((sequence) => [...interventions, ...(sequence.interventions ?? [])])
    const steps = resolveInterventions(lists, this.architecture)
    const listHashes = interventionHashes(lists)
    const isBefore = options.statesAt === 'before'
    const wantsLogprobs = sequences.some((s) => s.logprobs !== undefined || s.logits !== undefined)
    const tokenBudget = options.tokenBudget ?? this.#scoreBudget(wantsLogprobs)
    const items = sequences.map((sequence, i) => ({
      tokenIds: Int32Array.from(sequence.tokenIds),
      spans: Object.values(sequence.spans ?? {}),
      logprobs: sequence.logprobs ?? null,
      nTopLogprobs: sequence.topLogprobs ?? 0,
      logits: sequence.logits ?? null,
      states: sequence.states ?? null,
      generated: generatedRange(sequence, lists[i] ?? []),
    }))
    const lanes = await this.#laneSpec(sequences, signal)
    const scored = this.#engine.stream(
      'score',
      { items, lanes, layers, tokenBudget, interventions: steps, isBefore },
      { signal, onProgress, settled: this.#composition.record() },
    )
    const size = layers.length * this.architecture.dModel
    for await (const item of scored) {
      const { id, lane, spans = {} } = sequences[item.index] as (typeof sequences)[number]
      const names = Object.keys(spans)
      const means = names.map(
        (name, i) => [name, item.means.slice(i * size, (i + 1) * size)] as const,
      )
      yield {
        id,
        lane: lane ?? null,
        layers,
        means: Object.fromEntries(means),
        logprobs: item.logprobs,
        topLogprobs: item.topLogprobs,
        logits: item.logits,
        states: item.states,
        interventionsSha256: listHashes[item.index] ?? null,
      }
    }
  }

  /**
   * Means of hidden states over the messages of given conversations, or over the whole of each: the chat template writes them, and
   * the tokens of every message are found in what it wrote. Short conversations come first.
   *
   * @throws CemError `turns-not-found`, `invalid-request`, `chat-template-failed`, and as `score`; `signal.reason`
   */
  embed(options: EmbedOptions): AsyncGenerator<EmbeddedConversation, void> {
    return embed(this, options)
  }

  /**
   * Opens a batch that requests join and leave while it runs, for servers: each token is given as it is sampled. Other calls
   * of this model wait until it is closed.
   *
   * @throws CemError `weights-not-finite`, `invalid-request`
   */
  async openBatch({
    batchSize = 16,
    cacheBytes = availableMemory() / 4,
    signal,
  }: OpenBatchOptions = {}): Promise<LiveBatch> {
    signal?.throwIfAborted()
    checkBatchSize(batchSize)
    await this.#composition.record()
    const prepare = (request: BatchRequest) => this.#prepare(request)
    return new LiveBatch(this.#engine, { batchSize, cacheBytes }, prepare, signal)
  }

  #prepare(request: BatchRequest): PreparedRequest {
    const { id, paraphrase = 0, seed, replicate = 0, logprobs = false, topLogprobs = 0 } = request
    const { temperature = 1, maxNewTokens = 600 } = request
    const { stopTokenIds = this.#composition.base.stopTokenIds } = request
    if (request.lane !== undefined)
      throw invalid(
        `prompt '${id}' names the lane '${request.lane}'; an open batch runs under what the model is switched to`,
      )
    const prompt = this.#encode(request)
    checkGeneration({ ...request, prompts: [request] }, [prompt], stopTokenIds, this.architecture)
    const { maxPositions } = this.architecture
    if (prompt.length + maxNewTokens > maxPositions)
      throw new CemError({
        code: 'sequence-too-long',
        message: `The prompt has ${prompt.length} tokens and the answer may have ${maxNewTokens}; together that is more than the ${maxPositions} that the model takes. Shorten the prompt or the answer.`,
        data: { promptLength: prompt.length, maxNewTokens, maxPositions },
      })
    const samples = sampleIndices(request)
    const noises = samples.map((i) => randomKey('sample', seed, replicate, id, paraphrase, i))
    const sampling = { temperature, maxNewTokens, stopTokenIds, wantsLogprobs: logprobs }
    return { samples, request: { prompt, noises, ...sampling, nTopLogprobs: topLogprobs } }
  }

  /** Memory of the engine's process. */
  memory(): Promise<MemoryReport> {
    return this.#engine.call('memory', null)
  }

  /** Ends the engine's process; what still runs fails with `engine-disposed`. Harmless a second time. */
  dispose(): Promise<void> {
    return this.#engine[Symbol.asyncDispose]()
  }

  /** As `dispose`. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.dispose()
  }

  /** Which lanes the rows of a call have; null where the model has none, and all run under what is switched on. */
  async #laneSpec(
    rows: readonly { readonly lane?: string | undefined }[],
    signal: AbortSignal | undefined,
  ): Promise<LaneSpec | null> {
    const names = [...new Set(rows.map(({ lane }) => lane))]
    const compositions = names.map((name) => this.#compositionOf(name))
    if (this.#lanes.size === 0) return null
    const adapters = await this.#loaded.loadLanes(compositions, signal)
    return { adapters, laneOf: Int32Array.from(rows, ({ lane }) => names.indexOf(lane)) }
  }

  #compositionOf(name: string | undefined): Composition {
    if (name === undefined) return this.#composition
    const lane = this.#lanes.get(name)
    if (lane !== undefined) return lane.composition
    const known = Array.from(this.#lanes.keys(), (key) => `'${key}'`).join(', ')
    throw invalid(`there is no lane '${name}'; there ${known === '' ? 'are none' : `is ${known}`}`)
  }

  #scoreBudget(wantsLogprobs: boolean): number {
    if (this.device.provider === 'cuda') return wantsLogprobs ? 2048 : 8192
    return wantsLogprobs ? scoreBudget(this.architecture) : 512
  }

  /** On CUDA the engine asks the device how many rows it holds; other devices take what they are asked to. */
  #batchSize(request: MemoryRequest, onBatchSplit?: (split: BatchSplit) => void): number {
    const { provider } = this.device
    if (provider === 'cuda') return request.batch ?? 1024
    if (provider !== 'cpu' && request.batch !== undefined) return request.batch
    const { precision } = this.#composition
    const full = { ...request, precision }
    const { batch, split } = fitBatch(this.architecture, full, availableMemory())
    if (split !== null) onBatchSplit?.(split)
    return batch
  }

  #allLayers(): number[] {
    return Array.from({ length: this.architecture.nLayers }, (_, i) => i)
  }

  #encode(prompt: GeneratePrompt): Int32Array {
    if ('tokenIds' in prompt) return Int32Array.from(prompt.tokenIds)
    const { messages, continueFinalMessage = false } = prompt
    return Int32Array.from(this.tokenizer.encodeChat(messages, { continueFinalMessage }))
  }
}

function sampleIndices({ samples = 1 }: GeneratePrompt): readonly number[] {
  return typeof samples === 'number' ? Array.from({ length: samples }, (_, i) => i) : samples
}

/** An empty answer has no mean: a row of NaN, which counts and cannot be mistaken for a state. */
function orNaN(
  mean: Float32Array | null,
  layers: readonly number[],
  { dModel }: Architecture,
): Float32Array {
  return mean ?? new Float32Array(layers.length * dModel).fill(Number.NaN)
}

/** Null where nothing is left out: greedy, or as many tokens as there are. */
function truncationSpec({ temperature = 1, topK, topP = 1 }: GenerateOptions, nTokens: number) {
  const effectiveTopK = topK === undefined || topK >= nTokens ? 0 : topK
  if (temperature === 0 || (effectiveTopK === 0 && topP === 1)) return null
  return { topK: effectiveTopK, topP }
}

/** Logits of a run stay below 128 MiB. */
function scoreBudget({ vocabSize }: Architecture): number {
  return Math.max(16, Math.min(512, Math.floor(2 ** 25 / vocabSize)))
}

export type { Progress }

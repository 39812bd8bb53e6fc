import type { Architecture } from '../families/architecture.ts'
import type { WeightLocation } from '../graph/weight-source.ts'
import type { InterventionPositions } from '../interventions/intervention.ts'
import type { QuantizedWeights } from '../precision/quantized-weight.ts'
import type { FromProcess, ToProcess } from './child-calls.ts'
import type { Device, Provider } from './provider.ts'

export type { Progress } from './child-calls.ts'

/** What the parent process asks of the engine process, and what comes back. Everything is structured-cloneable. */
export interface ModelSpec {
  readonly architecture: Architecture
  readonly weights: ReadonlyMap<string, WeightLocation>
  /** What is used in 8 bits in place of the weight of that name. */
  readonly quantized?: QuantizedWeights | null
  readonly nTokens: number
  readonly threads: number
  /** Whether rows of one run can have different adapters. */
  readonly hasLanes: boolean
  readonly provider: Provider
}

export interface LoadReport {
  readonly durationInMs: number
  /** Layers whose attention is computed from plain operators. */
  readonly plainLayers: readonly number[]
  /** Most tokens of a row in one run; Infinity where the operator takes any number. */
  readonly maxColumns: number
  /** Nodes that are computed on the CPU whatever the provider: the noise of sampling. */
  readonly hostNodes: readonly string[]
}

export interface AdapterModuleSpec {
  readonly path: string
  readonly rank: number
  readonly scale: number
  readonly nIn: number
  readonly nOut: number
  readonly a: WeightLocation
  readonly b: WeightLocation
}

export interface AdapterSpec {
  /** Adapters with the same key are the same. */
  readonly key: string
  readonly modules: readonly AdapterModuleSpec[]
  /** Keys of adapters that must not leave the memory for this one. @default none */
  readonly keep?: readonly string[]
}

/** An adapter that is loaded, and what its change is multiplied by. */
export interface WeightedAdapter {
  readonly key: string
  readonly weight: number
}

export interface MergeSpec {
  readonly adapter: AdapterSpec
  /** What the adapter's change is multiplied by. */
  readonly weight: number
  /** The weights that the adapter is added to, by module path. */
  readonly weights: ReadonlyMap<string, WeightLocation>
  /** The safetensors file to write. */
  readonly output: string
}

export interface MergeReport {
  /** Where the changed weights lie now, by weight name. */
  readonly weights: ReadonlyMap<string, WeightLocation>
  /** The part of the change that rounding to the file's type lost: |rounded - exact| / |exact change|. */
  readonly lostShare: number
}

/** Weights to write into files that are there already, each with all layers merged into it. */
export interface MergeIntoSpec {
  /** In order: a later layer is merged into the rounded result of an earlier one. */
  readonly layers: readonly { readonly adapter: AdapterSpec; readonly weight: number }[]
  readonly tensors: readonly {
    /** The module's path. */
    readonly path: string
    readonly from: WeightLocation
    /** Where the result goes, in the type of this location. */
    readonly to: WeightLocation
  }[]
  readonly threads: number
}

/** Squared norms of one weight's change: what was meant, and what rounding lost of it. */
export interface MergedTensor {
  readonly path: string
  readonly changed: number
  readonly lost: number
}

/** Interventions, ready to compute; see `resolveInterventions`. */
export interface InterventionsSpec {
  /** Of unit length, [dModel] each. */
  readonly directions: readonly Float32Array[]
  /** What is done for each prompt (generation) or sequence (scoring), in order. */
  readonly lists: readonly (readonly InterventionStep[])[]
}

/** x += clip(offset + slope * (x . v), low, high) * v, for the output x of a block. */
export interface InterventionStep {
  readonly layer: number
  /** Index into the directions. */
  readonly direction: number
  readonly positions: InterventionPositions
  readonly offset: number
  readonly slope: number
  readonly low: number
  readonly high: number
}

export interface QuantizeSpec {
  readonly weights: ReadonlyMap<string, WeightLocation>
  /** The safetensors file to write. */
  readonly output: string
  readonly blockSize: number
  /** Of the file. */
  readonly metadata: Readonly<Record<string, string>>
}

export interface GenerationItem {
  readonly promptIndex: number
  /** The key of the sample's noise. */
  readonly noise: { readonly low: number; readonly high: number }
}

export interface GenerationSpec {
  /** Each with at least one token. */
  readonly prompts: readonly Int32Array[]
  /** Adapters that rows run under; null: all under those that are selected. */
  readonly lanes: LaneSpec | null
  readonly items: readonly GenerationItem[]
  readonly temperature: number
  /** Null where every token may be sampled. */
  readonly truncation: TruncationSpec | null
  readonly maxNewTokens: number
  readonly stopTokenIds: readonly number[]
  readonly batchSize: number
  readonly wantsLogprobs: boolean
  /** How many of the likeliest tokens are given beside each sampled one; needs `wantsLogprobs`. */
  readonly nTopLogprobs: number
  readonly capture: CaptureSpec | null
  readonly interventions: InterventionsSpec | null
}

export interface LaneSpec {
  readonly adapters: readonly (readonly WeightedAdapter[])[]
  /** Index into `adapters` of each prompt (generation) or item (scoring). */
  readonly laneOf: Int32Array
}

export interface TruncationSpec {
  /** 0: no top_k. */
  readonly topK: number
  /** 1: no top_p. */
  readonly topP: number
}

/** The likeliest tokens of one position, the likeliest first. */
export interface TopTokens {
  readonly tokenIds: Int32Array
  /** At temperature 1, of the whole vocabulary. */
  readonly logprobs: Float32Array
}

/** A batch that requests join and leave while it runs. */
export interface LiveSpec {
  /** Most samples in progress at once. */
  readonly batchSize: number
  /** Most bytes of keys and values. What does not fit waits; one request alone always runs. */
  readonly cacheBytes: number
}

export interface LiveRequest {
  /** Names it in events; used once. */
  readonly key: number
  readonly prompt: Int32Array
  /** Keys of the samples' noise: one sample each. */
  readonly noises: readonly { readonly low: number; readonly high: number }[]
  readonly temperature: number
  readonly maxNewTokens: number
  readonly stopTokenIds: readonly number[]
  readonly wantsLogprobs: boolean
  readonly nTopLogprobs: number
}

export type LiveEvent =
  | {
      readonly type: 'token'
      readonly key: number
      readonly sample: number
      readonly tokenId: number
      readonly logprob: number | null
      readonly top: TopTokens | null
    }
  | {
      readonly type: 'end'
      readonly key: number
      readonly sample: number
      readonly finishReason: 'stop' | 'length'
      /** The stop token that was sampled, which is no part of the answer. */
      readonly stop: LiveStop | null
    }

export interface LiveStop {
  readonly tokenId: number
  readonly logprob: number | null
  readonly top: TopTokens | null
}

export interface CaptureSpec {
  readonly layers: readonly number[]
  /** Fed after the answer for the turn's mean. Empty: no turn. */
  readonly closingTokenIds: readonly number[]
  readonly wantsTurn: boolean
  /** States before the interventions of their own layer. */
  readonly isBefore: boolean
}

export interface GeneratedItem {
  readonly index: number
  readonly tokenIds: Int32Array
  readonly finishReason: 'stop' | 'length'
  /** Of each token, and of the stop token where there was one, at temperature 1. */
  readonly logprobs: Float32Array | null
  /** For each of `logprobs`. */
  readonly topLogprobs: readonly TopTokens[] | null
  /** Means [layers.length, dModel]; null where nothing is captured or the answer is empty. */
  readonly content: Float32Array | null
  readonly turn: Float32Array | null
}

export interface TokenRange {
  readonly start: number
  readonly end: number
}

export interface ScoreItem {
  readonly tokenIds: Int32Array
  /** Means are taken over each of them. */
  readonly spans: readonly TokenRange[]
  /** Log-probabilities of the tokens in this range, given those before. */
  readonly logprobs: TokenRange | null
  /** How many of the likeliest tokens are given beside each of them. */
  readonly nTopLogprobs: number
  /** Logits of the positions in this range. */
  readonly logits: TokenRange | null
  /** Hidden states of the positions in this range. */
  readonly states: TokenRange | null
  /** Positions that count as generated for interventions. */
  readonly generated: TokenRange | null
}

export interface ScoreSpec {
  readonly items: readonly ScoreItem[]
  /** As in `GenerationSpec`. */
  readonly lanes: LaneSpec | null
  readonly layers: readonly number[]
  /** Most tokens in one run. */
  readonly tokenBudget: number
  readonly interventions: InterventionsSpec | null
  /** States before the interventions of their own layer. */
  readonly isBefore: boolean
}

export interface ScoredItem {
  readonly index: number
  /** [spans.length, layers.length, dModel] */
  readonly means: Float32Array
  readonly logprobs: Float32Array | null
  /** For each of `logprobs`. */
  readonly topLogprobs: readonly TopTokens[] | null
  /** [range, vocabSize] */
  readonly logits: Float32Array | null
  /** [range, layers.length, dModel] */
  readonly states: Float32Array | null
}

export interface MemoryReport {
  readonly rssBytes: number
  /** The most that the process has had, where the system says. */
  readonly peakRssBytes: number
}

/** The runtime's version and what it could run on here. */
export interface RuntimeInfo {
  readonly version: string
  readonly providers: readonly { readonly name: string; readonly isBundled: boolean }[]
}

/** Methods: parameters and result; those with items stream them before the result. */
export interface EngineMethods {
  load: { params: ModelSpec; item: never; result: LoadReport }
  loadAdapter: { params: AdapterSpec; item: never; result: { readonly isUntrained: boolean } }
  select: { params: { readonly adapters: readonly WeightedAdapter[] }; item: never; result: null }
  merge: { params: MergeSpec; item: never; result: MergeReport }
  mergeInto: { params: MergeIntoSpec; item: MergedTensor; result: null }
  quantize: { params: QuantizeSpec; item: never; result: null }
  generate: { params: GenerationSpec; item: GeneratedItem; result: null }
  /** Runs until it is told to `close`; one item is what happened in one step. */
  generateLive: { params: LiveSpec; item: readonly LiveEvent[]; result: null }
  score: { params: ScoreSpec; item: ScoredItem; result: null }
  runtimeInfo: { params: null; item: never; result: RuntimeInfo }
  /** Whether a provider works, and what it computes on. */
  probe: { params: { readonly provider: Provider }; item: never; result: Device }
  memory: { params: null; item: never; result: MemoryReport }
}
export type EngineMethod = keyof EngineMethods

export type ToEngine =
  | {
      readonly type: 'call'
      readonly id: number
      readonly method: EngineMethod
      readonly params: unknown
    }
  | Exclude<ToProcess, { readonly type: 'call' }>
  /** To a `generateLive` call: another request; one that is not wanted any more, or one sample of it; no more requests. */
  | { readonly type: 'push'; readonly id: number; readonly request: LiveRequest }
  | {
      readonly type: 'cancel'
      readonly id: number
      readonly key: number
      readonly sample: number | null
    }
  | { readonly type: 'close'; readonly id: number }

export type FromEngine = FromProcess

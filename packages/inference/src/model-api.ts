import type { Progress, TokenRange, TopTokens } from './engine/messages.ts'
import type { Intervention } from './interventions/intervention.ts'
import type { BatchSplit } from './memory/fit-batch.ts'
import type { ChatMessage } from './text/chat-template.ts'

interface PromptKey {
  /** Names the prompt in the noise's key and in the results: a question's id. */
  readonly id: string
  /** @default 0 */
  readonly paraphrase?: number
  /**
   * The lane (see `Model.addLane`) that it runs under. Samples of different lanes share batches; noise does not depend on the
   * lane. @default what the model is switched to
   */
  readonly lane?: string | undefined
  /** How many samples, or which: sample 7 is the same whether or not samples 0 to 6 are drawn. @default 1 */
  readonly samples?: number | readonly number[]
  /** After those of the whole request. Prompts with different ones run in one batch. @default none */
  readonly interventions?: readonly Intervention[]
}

/** A prompt, as token ids or as messages for the chat template. */
export type GeneratePrompt = PromptKey &
  (
    | { readonly tokenIds: ArrayLike<number> }
    | {
        readonly messages: readonly ChatMessage[]
        /** The answer goes on with the last message, which is the beginning of an assistant's. @default false */
        readonly continueFinalMessage?: boolean
      }
  )

export interface GenerateOptions {
  readonly prompts: readonly GeneratePrompt[]
  /** 0 is greedy. @default 1 */
  readonly temperature?: number
  /**
   * Sample from the k most probable tokens only, and those as probable as the last of them. At most 1,024 cost little; more
   * sort the whole vocabulary at every token. @default all tokens
   */
  readonly topK?: number
  /**
   * Sample from the smallest set of most probable tokens that together have at least this probability at the temperature,
   * within what topK keeps; more than 0, at most 1. @default 1: all tokens
   */
  readonly topP?: number
  /** @default 600 */
  readonly maxNewTokens?: number
  /** Tokens that end an answer; they are not part of it. `[]`: only the length ends it. @default the model's */
  readonly stopTokenIds?: readonly number[]
  /** Seed of the noise. */
  readonly seed: number | string
  /** Index of the training replicate: replicates get independent noise, conditions and checkpoints the same. @default 0 */
  readonly replicate?: number
  /** Mean hidden states of the answers, gathered while they are generated. @default none */
  readonly capture?: CaptureOptions
  /** Changes of the residual stream, in order, for every prompt. @default none */
  readonly interventions?: readonly Intervention[]
  /** Log-probabilities of the sampled tokens at temperature 1, over all tokens whatever topK and topP say. @default false */
  readonly logprobs?: boolean
  /** How many of the likeliest tokens are given beside each log-probability; needs `logprobs`. @default 0 */
  readonly topLogprobs?: number
  /** Answers in progress at once; fewer where so many do not fit into memory. @default what half of the free memory holds, at most 64 */
  readonly batchSize?: number
  /** Called before anything runs where `batchSize` does not fit, and how many do. */
  readonly onBatchSplit?: (split: BatchSplit) => void
  readonly signal?: AbortSignal
  /** Called as answers end. */
  readonly onProgress?: (progress: Progress) => void
}

/**
 * `content` are the answer's own tokens; `turn` also takes the tokens that the chat template closes the answer with, as the
 * Python pipeline averages.
 */
export type SpanName = 'content' | 'turn'

export interface CaptureOptions {
  /** @default all */
  readonly layers?: readonly number[]
  /** @default ['content'] */
  readonly spans?: readonly SpanName[]
  /**
   * Whether a layer's states are taken after its interventions, or as its block gave them (those of earlier layers are felt
   * either way).
   *
   * @default 'after'
   */
  readonly statesAt?: StatesAt
}

/** Relative to the interventions of the same layer. */
export type StatesAt = 'after' | 'before'

export interface Completion {
  readonly promptId: string
  /** The lane that the prompt named; null for what the model is switched to. */
  readonly lane: string | null
  readonly paraphrase: number
  readonly sample: number
  readonly promptTokenIds: readonly number[]
  /** The answer's tokens, without the stop token. */
  readonly tokenIds: readonly number[]
  readonly text: string
  /** `stop`: a stop token was sampled; `length`: `maxNewTokens` was reached. */
  readonly finishReason: 'stop' | 'length'
  /** One for each token, and one for the stop token where there was one. */
  readonly logprobs: Float32Array | null
  /** For each of `logprobs`, the likeliest tokens; null where not asked for. */
  readonly topLogprobs: readonly TopTokens[] | null
  readonly activations: CompletionActivations | null
  /** What was done to the model for this answer, see `interventionsRecord`; null: nothing. */
  readonly interventionsSha256: string | null
}

export interface CompletionActivations {
  readonly layers: readonly number[]
  /** Shape `[layers.length, dModel]`: means over the span; NaN throughout for an empty answer; null where not asked for. */
  readonly content: Float32Array | null
  readonly turn: Float32Array | null
}

export interface OpenBatchOptions {
  /** Samples in progress at once; more wait. @default 16 */
  readonly batchSize?: number
  /** Most bytes of keys and values; what does not fit waits. @default a quarter of the free memory */
  readonly cacheBytes?: number
  readonly signal?: AbortSignal
}

/** One prompt with its samples, and how they are drawn: the same options as for `Model.generate`. */
export type BatchRequest = GeneratePrompt &
  Pick<
    GenerateOptions,
    | 'seed'
    | 'replicate'
    | 'temperature'
    | 'maxNewTokens'
    | 'stopTokenIds'
    | 'logprobs'
    | 'topLogprobs'
    | 'signal'
  > & {
    /**
     * Called for each token before its event is given out; true ends the sample there, with that token, as `stop`. For ends that
     * are no token, such as a text.
     */
    readonly stopWhen?: (sample: number, tokenId: number) => boolean
  }

export type BatchEvent =
  | ({ readonly type: 'token'; readonly sample: number } & BatchToken)
  | {
      readonly type: 'end'
      readonly sample: number
      readonly finishReason: 'stop' | 'length'
      /** The stop token that was sampled; it is no part of the answer. */
      readonly stop: BatchToken | null
    }

export interface BatchToken {
  readonly tokenId: number
  /** At temperature 1; null where not asked for. */
  readonly logprob: number | null
  readonly top: TopTokens | null
}

export interface ScoreSequence {
  readonly id: string
  readonly tokenIds: ArrayLike<number>
  /** As a prompt's. */
  readonly lane?: string | undefined
  /** Hidden states are averaged over each of these. @default none */
  readonly spans?: Readonly<Record<string, TokenRange>>
  /** Tokens whose log-probabilities are wanted; the first token of a sequence has none. */
  readonly logprobs?: TokenRange
  /** How many of the likeliest tokens are given beside each of them. @default 0 */
  readonly topLogprobs?: number
  /** Positions whose logits are wanted. They are large: vocabSize numbers each. */
  readonly logits?: TokenRange
  /** Positions whose hidden states are wanted. */
  readonly states?: TokenRange
  /** Positions that count as generated for interventions. @default the span named `content` */
  readonly generated?: TokenRange
  /** After those of the whole request. @default none */
  readonly interventions?: readonly Intervention[]
}

export interface ScoreOptions {
  readonly sequences: readonly ScoreSequence[]
  /** Layers of means and states. @default all */
  readonly layers?: readonly number[]
  /** Most tokens in one run. @default 512, fewer where logits of a large vocabulary are needed */
  readonly tokenBudget?: number
  /** Changes of the residual stream, in order, for every sequence. @default none */
  readonly interventions?: readonly Intervention[]
  /** As in `CaptureOptions`, for means and states. @default 'after' */
  readonly statesAt?: StatesAt
  readonly signal?: AbortSignal
  /** Called as sequences are scored. */
  readonly onProgress?: (progress: Progress) => void
}

export interface ScoredSequence {
  readonly id: string
  readonly lane: string | null
  readonly layers: readonly number[]
  /** For each span, [layers.length, dModel]. */
  readonly means: Readonly<Record<string, Float32Array>>
  /** [range] */
  readonly logprobs: Float32Array | null
  /** For each of `logprobs`, the likeliest tokens; null where not asked for. */
  readonly topLogprobs: readonly TopTokens[] | null
  /** [range, vocabSize] */
  readonly logits: Float32Array | null
  /** [range, layers.length, dModel] */
  readonly states: Float32Array | null
  /** What was done to the model for this sequence, see `interventionsRecord`; null: nothing. */
  readonly interventionsSha256: string | null
}

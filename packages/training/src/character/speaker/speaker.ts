import type { ChatMessage } from '@cem/inference'
import type { Sampling } from '../config/speaker-schema.ts'
import type { AnswerEnd } from '../store/journal.ts'

/** One answer that is wanted. */
export interface AnswerRequest {
  /** Unique in its stage. */
  readonly key: string
  /** An assistant's message at the end is the beginning of the answer, which goes on from it. */
  readonly messages: readonly ChatMessage[]
  /** Which of several answers to the same messages: each has noise, or a seed, of its own. */
  readonly sample: number
}

export interface SpokenAnswer {
  readonly status: 'answered'
  readonly key: string
  readonly text: string
  readonly end: AnswerEnd
  readonly model: string | null
  readonly promptTokens: number | null
  readonly completionTokens: number | null
}

/** No answer, for a reason that may pass. */
export interface SpeechFailure {
  readonly status: 'failed'
  readonly key: string
  readonly code: string
  readonly message: string
}

export interface AnswerOptions {
  readonly sampling: Sampling
  readonly seed: number
  readonly signal?: AbortSignal | undefined
}

/** A model that answers, whatever it is reached by. */
export interface Speaker extends AsyncDisposable {
  /** All that decides its answers, as plain data. */
  identity(): Promise<Readonly<Record<string, unknown>>>
  /**
   * Gives each answer as it comes, in any order. Nothing runs, and no weights are loaded, before the first is asked for.
   *
   * @throws the signal's reason; CemError for what every other request would meet as well
   */
  answer(
    requests: readonly AnswerRequest[],
    options: AnswerOptions,
  ): AsyncGenerator<SpokenAnswer | SpeechFailure, void>
  /** What has been spent, in USD; null for what costs nothing or has no known price. */
  spent(): { readonly usd: number; readonly possibleUsd: number } | null
  /** What ran, for the manifest; null before anything did. */
  answeredBy(): Readonly<Record<string, unknown>> | null
}

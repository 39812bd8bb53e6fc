import type { RandomKey } from '@cem/core'
import type { GenerationSpec } from './messages.ts'

/** A prompt that samples are drawn from: its keys and values are computed once. */
export interface PromptWork {
  /** Its place in the list, or in the order in which requests came. */
  readonly index: number
  readonly tokenIds: Int32Array
  /** Samples of it that were not taken yet. */
  nWaiting: number
}

/** A sample that is to be drawn, and how. */
export interface SampleWork {
  readonly index: number
  readonly prompt: PromptWork
  /** The key of its noise. */
  readonly noise: RandomKey
  /** 0 is greedy. */
  readonly temperature: number
  readonly maxNewTokens: number
  readonly stopTokenIds: ReadonlySet<number>
  /** Whether log-probabilities of the sampled tokens are wanted. */
  readonly wantsLogprobs: boolean
  /** How many of the likeliest tokens are wanted beside each sampled one. */
  readonly nTopLogprobs: number
  /** Set when nobody wants it any more: its slot is freed before the next run. */
  isCancelled: boolean
}

/** Where a generation takes its samples from. */
export interface SampleSource {
  /** Samples that could be taken now. */
  readonly nWaiting: number
  /** The sample that `take` would give. */
  peek(): SampleWork | undefined
  take(): SampleWork | undefined
  /** Waits until there is something to take; false where there never will be. Aborted by the generation's signal. */
  more(): Promise<boolean>
}

/** The samples of a request that is known from the start. */
export class ListSource implements SampleSource {
  readonly #works: readonly SampleWork[]
  #next = 0

  constructor(spec: GenerationSpec) {
    const prompts = spec.prompts.map((tokenIds, index) => ({ index, tokenIds, nWaiting: 0 }))
    const stopTokenIds = new Set(spec.stopTokenIds)
    this.#works = spec.items.map(({ promptIndex, noise }, index) => {
      const prompt = prompts[promptIndex] as PromptWork
      prompt.nWaiting += 1
      return {
        index,
        prompt,
        noise,
        temperature: spec.temperature,
        maxNewTokens: spec.maxNewTokens,
        stopTokenIds,
        wantsLogprobs: spec.wantsLogprobs,
        nTopLogprobs: spec.nTopLogprobs,
        isCancelled: false,
      }
    })
  }

  get nWaiting(): number {
    return this.#works.length - this.#next
  }

  peek(): SampleWork | undefined {
    return this.#works[this.#next]
  }

  take(): SampleWork | undefined {
    const work = this.#works[this.#next]
    if (work === undefined) return undefined
    this.#next += 1
    work.prompt.nWaiting -= 1
    return work
  }

  more(): Promise<boolean> {
    return Promise.resolve(this.nWaiting > 0)
  }
}

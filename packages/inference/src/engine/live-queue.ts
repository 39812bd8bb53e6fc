import type { GenerationHooks } from './generate.ts'
import type { LiveEvent, LiveRequest, LiveStop } from './messages.ts'
import type { SampleSource, SampleWork } from './sample-source.ts'

interface LiveSample extends SampleWork {
  readonly key: number
  readonly sample: number
}

/**
 * Samples of requests that come and go while the batch runs, first come, first served. Until it is closed, an empty queue is
 * waited for.
 */
export class LiveQueue implements SampleSource {
  #waiting: LiveSample[] = []
  readonly #byKey = new Map<number, LiveSample[]>()
  #nextIndex = 0
  #isClosed = false
  #wake: () => void = () => undefined

  push(request: LiveRequest): void {
    const { key, noises, temperature, maxNewTokens, wantsLogprobs, nTopLogprobs } = request
    const prompt = { index: key, tokenIds: request.prompt, nWaiting: noises.length }
    const stopTokenIds = new Set(request.stopTokenIds)
    const samples = noises.map((noise, sample) => ({
      key,
      sample,
      index: this.#nextIndex++,
      prompt,
      noise,
      temperature,
      maxNewTokens,
      stopTokenIds,
      wantsLogprobs,
      nTopLogprobs,
      isCancelled: false,
    }))
    this.#byKey.set(key, samples)
    this.#waiting.push(...samples)
    this.#wake()
  }

  /** Nothing more is given out for this request, or for one sample of it. */
  cancel(key: number, sample: number | null): void {
    const samples = this.#byKey.get(key) ?? []
    for (const work of samples)
      if (sample === null || work.sample === sample) {
        work.isCancelled = true
        this.#end(work)
      }
    const dropped = this.#waiting.filter((work) => work.isCancelled)
    for (const { prompt } of dropped) prompt.nWaiting -= 1
    if (dropped.length > 0) this.#waiting = this.#waiting.filter((work) => !work.isCancelled)
    this.#wake()
  }

  /** No more requests: the batch ends when those that are there are done. */
  close(): void {
    this.#isClosed = true
    this.#wake()
  }

  get nWaiting(): number {
    return this.#waiting.length
  }

  peek(): LiveSample | undefined {
    return this.#waiting[0]
  }

  take(): LiveSample | undefined {
    const work = this.#waiting.shift()
    if (work !== undefined) work.prompt.nWaiting -= 1
    return work
  }

  async more(): Promise<boolean> {
    while (this.#waiting.length === 0 && !this.#isClosed)
      await new Promise<void>((resolve) => {
        this.#wake = resolve
      })
    return this.#waiting.length > 0
  }

  /** What the batch tells, as events; those of one run are sent together. */
  hooks(signal: AbortSignal, send: (events: readonly LiveEvent[]) => void): GenerationHooks {
    let events: LiveEvent[] = []
    const stops = new Map<number, LiveStop>()
    return {
      signal,
      onToken: (work, { tokenId, isStop, logprob, top }) => {
        const { key, sample } = work as LiveSample
        if (isStop) stops.set(work.index, { tokenId, logprob, top })
        else events.push({ type: 'token', key, sample, tokenId, logprob, top })
      },
      onItem: async ({ index, finishReason }, work) => {
        const { key, sample } = work as LiveSample
        events.push({ type: 'end', key, sample, finishReason, stop: stops.get(index) ?? null })
        stops.delete(index)
        this.#end(work as LiveSample)
      },
      onProgress: () => {
        if (events.length > 0) send(events)
        events = []
      },
    }
  }

  #end(ended: LiveSample): void {
    const others = this.#byKey.get(ended.key)?.filter((work) => work !== ended) ?? []
    if (others.length === 0) this.#byKey.delete(ended.key)
    else this.#byKey.set(ended.key, others)
  }
}

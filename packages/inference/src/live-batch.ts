import { CemError } from '@cem/core'
import type { Engine, LiveCall } from './engine/engine.ts'
import type { LiveEvent, LiveRequest, LiveSpec } from './engine/messages.ts'
import type { BatchEvent, BatchRequest } from './model-api.ts'

/** A request as the engine takes it, and which samples it asks for. */
export interface PreparedRequest {
  readonly request: Omit<LiveRequest, 'key'>
  readonly samples: readonly number[]
}

/** What a request waits for. */
interface Pending {
  readonly events: LiveEvent[]
  /** Samples that were ended here. */
  readonly stopped: Set<number>
  /** Whether the sample ends with this token. */
  readonly isEnd: (sample: number, tokenId: number) => boolean
  readonly wake: () => void
}

/**
 * A batch that requests join while others run, and that gives tokens as they are sampled. Made by `Model.openBatch`; while it is
 * open, every other call of the model waits.
 */
export class LiveBatch implements AsyncDisposable {
  readonly #call: LiveCall
  readonly #prepare: (request: BatchRequest) => PreparedRequest
  readonly #pending = new Map<number, Pending>()
  readonly #end = new AbortController()
  #nextKey = 1
  /** Takes no more requests. */
  #isClosed = false
  /** Gives no more events. */
  #isEnded = false

  /** Use `Model.openBatch`. */
  constructor(
    engine: Engine,
    spec: LiveSpec,
    prepare: (request: BatchRequest) => PreparedRequest,
    signal: AbortSignal | undefined,
  ) {
    this.#prepare = prepare
    const either =
      signal === undefined ? this.#end.signal : AbortSignal.any([signal, this.#end.signal])
    this.#call = engine.live(spec, (events) => this.#receive(events), either)
    const end = () => {
      this.#isEnded = true
      for (const { wake } of this.#pending.values()) wake()
    }
    this.#call.done.then(end, end)
  }

  /**
   * Adds a request to the batch, and gives its tokens as they are sampled and an end for each sample. Stopping early, by leaving
   * the loop or by the request's own signal, frees its places at once; the others go on. A sample is the same to the bit as
   * the one of `Model.generate` with the same seed, prompt id, paraphrase and index, whatever else runs.
   *
   * @throws CemError `invalid-request`, `sequence-too-long`, `batch-closed` (here, and not in the loop); in the loop
   *   `activations-not-finite`, `engine-died`, and `signal.reason`
   */
  submit(request: BatchRequest): AsyncGenerator<BatchEvent, void> {
    const { signal, stopWhen = () => false } = request
    signal?.throwIfAborted()
    if (this.#isClosed) throw closed()
    const { request: prepared, samples } = this.#prepare(request)
    const key = this.#nextKey++
    let wake: () => void = () => undefined
    const isEnd = (at: number, tokenId: number) => stopWhen(samples[at] as number, tokenId)
    const pending: Pending = { events: [], stopped: new Set(), isEnd, wake: () => wake() }
    this.#pending.set(key, pending)
    this.#call.push({ ...prepared, key })
    const next = () =>
      new Promise<void>((resolve) => {
        wake = resolve
        if (pending.events.length > 0 || this.#isEnded || signal?.aborted === true) resolve()
      })
    return this.#events(key, pending, samples, next, signal)
  }

  async *#events(
    key: number,
    { events, wake }: Pending,
    samples: readonly number[],
    next: () => Promise<void>,
    signal: AbortSignal | undefined,
  ): AsyncGenerator<BatchEvent, void> {
    let nOpen = samples.length
    signal?.addEventListener('abort', wake, { once: true })
    try {
      while (nOpen > 0) {
        await next()
        signal?.throwIfAborted()
        const event = events.shift()
        // What arrived before the batch ended is given out first; then the call's own error says why it did.
        if (event === undefined) {
          await this.#call.done
          throw closed()
        }
        const { key: _, ...own } = event
        if (event.type === 'end') nOpen -= 1
        yield { ...own, sample: samples[event.sample] as number }
      }
    } finally {
      signal?.removeEventListener('abort', wake)
      this.#pending.delete(key)
      if (nOpen > 0) this.#call.cancel(key)
    }
  }

  /** Whether it runs no more: it was closed or disposed of, or it failed. */
  get isEnded(): boolean {
    return this.#isEnded
  }

  /** Takes no more requests, and waits until those that are there are done. */
  async close(): Promise<void> {
    this.#isClosed = true
    this.#call.close()
    await this.#call.done
  }

  /** Ends it at once; what still runs is cut off. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosed = true
    this.#end.abort(closed())
    await this.#call.done.catch(() => undefined)
  }

  #receive(events: readonly LiveEvent[]): void {
    for (const event of events) {
      const pending = this.#pending.get(event.key)
      if (pending === undefined || pending.stopped.has(event.sample)) continue
      pending.events.push(event)
      if (event.type === 'token' && pending.isEnd(event.sample, event.tokenId))
        this.#stop(pending, event)
      pending.wake()
    }
  }

  #stop({ events, stopped }: Pending, { key, sample }: LiveEvent): void {
    stopped.add(sample)
    events.push({ type: 'end', key, sample, finishReason: 'stop', stop: null })
    this.#call.cancel(key, sample)
  }
}

function closed(): CemError {
  return new CemError({
    code: 'batch-closed',
    message: 'The batch was closed, and takes no more requests. Open another one.',
  })
}

import { CemError } from '@cem/core'
import type {
  BatchEvent,
  BatchRequest,
  LiveBatch,
  Model,
  ScoredSequence,
  ScoreSequence,
} from '@cem/inference'
import type { ServedModel } from './served-models.ts'

export interface SchedulerOptions {
  readonly model: Model
  /** Samples in progress at once. */
  readonly batchSize: number
}

/** Work that waits for its turn. Work of one group can run side by side; groups take turns. */
interface Job {
  readonly served: ServedModel
  readonly group: string
  readonly nSamples: number
  readonly signal: AbortSignal
  /** Runs it; `batch` is there for work that samples. Never rejects. */
  readonly run: (batch: LiveBatch | undefined) => Promise<void>
  readonly fail: (error: unknown) => void
}

/**
 * Shares one engine among requests for several compositions. A turn serves one group: all that samples from one composition, in
 * one batch that requests join while it runs, or all that is scored under one. While others wait, a turn takes no more than
 * one batch of samples, then the next group has its turn, round robin: nobody waits for more than a batch of each other group.
 */
export class Scheduler implements AsyncDisposable {
  readonly #model: Model
  readonly #batchSize: number
  /** By group, in the order of their turns. */
  readonly #queues = new Map<string, Job[]>()
  readonly #end = new AbortController()
  readonly #loop: Promise<void>
  #wake: () => void = () => undefined
  #active: ServedModel | undefined
  #failure: CemError | undefined

  constructor({ model, batchSize }: SchedulerOptions) {
    this.#model = model
    this.#batchSize = batchSize
    this.#loop = this.#run()
  }

  /** Requests that wait for their turn. */
  get nWaiting(): number {
    let n = 0
    for (const jobs of this.#queues.values()) n += jobs.length
    return n
  }

  /** What ended the engine, where it did. */
  get failure(): CemError | undefined {
    return this.#failure
  }

  /** Samples answers; events come as tokens are sampled. Leaving the loop frees the request's places. */
  generate(
    served: ServedModel,
    request: BatchRequest,
    nSamples: number,
    signal: AbortSignal,
  ): AsyncGenerator<BatchEvent, void> {
    return this.#enqueue<BatchEvent>(served, 'generate', nSamples, signal, (batch, own) =>
      // A batch is open in every turn of this group.
      (batch as LiveBatch).submit({ ...request, signal: own }),
    )
  }

  /** Scores given tokens under a composition. */
  score(
    served: ServedModel,
    sequences: readonly ScoreSequence[],
    signal: AbortSignal,
  ): AsyncGenerator<ScoredSequence, void> {
    return this.#enqueue<ScoredSequence>(served, 'score', sequences.length, signal, (_, own) =>
      this.#model.score({ sequences, layers: [], signal: own }),
    )
  }

  /** Ends at once; what waits or runs gets an error. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#end.abort(new Error('the server is stopping'))
    this.#wake()
    await this.#loop
  }

  /** Queues work now; what it gives is kept until it is asked for, so that a slow reader keeps nobody waiting. */
  #enqueue<Item>(
    served: ServedModel,
    kind: 'generate' | 'score',
    nSamples: number,
    given: AbortSignal,
    start: (batch: LiveBatch | undefined, signal: AbortSignal) => AsyncIterable<Item>,
  ): AsyncGenerator<Item, void> {
    const left = new AbortController()
    const signal = AbortSignal.any([given, left.signal, this.#end.signal])
    const output = new Output<Item>()
    const job: Job = {
      served,
      group: groupOf(served, kind),
      nSamples,
      signal,
      fail: (error) => output.end(error),
      run: async (batch) => {
        try {
          for await (const item of start(batch, signal)) output.push(item)
          output.end()
        } catch (error) {
          this.#note(error)
          output.end(error)
        }
      },
    }
    const remove = () => this.#remove(job)
    signal.addEventListener('abort', remove, { once: true })
    const queue = this.#queues.get(job.group)
    if (signal.aborted) job.fail(signal.reason)
    else if (queue === undefined) this.#queues.set(job.group, [job])
    else queue.push(job)
    this.#wake()
    return output.read(() => {
      signal.removeEventListener('abort', remove)
      left.abort(new Error('nobody reads the answer any more'))
      remove()
    })
  }

  #remove(job: Job): void {
    const queue = this.#queues.get(job.group)
    const at = queue?.indexOf(job) ?? -1
    if (at === -1) return
    queue?.splice(at, 1)
    if (queue?.length === 0) this.#queues.delete(job.group)
    job.fail(job.signal.reason)
    this.#wake()
  }

  async #run(): Promise<void> {
    while (!this.#end.signal.aborted) {
      const [first] = this.#queues
      if (first === undefined) await this.#change()
      else {
        const [group, jobs] = first
        await this.#turn(group, (jobs[0] as Job).served)
        this.#toTheEnd(group)
      }
    }
  }

  async #turn(group: string, served: ServedModel): Promise<void> {
    try {
      if (this.#active !== served) {
        this.#active = undefined
        await this.#model.activate(served.composition, this.#end.signal)
        this.#active = served
      }
      if (group === groupOf(served, 'score')) return await this.#serve(group, undefined)
      await using batch = await this.#model.openBatch({ batchSize: this.#batchSize })
      await this.#serve(group, batch)
    } catch (error) {
      this.#note(error)
      const jobs = this.#queues.get(group) ?? []
      this.#queues.delete(group)
      for (const job of jobs) job.fail(error)
    }
  }

  /** Takes jobs of the group until there are none, or its share is used up while others wait; waits until they are done. */
  async #serve(group: string, batch: LiveBatch | undefined): Promise<void> {
    const running = new Map<Job, Promise<void>>()
    const turn = { nTaken: 0, nRunning: 0 }
    for (;;) {
      // A batch that failed is not used again: the next turn opens another.
      const next = () => (batch?.isEnded === true ? undefined : this.#next(group, turn))
      for (let job = next(); job !== undefined; job = next()) {
        const taken = job
        turn.nTaken += taken.nSamples
        turn.nRunning += taken.nSamples
        const done = taken.run(batch).then(() => {
          turn.nRunning -= taken.nSamples
          running.delete(taken)
        })
        running.set(taken, done)
      }
      if (running.size === 0) return
      await Promise.race([...running.values(), this.#change()])
    }
  }

  #next(
    group: string,
    { nTaken, nRunning }: { readonly nTaken: number; readonly nRunning: number },
  ): Job | undefined {
    const queue = this.#queues.get(group)
    const job = queue?.[0]
    if (queue === undefined || job === undefined) return undefined
    const isShared = this.#queues.size > 1
    // Somewhat more than a batch is handed over, so that a place that falls free is taken at once.
    const isFull = isShared
      ? nTaken > 0 && nTaken + job.nSamples > this.#batchSize
      : nRunning > 0 && nRunning + job.nSamples > 2 * this.#batchSize
    if (isFull) return undefined
    queue.shift()
    if (queue.length === 0) this.#queues.delete(group)
    return job
  }

  #note(error: unknown): void {
    if (CemError.isInstance(error) && error.code === 'engine-died') this.#failure = error
  }

  /** What is left of a group waits behind the others. */
  #toTheEnd(group: string): void {
    const jobs = this.#queues.get(group)
    if (jobs === undefined) return
    this.#queues.delete(group)
    this.#queues.set(group, jobs)
  }

  #change(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve
    })
  }
}

/** What may run side by side: the one place that says so. */
function groupOf(served: ServedModel, kind: 'generate' | 'score'): string {
  return `${kind}:${served.name}`
}

/** Items on their way from the engine to a reader. */
class Output<Item> {
  readonly #items: Item[] = []
  #end: { readonly error: unknown } | undefined
  #wake: () => void = () => undefined

  push(item: Item): void {
    this.#items.push(item)
    this.#wake()
  }

  end(error?: unknown): void {
    this.#end ??= { error }
    this.#wake()
  }

  async *read(leave: () => void): AsyncGenerator<Item, void> {
    try {
      for (;;) {
        for (let item = this.#items.shift(); item !== undefined; item = this.#items.shift())
          yield item
        if (this.#end !== undefined) {
          if (this.#end.error !== undefined) throw this.#end.error
          return
        }
        await new Promise<void>((resolve) => {
          this.#wake = resolve
        })
      }
    } finally {
      leave()
    }
  }
}

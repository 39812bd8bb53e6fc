// The child process that holds the runtime: it blocks its thread, and may die natively without taking the app along.
import { CemError, messageOf } from '@cem/core'
import { DecoderSession } from './decoder-session.ts'
import { generate } from './generate.ts'
import { merge } from './merge.ts'
import { mergeInto } from './merge-into.ts'
import type {
  AdapterSpec,
  EngineMethod,
  EngineMethods,
  FromEngine,
  GenerationSpec,
  MemoryReport,
  MergeIntoSpec,
  MergeSpec,
  ModelSpec,
  Progress,
  ScoreSpec,
  ToEngine,
} from './messages.ts'
import { PooledSums } from './pooled-sums.ts'
import { describeRuntime } from './runtime.ts'
import { score } from './score.ts'

/** Items sent ahead of what the consumer took. */
const maxAhead = 32
/** Shortest time between two progress messages. */
const progressIntervalInMs = 100

/** A call that is running: how far its consumer is behind, and what stops it. */
class Call {
  readonly id: number
  readonly abort = new AbortController()
  #ahead = 0
  #wake: (() => void) | undefined
  #lastProgress = 0

  constructor(id: number) {
    this.id = id
  }

  readonly hooks = {
    signal: this.abort.signal,
    onItem: async (item: unknown) => {
      send({ type: 'item', id: this.id, item })
      this.#ahead += 1
      while (this.#ahead >= maxAhead && !this.abort.signal.aborted)
        await new Promise<void>((resolve) => {
          this.#wake = resolve
        })
    },
    onProgress: (progress: Progress) => {
      const now = performance.now()
      const isEnd = progress.nDone === progress.nTotal
      if (now - this.#lastProgress < progressIntervalInMs && !isEnd) return
      this.#lastProgress = now
      send({ type: 'progress', id: this.id, progress })
    },
  }

  taken(count: number): void {
    this.#ahead -= count
    this.#wake?.()
  }

  stop(): void {
    this.abort.abort()
    this.#wake?.()
  }
}

let session: DecoderSession | undefined
let threads = 1
const calls = new Map<number, Call>()

const methods: {
  [M in EngineMethod]: (
    params: EngineMethods[M]['params'],
    call: Call,
  ) => Promise<EngineMethods[M]['result']>
} = {
  load: async (spec: ModelSpec) => {
    const start = performance.now()
    await session?.[Symbol.asyncDispose]()
    session = undefined
    threads = spec.threads
    session = await DecoderSession.open(spec, new PooledSums(spec.architecture, 0))
    return { durationInMs: performance.now() - start }
  },
  loadAdapter: async (spec: AdapterSpec) => {
    const { isUntrained } = loaded().adapters.load(spec)
    return { isUntrained }
  },
  select: async ({ adapters }) => {
    loaded().adapters.select(adapters)
    return null
  },
  merge: async (spec: MergeSpec) => merge(spec, threads),
  mergeInto: async (spec: MergeIntoSpec, call) => {
    await mergeInto(spec, call.hooks)
    return null
  },
  generate: async (spec: GenerationSpec, call) => {
    await generate(loaded(), spec, call.hooks)
    return null
  },
  score: async (spec: ScoreSpec, call) => {
    await score(loaded(), spec, call.hooks)
    return null
  },
  runtimeInfo: async () => describeRuntime(),
  memory: async () => memory(),
}

function loaded(): DecoderSession {
  if (session === undefined)
    throw new CemError({ code: 'model-not-loaded', message: 'No model is loaded.' })
  return session
}

function memory(): MemoryReport {
  const rssBytes = process.memoryUsage.rss()
  return { rssBytes, peakRssBytes: process.resourceUsage().maxRSS * 1024 }
}

async function handle(message: ToEngine): Promise<void> {
  const { id } = message
  if (message.type === 'taken') calls.get(id)?.taken(message.count)
  else if (message.type === 'abort') calls.get(id)?.stop()
  else {
    const call = new Call(id)
    calls.set(id, call)
    try {
      const method = methods[message.method] as (params: unknown, call: Call) => Promise<unknown>
      send({ type: 'result', id, result: await method(message.params, call) })
    } catch (error) {
      const known = CemError.isInstance(error)
        ? error
        : new CemError({ code: 'engine-failed', message: messageOf(error) })
      send({ type: 'error', id, error: known.toJSON() })
    } finally {
      calls.delete(id)
    }
  }
}

function send(message: FromEngine): void {
  process.send?.(message)
}

/** One call at a time: the session is one, and a call's runs must not mix with another's. */
let queue = Promise.resolve()
process.on('message', (message: ToEngine) => {
  if (message.type === 'call') queue = queue.then(() => handle(message))
  else void handle(message)
})
// The parent decides when to stop (Ctrl-C reaches the whole process group); when it is gone, so is this process.
process.on('SIGINT', () => undefined)
process.on('SIGTERM', () => undefined)
process.on('disconnect', () => process.exit(0))

// The child process that holds the runtime: it blocks its thread, and may die natively without taking the app along.
import { CemError, messageOf } from '@cem/core'
import { DecoderSession } from './decoder-session.ts'
import { Generation, generate } from './generate.ts'
import { LiveQueue } from './live-queue.ts'
import { merge } from './merge.ts'
import { mergeInto } from './merge-into.ts'
import type {
  AdapterSpec,
  EngineMethod,
  EngineMethods,
  FromEngine,
  GenerationSpec,
  LiveEvent,
  LiveSpec,
  MemoryReport,
  MergeIntoSpec,
  MergeSpec,
  ModelSpec,
  Progress,
  QuantizeSpec,
  ScoreSpec,
  ToEngine,
} from './messages.ts'
import { probe } from './probe.ts'
import { quantize } from './quantize.ts'
import { describeRuntime } from './runtime.ts'
import { score } from './score.ts'
import { generateInWaves } from './wave/generate-in-waves.ts'
import { refuse } from './wave/wave-refusal.ts'
import { WaveSession } from './wave/wave-session.ts'

/** Items sent ahead of what the consumer took. */
const maxAhead = 32
/** Shortest time between two progress messages. */
const progressIntervalInMs = 100

/** A call that is running: how far its consumer is behind, and what stops it. */
class Call {
  readonly id: number
  readonly abort = new AbortController()
  /** Requests of a `generateLive` call, which may come before it begins. */
  readonly requests = new LiveQueue()
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

  /** An item that nothing waits for. */
  give(item: unknown): void {
    send({ type: 'item', id: this.id, item })
  }

  taken(count: number): void {
    this.#ahead -= count
    this.#wake?.()
  }

  stop(): void {
    this.abort.abort()
    this.requests.close()
    this.#wake?.()
  }
}

let session: DecoderSession | WaveSession | undefined
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
    session =
      spec.provider === 'cuda' ? await WaveSession.open(spec) : await DecoderSession.open(spec)
    const { attention, hostNodes } = session
    const plainLayers = [...attention.plainLayers]
    const { maxColumns } = attention
    return { durationInMs: performance.now() - start, plainLayers, maxColumns, hostNodes }
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
  quantize: async (spec: QuantizeSpec, call) => {
    await quantize(spec, call.abort.signal)
    return null
  },
  generate: async (spec: GenerationSpec, call) => {
    const model = loaded()
    await (model instanceof WaveSession
      ? generateInWaves(model, spec, call.hooks)
      : generate(model, spec, call.hooks))
    return null
  },
  generateLive: async (spec: LiveSpec, call) => {
    const { requests, abort } = call
    const give = (events: readonly LiveEvent[]) => call.give(events)
    const hooks = requests.hooks(abort.signal, give)
    const plain = { capture: null, lanes: null, interventions: null, truncation: null }
    const model = loaded()
    if (model instanceof WaveSession) {
      refuse({ 'open batches': true })
      return null
    }
    await new Generation(model, requests, { ...spec, ...plain }, hooks).run()
    abort.signal.throwIfAborted()
    return null
  },
  score: async (spec: ScoreSpec, call) => {
    const model = loaded()
    await score(model, spec, call.hooks)
    return null
  },
  runtimeInfo: async () => describeRuntime(),
  probe: async ({ provider }) => probe(provider),
  memory: async () => memory(),
}

function loaded(): DecoderSession | WaveSession {
  if (session === undefined)
    throw new CemError({ code: 'model-not-loaded', message: 'No model is loaded.' })
  return session
}

function memory(): MemoryReport {
  const rssBytes = process.memoryUsage.rss()
  return { rssBytes, peakRssBytes: process.resourceUsage().maxRSS * 1024 }
}

async function run({ id, method, params }: ToEngine & { type: 'call' }, call: Call) {
  try {
    call.abort.signal.throwIfAborted()
    const work = methods[method] as (params: unknown, call: Call) => Promise<unknown>
    send({ type: 'result', id, result: await work(params, call) })
  } catch (error) {
    const known = CemError.isInstance(error)
      ? error
      : new CemError({ code: 'engine-failed', message: messageOf(error) })
    send({ type: 'error', id, error: known.toJSON() })
  } finally {
    calls.delete(id)
  }
}

/** What is said to a call that waits or runs. */
function tell(call: Call, message: Exclude<ToEngine, { type: 'call' }>): void {
  if (message.type === 'taken') call.taken(message.count)
  else if (message.type === 'abort') call.stop()
  else if (message.type === 'push') call.requests.push(message.request)
  else if (message.type === 'cancel') call.requests.cancel(message.key, message.sample)
  else call.requests.close()
}

function send(message: FromEngine): void {
  process.send?.(message)
}

/** One call at a time: the session is one, and a call's runs must not mix with another's. */
let queue = Promise.resolve()
process.on('message', (message: ToEngine) => {
  if (message.type === 'call') {
    const call = new Call(message.id)
    calls.set(message.id, call)
    queue = queue.then(() => run(message, call))
  } else {
    const call = calls.get(message.id)
    if (call !== undefined) tell(call, message)
  }
})
// The parent decides when to stop (Ctrl-C reaches the whole process group); when it is gone, so is this process.
process.on('SIGINT', () => undefined)
process.on('SIGTERM', () => undefined)
process.on('disconnect', () => process.exit(0))

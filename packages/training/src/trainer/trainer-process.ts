// The child process that trains: the runtime blocks its thread, and may die natively without taking the app along.
import { CemError, messageOf } from '@cem/core'
import type { FromProcess, ToProcess } from '@cem/inference/graph'
import type { TrainerMethods } from './trainer-messages.ts'
import { TrainingSession } from './training-session.ts'

let session: TrainingSession | undefined

const methods: {
  [M in keyof TrainerMethods]: (
    params: TrainerMethods[M]['params'],
    signal: AbortSignal,
  ) => Promise<TrainerMethods[M]['result']>
} = {
  open: async (spec) => {
    session = await TrainingSession.open(spec)
    return session.device
  },
  step: ({ microBatches, learningRate }, signal) =>
    opened().step(microBatches, learningRate, signal),
  evaluate: ({ microBatches }, signal) => opened().evaluate(microBatches, signal),
  tokenLogprobs: ({ sequences }, signal) => opened().tokenLogprobs(sequences, signal),
  readState: async () => opened().readState(),
  restore: async (state) => {
    opened().restore(state)
    return null
  },
  memory: async () => ({
    rssBytes: process.memoryUsage.rss(),
    peakRssBytes: process.resourceUsage().maxRSS * 1024,
  }),
}

function opened(): TrainingSession {
  if (session === undefined)
    throw new CemError({ code: 'trainer-not-open', message: 'No trainer is open.' })
  return session
}

async function run(id: number, method: string, params: unknown, signal: AbortSignal) {
  try {
    signal.throwIfAborted()
    const work = methods[method as keyof TrainerMethods] as (
      params: unknown,
      signal: AbortSignal,
    ) => Promise<unknown>
    send({ type: 'result', id, result: await work(params, signal) })
  } catch (error) {
    const known = CemError.isInstance(error)
      ? error
      : new CemError({ code: 'training-failed', message: messageOf(error) })
    send({ type: 'error', id, error: known.toJSON() })
  } finally {
    aborts.delete(id)
  }
}

function send(message: FromProcess): void {
  process.send?.(message)
}

const aborts = new Map<number, AbortController>()
/** One call at a time: each works on the same parameters. */
let queue = Promise.resolve()
process.on('message', (message: ToProcess) => {
  if (message.type === 'call') {
    const abort = new AbortController()
    aborts.set(message.id, abort)
    queue = queue.then(() => run(message.id, message.method, message.params, abort.signal))
  } else if (message.type === 'abort') aborts.get(message.id)?.abort()
})
// The parent decides when to stop; when it is gone, so is this process.
process.on('SIGINT', () => undefined)
process.on('SIGTERM', () => undefined)
process.on('disconnect', () => process.exit(0))

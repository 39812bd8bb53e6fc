import { availableParallelism } from 'node:os'
import { fileURLToPath } from 'node:url'
import {
  type CallOptions as AnyCallOptions,
  type StreamOptions as AnyStreamOptions,
  ChildCalls,
} from './child-calls.ts'
import type { EngineMethod, EngineMethods, LiveEvent, LiveRequest, LiveSpec } from './messages.ts'
import { PlacementLog } from './placement.ts'

export type CallOptions<M extends EngineMethod> = AnyCallOptions<EngineMethods, M>
export type StreamOptions<M extends EngineMethod> = AnyStreamOptions<EngineMethods, M>

/** A `generateLive` call that runs. */
export interface LiveCall {
  push(request: LiveRequest): void
  /** Without a sample: the whole request. */
  cancel(key: number, sample?: number): void
  /** No more requests: the call ends when those that are there are done. */
  close(): void
  /** Settles when the call has ended. */
  readonly done: Promise<null>
}

/** The engine's process as seen from the parent. */
export class Engine extends ChildCalls<EngineMethods> {
  /** Where the runtime placed the nodes of the session that was loaded last, if it was asked to tell. */
  readonly placementLog: PlacementLog

  /** @param environment variables that the process has beside this one's */
  constructor(environment: Readonly<Record<string, string>> = {}) {
    const isSource = import.meta.url.endsWith('.ts')
    const program = fileURLToPath(
      new URL(isSource ? './engine-process.ts' : './engine-process.js', import.meta.url),
    )
    const placementLog = new PlacementLog()
    super(program, {
      environment,
      onError: (text) => placementLog.read(text),
      onErrorEnd: () => placementLog.end(),
    })
    this.placementLog = placementLog
  }

  /** How many threads the runtime gets unless it is told. */
  static defaultThreads(): number {
    return availableParallelism()
  }

  /** Starts a batch that requests join and leave; `onEvents` gets what happened in each step. */
  live(
    spec: LiveSpec,
    onEvents: (events: readonly LiveEvent[]) => void,
    signal?: AbortSignal,
  ): LiveCall {
    const id = this.nextId()
    return {
      done: this.callAs(id, 'generateLive', spec, { signal, onItem: onEvents }),
      push: (request) => this.send({ type: 'push', id, request }),
      cancel: (key, sample) => this.send({ type: 'cancel', id, key, sample: sample ?? null }),
      close: () => this.send({ type: 'close', id }),
    }
  }
}

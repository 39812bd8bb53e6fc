import { type ChildProcess, fork } from 'node:child_process'
import { availableParallelism } from 'node:os'
import { fileURLToPath } from 'node:url'
import { CemError } from '@cem/core'
import { describeExit, engineDied } from './engine-death.ts'
import type {
  EngineMethod,
  EngineMethods,
  FromEngine,
  LiveEvent,
  LiveRequest,
  LiveSpec,
  Progress,
  ToEngine,
} from './messages.ts'
import { PlacementLog } from './placement.ts'

interface Pending {
  readonly onItem: (item: unknown) => void
  readonly onProgress: (progress: Progress) => void
  readonly resolve: (result: unknown) => void
  readonly reject: (error: unknown) => void
}

export interface CallOptions<M extends EngineMethod> {
  readonly signal?: AbortSignal | undefined
  readonly onProgress?: ((progress: Progress) => void) | undefined
  readonly onItem?: (item: EngineMethods[M]['item']) => void
}

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

export interface StreamOptions<M extends EngineMethod>
  extends Pick<CallOptions<M>, 'signal' | 'onProgress'> {
  /** What has to be known before any item is given out. @default nothing */
  readonly settled?: Promise<unknown>
}

/** How much of the child's last words are kept for the error that reports its death. */
const stderrChars = 2000

/**
 * The engine's process as seen from the parent. A crash of the runtime, or the system's out-of-memory killer, ends the child;
 * every call that was running then gets one error that says so.
 */
export class Engine implements AsyncDisposable {
  readonly #child: ChildProcess
  readonly #pending = new Map<number, Pending>()
  #nextId = 1
  #stderr = ''
  /** Where the runtime placed the nodes of the session that was loaded last, if it was asked to tell. */
  readonly placementLog = new PlacementLog()
  #death: CemError | undefined

  /** @param environment variables that the process has beside this one's */
  constructor(environment: Readonly<Record<string, string>> = {}) {
    const isSource = import.meta.url.endsWith('.ts')
    const path = fileURLToPath(
      new URL(isSource ? './engine-process.ts' : './engine-process.js', import.meta.url),
    )
    this.#child = fork(path, {
      serialization: 'advanced',
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
      execArgv: [],
      env: { ...process.env, ...environment },
    })
    this.#child.stderr?.on('data', (chunk: Buffer) => {
      const words = this.placementLog.read(chunk.toString('utf8'))
      this.#stderr = (this.#stderr + words).slice(-stderrChars)
    })
    this.#child.on('message', (message: FromEngine) => this.#receive(message))
    this.#child.on('error', (error) =>
      this.#die(engineDied(`could not start: ${error.message}`, this.#stderr)),
    )
    this.#child.on('close', (code, signal) => {
      this.#stderr += this.placementLog.end()
      this.#die(engineDied(describeExit(code, signal), this.#stderr, signal))
    })
  }

  /** How many threads the runtime gets unless it is told. */
  static defaultThreads(): number {
    return availableParallelism()
  }

  /** What the process wrote to its standard error last. */
  get lastWords(): string {
    return this.#stderr
  }

  get processId(): number | undefined {
    return this.#child.pid
  }

  /**
   * Calls a method of the engine.
   *
   * @throws CemError `engine-died` when the process ends meanwhile; what the method throws; `signal.reason`
   */
  async call<M extends EngineMethod>(
    method: M,
    params: EngineMethods[M]['params'],
    options: CallOptions<M> = {},
  ): Promise<EngineMethods[M]['result']> {
    return this.#call(this.#nextId++, method, params, options)
  }

  async #call<M extends EngineMethod>(
    id: number,
    method: M,
    params: EngineMethods[M]['params'],
    { signal, onProgress = () => undefined, onItem = () => undefined }: CallOptions<M>,
  ): Promise<EngineMethods[M]['result']> {
    signal?.throwIfAborted()
    if (this.#death !== undefined) throw this.#death
    const abort = () => this.#send({ type: 'abort', id })
    signal?.addEventListener('abort', abort, { once: true })
    try {
      return await new Promise<EngineMethods[M]['result']>((resolve, reject) => {
        this.#pending.set(id, {
          onItem: (item) => onItem(item as EngineMethods[M]['item']),
          onProgress,
          resolve: (result) => resolve(result as EngineMethods[M]['result']),
          reject,
        })
        this.#send({ type: 'call', id, method, params })
      })
    } catch (error) {
      if (signal?.aborted === true) throw signal.reason
      throw error
    } finally {
      signal?.removeEventListener('abort', abort)
      this.#pending.delete(id)
    }
  }

  /**
   * Calls a method that gives items, and gives them as they come, none before `settled` is; stopping early, or a failure of
   * `settled`, aborts the call.
   */
  async *stream<M extends EngineMethod>(
    method: M,
    params: EngineMethods[M]['params'],
    { signal, onProgress, settled }: StreamOptions<M> = {},
  ): AsyncGenerator<EngineMethods[M]['item'], void> {
    const stop = new AbortController()
    const either = signal === undefined ? stop.signal : AbortSignal.any([signal, stop.signal])
    const items: EngineMethods[M]['item'][] = []
    let wake: () => void = () => undefined
    let isDone = false
    const id = this.#nextId++
    const call = this.#call(id, method, params, {
      signal: either,
      onProgress,
      onItem: (item) => {
        items.push(item)
        wake()
      },
    }).finally(() => {
      isDone = true
      wake()
    })
    // Awaited below; until then a rejection must not count as unhandled.
    call.catch(() => undefined)
    try {
      await settled
      for (;;) {
        for (let item = items.shift(); item !== undefined; item = items.shift()) {
          yield item
          this.#send({ type: 'taken', id, count: 1 })
        }
        if (isDone) break
        await new Promise<void>((resolve) => {
          wake = resolve
          if (isDone || items.length > 0) resolve()
        })
      }
      await call
    } finally {
      stop.abort()
      await call.catch(() => undefined)
    }
  }

  /** Starts a batch that requests join and leave; `onEvents` gets what happened in each step. */
  live(
    spec: LiveSpec,
    onEvents: (events: readonly LiveEvent[]) => void,
    signal?: AbortSignal,
  ): LiveCall {
    const id = this.#nextId++
    return {
      done: this.#call(id, 'generateLive', spec, { signal, onItem: onEvents }),
      push: (request) => this.#send({ type: 'push', id, request }),
      cancel: (key, sample) => this.#send({ type: 'cancel', id, key, sample: sample ?? null }),
      close: () => this.#send({ type: 'close', id }),
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return
    this.#death = new CemError({ code: 'engine-disposed', message: 'The engine was disposed of.' })
    await new Promise<void>((resolve) => {
      this.#child.once('close', () => resolve())
      // A child that is inside a long run would only see the closed channel after it.
      this.#child.kill('SIGKILL')
    })
  }

  #send(message: ToEngine): void {
    // A closed channel is reported by the close event.
    if (this.#child.connected) this.#child.send(message, () => undefined)
  }

  #receive(message: FromEngine): void {
    const pending = this.#pending.get(message.id)
    if (pending === undefined) return
    if (message.type === 'item') pending.onItem(message.item)
    else if (message.type === 'progress') pending.onProgress(message.progress)
    else if (message.type === 'result') pending.resolve(message.result)
    else pending.reject(CemError.fromJSON(message.error))
  }

  #die(error: CemError): void {
    this.#death ??= error
    for (const pending of this.#pending.values()) pending.reject(this.#death)
  }
}

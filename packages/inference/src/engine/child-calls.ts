import { type ChildProcess, fork } from 'node:child_process'
import { CemError, type SerializedError } from '@cem/core'
import { describeExit, engineDied } from './engine-death.ts'

/** What a process can be asked: each method's parameters, the items that it streams, and its result. */
export type Methods<Table> = {
  [M in keyof Table]: { params: unknown; item: unknown; result: unknown }
}

interface Pending {
  readonly onItem: (item: unknown) => void
  readonly onProgress: (progress: Progress) => void
  readonly resolve: (result: unknown) => void
  readonly reject: (error: unknown) => void
}

export interface Progress {
  readonly nTokens: number
  readonly nDone: number
  readonly nTotal: number
}

export interface CallOptions<Table extends Methods<Table>, M extends keyof Table> {
  readonly signal?: AbortSignal | undefined
  /** Called as tokens are computed. */
  readonly onProgress?: ((progress: Progress) => void) | undefined
  /** Called with each item of a method that gives items. */
  readonly onItem?: (item: Table[M]['item']) => void
}

export interface StreamOptions<Table extends Methods<Table>, M extends keyof Table>
  extends Pick<CallOptions<Table, M>, 'signal' | 'onProgress'> {
  /** What has to be known before any item is given out. @default nothing */
  readonly settled?: Promise<unknown>
}

/** What every such process understands; a program may know more. */
export type ToProcess =
  | {
      readonly type: 'call'
      readonly id: number
      readonly method: string
      readonly params: unknown
    }
  /** The consumer took this many items: the process keeps only so many ahead. */
  | { readonly type: 'taken'; readonly id: number; readonly count: number }
  | { readonly type: 'abort'; readonly id: number }

export type FromProcess =
  | { readonly type: 'item'; readonly id: number; readonly item: unknown }
  | { readonly type: 'progress'; readonly id: number; readonly progress: Progress }
  | { readonly type: 'result'; readonly id: number; readonly result: unknown }
  | { readonly type: 'error'; readonly id: number; readonly error: SerializedError }

export interface ProcessOptions {
  /** Variables that the process has beside this one's. @default none */
  readonly environment?: Readonly<Record<string, string>>
  /** Reads what the process writes to its standard error, and gives back what is to be kept for a report of its death. */
  readonly onError?: (text: string) => string
  /** What was held back of that, when the process has ended. */
  readonly onErrorEnd?: () => string
}

/** How much of the child's last words are kept for the error that reports its death. */
const stderrChars = 2000

/**
 * A child process that answers calls, as seen from the parent. A crash of the runtime inside it, or the system's out-of-memory
 * killer, ends the child; every call that was running then gets one error that says so.
 */
export class ChildCalls<Table extends Methods<Table>> implements AsyncDisposable {
  readonly #child: ChildProcess
  readonly #pending = new Map<number, Pending>()
  #nextId = 1
  #stderr = ''
  #death: CemError | undefined

  /** @param program the file that the process runs */
  constructor(
    program: string,
    { environment = {}, onError = (text) => text, onErrorEnd = () => '' }: ProcessOptions = {},
  ) {
    this.#child = fork(program, {
      serialization: 'advanced',
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
      execArgv: [],
      env: { ...process.env, ...environment },
    })
    this.#child.stderr?.on('data', (chunk: Buffer) => {
      const words = onError(chunk.toString('utf8'))
      this.#stderr = (this.#stderr + words).slice(-stderrChars)
    })
    this.#child.on('message', (message: FromProcess) => this.#receive(message))
    this.#child.on('error', (error) =>
      this.#die(engineDied(`could not start: ${error.message}`, this.#stderr)),
    )
    this.#child.on('close', (code, signal) => {
      this.#stderr += onErrorEnd()
      this.#die(engineDied(describeExit(code, signal), this.#stderr, signal))
    })
  }

  /** What the process wrote to its standard error last. */
  get lastWords(): string {
    return this.#stderr
  }

  get processId(): number | undefined {
    return this.#child.pid
  }

  /**
   * Calls a method of the process.
   *
   * @throws CemError `engine-died` when the process ends meanwhile; what the method throws; `signal.reason`
   */
  async call<M extends keyof Table & string>(
    method: M,
    params: Table[M]['params'],
    options: CallOptions<Table, M> = {},
  ): Promise<Table[M]['result']> {
    return this.callAs(this.nextId(), method, params, options)
  }

  /** The number of the next call, for `callAs`. */
  protected nextId(): number {
    return this.#nextId++
  }

  /** As `call`, under a number by `nextId` that the process may be told of in other messages. */
  protected async callAs<M extends keyof Table & string>(
    id: number,
    method: M,
    params: Table[M]['params'],
    { signal, onProgress = () => undefined, onItem = () => undefined }: CallOptions<Table, M>,
  ): Promise<Table[M]['result']> {
    signal?.throwIfAborted()
    if (this.#death !== undefined) throw this.#death
    const abort = () => this.send({ type: 'abort', id })
    signal?.addEventListener('abort', abort, { once: true })
    try {
      return await new Promise<Table[M]['result']>((resolve, reject) => {
        this.#pending.set(id, {
          onItem: (item) => onItem(item),
          onProgress,
          resolve: (result) => resolve(result),
          reject,
        })
        this.send({ type: 'call', id, method, params })
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
  async *stream<M extends keyof Table & string>(
    method: M,
    params: Table[M]['params'],
    { signal, onProgress, settled }: StreamOptions<Table, M> = {},
  ): AsyncGenerator<Table[M]['item'], void> {
    const stop = new AbortController()
    const either = signal === undefined ? stop.signal : AbortSignal.any([signal, stop.signal])
    const items: Table[M]['item'][] = []
    let wake: () => void = () => undefined
    let isDone = false
    const id = this.nextId()
    const call = this.callAs(id, method, params, {
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
          this.send({ type: 'taken', id, count: 1 })
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

  /** Ends the process; calls that are running get `engine-disposed`. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return
    this.#death = new CemError({ code: 'engine-disposed', message: 'The engine was disposed of.' })
    await new Promise<void>((resolve) => {
      this.#child.once('close', () => resolve())
      // A child that is inside a long run would only see the closed channel after it.
      this.#child.kill('SIGKILL')
    })
  }

  /** Sends a message to the process, or nothing where it has ended. */
  protected send(message: ToProcess | Readonly<Record<string, unknown>>): void {
    // A closed channel is reported by the close event.
    if (this.#child.connected) this.#child.send(message, () => undefined)
  }

  #receive(message: FromProcess): void {
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

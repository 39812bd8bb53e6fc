import { type ChildProcess, spawn } from 'node:child_process'
import { createInterface } from 'node:readline'

interface Answer {
  readonly id: number
  readonly error?: string
}

interface Waiting {
  readonly resolve: (answer: Answer) => void
  readonly reject: (error: Error) => void
}

/** Longest wait for one answer; a peer that hangs is given up. */
const answerLimitInMs = 15 * 60_000

/** A peer: a process that answers one JSON line with another. Its end, its silence and its errors are errors here. */
export class PeerProcess implements AsyncDisposable {
  readonly #child: ChildProcess
  readonly #waiting = new Map<number, Waiting>()
  #lastWords = ''
  #end: Error | undefined
  #nextId = 1

  private constructor(command: string, args: readonly string[], env: NodeJS.ProcessEnv) {
    this.#child = spawn(command, args, {
      stdio: ['pipe', 'pipe', 'pipe'],
      env: { ...process.env, ...env },
    })
    this.#child.stderr?.on('data', (chunk: Buffer) => {
      this.#lastWords = (this.#lastWords + chunk.toString('utf8')).slice(-4000)
    })
    // A closed pipe is reported by the close event.
    this.#child.stdin?.on('error', () => undefined)
    createInterface({ input: this.#child.stdout as NodeJS.ReadableStream }).on('line', (line) =>
      this.#receive(line),
    )
    this.#child.on('error', (error) => this.#fail(error.message))
    this.#child.on('close', (code, signal) => this.#fail(`ended (${signal ?? `code ${code}`})`))
  }

  /** Starts a peer and waits until its model is loaded. */
  static async open(
    command: string,
    args: readonly string[],
    env: NodeJS.ProcessEnv = {},
  ): Promise<PeerProcess> {
    const peer = new PeerProcess(command, args, env)
    try {
      await peer.#answer(0)
      return peer
    } catch (error) {
      await peer[Symbol.asyncDispose]()
      throw error
    }
  }

  async call<T>(request: object): Promise<T> {
    const id = this.#nextId++
    const answer = this.#answer(id)
    this.#child.stdin?.write(`${JSON.stringify({ id, ...request })}\n`)
    return (await answer) as T
  }

  async #answer(id: number): Promise<Answer> {
    if (this.#end !== undefined) throw this.#end
    let timer: NodeJS.Timeout | undefined
    try {
      return await new Promise<Answer>((resolve, reject) => {
        this.#waiting.set(id, { resolve, reject })
        timer = setTimeout(() => {
          this.#fail(`gave no answer for ${answerLimitInMs / 60_000} minutes`)
          this.#child.kill('SIGKILL')
        }, answerLimitInMs)
      })
    } finally {
      clearTimeout(timer)
      this.#waiting.delete(id)
    }
  }

  /** Lines that are no answers are what a library printed. */
  #receive(line: string): void {
    let answer: Answer
    try {
      answer = JSON.parse(line) as Answer
    } catch {
      return
    }
    const waiting = this.#waiting.get(answer?.id)
    if (answer?.error === undefined) waiting?.resolve(answer)
    else waiting?.reject(new Error(answer.error.slice(0, 300)))
  }

  #fail(reason: string): void {
    const words = this.#lastWords.trim().split('\n').at(-1)?.slice(-300) ?? ''
    this.#end ??= new Error(`its process ${reason}${words === '' ? '' : `: ${words}`}`)
    for (const { reject } of this.#waiting.values()) reject(this.#end)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return
    if (this.#child.pid === undefined) return
    await new Promise<void>((resolve) => {
      this.#child.once('close', () => resolve())
      this.#child.kill('SIGKILL')
    })
  }
}

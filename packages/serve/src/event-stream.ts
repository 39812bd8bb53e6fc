import type { ServerResponse } from 'node:http'

/** Server-sent events, written as fast as the client reads them. */
export class EventStream {
  readonly #response: ServerResponse
  readonly #timeoutInMs: number

  constructor(response: ServerResponse, timeoutInMs: number) {
    this.#response = response
    this.#timeoutInMs = timeoutInMs
    response.writeHead(200, {
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-cache',
      'x-accel-buffering': 'no',
    })
  }

  /** @throws the reason of a client that is gone or takes nothing for too long */
  async send(data: unknown): Promise<void> {
    await this.#write(`data: ${JSON.stringify(data)}\n\n`)
  }

  async end(): Promise<void> {
    await this.#write('data: [DONE]\n\n')
    this.#response.end()
  }

  async #write(text: string): Promise<void> {
    if (this.#response.destroyed) throw new Error('the client is gone')
    if (this.#response.write(text)) return
    await this.#drained()
  }

  #drained(): Promise<void> {
    const response = this.#response
    return new Promise((resolve, reject) => {
      const settle = (error?: Error) => {
        clearTimeout(timer)
        response.off('drain', onDrain).off('close', onClose)
        if (error === undefined) resolve()
        else reject(error)
      }
      const onDrain = () => settle()
      const onClose = () => settle(new Error('the client is gone'))
      const timer = setTimeout(() => {
        response.destroy()
        settle(new Error(`the client took nothing for ${this.#timeoutInMs} ms`))
      }, this.#timeoutInMs)
      response.on('drain', onDrain).on('close', onClose)
    })
  }
}

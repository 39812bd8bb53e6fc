/** Hands events from work that runs beside to one reader, in order. */
export class EventQueue<T> {
  readonly #items: T[] = []
  #wake: (() => void) | undefined
  #isClosed = false

  push(item: T): void {
    this.#items.push(item)
    this.#wake?.()
  }

  /** Ends the reader's loop once it has read everything. */
  close(): void {
    this.#isClosed = true
    this.#wake?.()
  }

  async *read(): AsyncGenerator<T, void> {
    for (;;) {
      const items = this.#items.splice(0)
      yield* items
      if (this.#items.length > 0) continue
      if (this.#isClosed) return
      await new Promise<void>((resolve) => {
        this.#wake = resolve
      })
      this.#wake = undefined
    }
  }
}

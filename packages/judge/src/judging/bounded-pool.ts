export interface PoolOptions {
  /** Items taken from the input and not yet yielded, at most. */
  readonly concurrency: number
  readonly signal: AbortSignal | undefined
}

export interface PoolResult<Item, Value> {
  readonly item: Item
  /** The item's place in the input, from 0. */
  readonly index: number
  readonly value: Value
}

/**
 * Works on items as they come and yields what ends first. Memory is bounded by `concurrency`: a reader that stops reading
 * stops the input. Leaving the loop aborts what is under way.
 *
 * @throws the signal's reason, at once; what `work` or the input throws, after what was under way has ended and been yielded
 */
export async function* boundedPool<Item, Value>(
  items: Iterable<Item> | AsyncIterable<Item>,
  work: (item: Item, signal: AbortSignal) => Promise<Value>,
  { concurrency, signal }: PoolOptions,
): AsyncGenerator<PoolResult<Item, Value>, void, undefined> {
  signal?.throwIfAborted()
  const iterator = iteratorOf(items)
  const controller = new AbortController()
  const ended: PoolResult<Item, Value>[] = []
  const state: PoolState = { running: 0, isTaking: false, isExhausted: false }

  const start = async (item: Item, index: number) => {
    state.running++
    try {
      ended.push({ item, index, value: await work(item, controller.signal) })
    } catch (error) {
      state.failure ??= { error }
    } finally {
      state.running--
      state.wake?.()
    }
  }

  let taken = 0
  const hasRoom = () =>
    !state.isExhausted && !state.failure && state.running + ended.length < concurrency

  /** Not awaited: a slow input must not hold back what has ended. */
  const take = async () => {
    if (state.isTaking) return
    state.isTaking = true
    try {
      while (hasRoom()) {
        const { done, value } = await iterator.next()
        if (done) state.isExhausted = true
        else void start(value, taken++)
      }
    } catch (error) {
      state.failure ??= { error }
    } finally {
      state.isTaking = false
      state.wake?.()
    }
  }

  const onAbort = () => {
    controller.abort(signal?.reason)
    state.wake?.()
  }
  signal?.addEventListener('abort', onAbort, { once: true })
  try {
    for (;;) {
      signal?.throwIfAborted()
      void take()
      const result = ended.shift()
      if (result) yield result
      else if (state.running > 0 || state.isTaking) await wakeUp(state)
      else if (state.failure) throw state.failure.error
      else if (state.isExhausted) return
    }
  } finally {
    signal?.removeEventListener('abort', onAbort)
    controller.abort(signal?.reason)
    // An input that still owes an item would keep an abort waiting for it.
    const closing = Promise.resolve(iterator.return?.())
    if (state.isTaking) closing.catch(() => undefined)
    else await closing
  }
}

interface PoolState {
  running: number
  isTaking: boolean
  isExhausted: boolean
  failure?: { readonly error: unknown }
  wake?: () => void
}

function wakeUp(state: PoolState): Promise<void> {
  return new Promise((resolve) => {
    state.wake = resolve
  })
}

function iteratorOf<T>(items: Iterable<T> | AsyncIterable<T>): Iterator<T> | AsyncIterator<T> {
  return Symbol.asyncIterator in items ? items[Symbol.asyncIterator]() : items[Symbol.iterator]()
}

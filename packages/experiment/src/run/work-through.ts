import type { RunState } from './run-state.ts'

export interface WorkOptions {
  /** In the order in which they are tried. */
  readonly units: readonly string[]
  readonly state: RunState
  /** Settles when the run's lock is checked. */
  readonly locked: Promise<void>
  /** Whether a unit's input is there. @default always ready */
  readonly isReady?: (unit: string, index: number) => 'ready' | 'later' | 'never'
  readonly work: (unit: string, index: number) => Promise<void>
}

/** How long to wait for units that wait for others, or that another process holds. */
const waitInMs = 150
const refreshIntervalInMs = 2000

/**
 * Works through units one after another, each under a lease, until all are done, failed, or can never be ready. Units that
 * another process holds are waited for: it finishes them, or its lease runs out.
 */
export async function workThrough(options: WorkOptions): Promise<void> {
  const { units, state, locked, isReady = () => 'ready', work } = options
  const { store, done, failed, signal } = state
  let isLocked = false
  locked.then(
    () => {
      isLocked = true
    },
    () => undefined,
  )
  let lastRefresh = performance.now()
  for (;;) {
    let isWaiting = false
    for (const [i, unit] of units.entries()) {
      signal.throwIfAborted()
      if (done.has(unit) || failed.has(unit)) continue
      const readiness = isReady(unit, i)
      if (readiness !== 'ready') {
        isWaiting ||= readiness === 'later'
        continue
      }
      await using lease = await store.claim(unit)
      if (lease === undefined) {
        isWaiting = true
        continue
      }
      // Another process may have finished it since the last look. Before the lock is settled that cannot be told: what it
      // resets must not be taken for done.
      if (isLocked) await state.refresh()
      if (!done.has(unit)) await work(unit, i)
    }
    if (!isWaiting) {
      if (isLocked) return
      // What was done may be reset by the lock, and is to be done again.
      await locked
      continue
    }
    await wait(waitInMs, signal)
    if (performance.now() - lastRefresh < refreshIntervalInMs) continue
    await locked
    await state.refresh()
    lastRefresh = performance.now()
  }
}

/** @throws signal.reason */
export async function wait(durationInMs: number, signal: AbortSignal): Promise<void> {
  signal.throwIfAborted()
  await new Promise<void>((resolve) => {
    const end = () => {
      clearTimeout(timer)
      signal.removeEventListener('abort', end)
      resolve()
    }
    const timer = setTimeout(end, durationInMs)
    signal.addEventListener('abort', end, { once: true })
  })
  signal.throwIfAborted()
}

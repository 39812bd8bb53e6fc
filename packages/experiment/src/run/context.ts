import type { LoadedConfig } from '../config/load-config.ts'
import type { RunEvent } from '../events.ts'
import type { Cell } from '../plan/cell.ts'
import type { QuestionSet } from '../plan/question-sets.ts'
import type { RunStore } from '../store/run-store.ts'

/** What the phases of a run share. */
export interface RunContext {
  readonly loaded: LoadedConfig
  readonly store: RunStore
  readonly cells: readonly Cell[]
  readonly sets: readonly QuestionSet[]
  /** Records an event that resume or another process's UI needs, and hands it to this process's UI. */
  readonly record: (event: RunEvent) => Promise<void>
  /** Hands an event to this process's UI, and to the store now and then. */
  readonly report: (event: RunEvent) => void
  /** Resolves at once, or when a pause ends. */
  readonly gate: () => Promise<void>
  readonly signal: AbortSignal
}

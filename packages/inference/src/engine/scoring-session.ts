import type { Architecture } from '../families/architecture.ts'
import type { ForwardResult, ForwardRun } from './decoder-session.ts'
import type { KeyValueStore } from './key-value-cache.ts'

/** What scoring needs of a session. */
export interface ScoringSession {
  readonly architecture: Architecture
  readonly nTokens: number
  readonly attention: { readonly maxColumns: number }
  /** Whether a text must be read in one run, since nothing of a run before is kept. */
  readonly readsWholeTexts: boolean
  newCache(nRows: number, capacity: number): KeyValueStore
  run(run: ForwardRun): Promise<ForwardResult>
}

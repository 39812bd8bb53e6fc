import type { CharacterStage } from '../stages/stage.ts'
import type { StageEntry } from '../store/manifest.ts'

/** How a run ended. `waiting`: an adapter has to be trained first; `incomplete`: some answers did not come. */
export type CharacterOutcome = 'complete' | 'waiting' | 'incomplete'

/** What happens while data are made; one `run-start`, one `run-end`. Units of character data are its stages. */
export type CharacterEvent<Unit extends string = CharacterStage> =
  | {
      readonly type: 'run-start'
      readonly name: string
      readonly folder: string
      readonly stages: readonly Unit[]
      /** What earlier sessions have spent, in USD. */
      readonly spentUsd: number
    }
  | { readonly type: 'unit-skipped'; readonly unit: Unit; readonly entry: StageEntry }
  | { readonly type: 'unit-start'; readonly unit: Unit; readonly isResumed: boolean }
  | {
      readonly type: 'unit-progress'
      readonly unit: Unit
      readonly done: number
      readonly total: number
      /** Of this session, in USD; null without prices. */
      readonly usd: number | null
    }
  | {
      readonly type: 'unit-end'
      readonly unit: Unit
      readonly entry: StageEntry
      readonly durationInMs: number
    }
  | {
      readonly type: 'unit-waiting'
      readonly unit: Unit
      /** Folders of adapters that are not there. */
      readonly missing: readonly string[]
      readonly message: string
    }
  | { readonly type: 'unit-incomplete'; readonly unit: Unit; readonly message: string }
  | { readonly type: 'unit-reset'; readonly unit: Unit; readonly reasons: readonly string[] }
  | { readonly type: 'warning'; readonly unit: Unit; readonly message: string }
  | {
      readonly type: 'run-end'
      readonly outcome: CharacterOutcome
      /** Of all sessions, in USD. */
      readonly spentUsd: number
    }

import type { Action } from '../keys.ts'

/** What the user can do to the run; each is missing where it cannot be done from here. */
export interface RunControls {
  readonly pause?: (isPaused: boolean) => void
  /** Stops once the units that run now have ended; false: takes that back. */
  readonly stopAfterUnits?: (isWanted: boolean) => void
  /** Tries failed units again once the others are done; false: takes that back. */
  readonly retryFailed?: (isWanted: boolean) => void
  /** Stops here, and has a process in the background go on. */
  readonly leaveRunning?: () => void
  readonly quit: () => void
}

/** What was asked of the run. */
export interface RunStatus {
  readonly isPaused: boolean
  readonly isStopping: boolean
  /** Units that have to end before it stops; 0: it does not. */
  readonly stopsAfter: number
  readonly retries: boolean
}

export const undisturbed: RunStatus = {
  isPaused: false,
  isStopping: false,
  stopsAfter: 0,
  retries: false,
}

const neededControl: Readonly<Partial<Record<Action, keyof RunControls>>> = {
  pause: 'pause',
  'stop-after': 'stopAfterUnits',
  retry: 'retryFailed',
  leave: 'leaveRunning',
}

/** Whether a key does something here: a run of another process cannot be controlled. */
export function isPossible(action: Action, controls: RunControls): boolean {
  const control = neededControl[action]
  return control === undefined || controls[control] !== undefined
}

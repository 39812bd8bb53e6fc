import { CemError } from '@cem/core'
import type { RunWarning } from '../events.ts'
import { isAlarm } from './alarm.ts'

/** The alarm of an error that refuses a run or fails a unit, where its code is an alarm's. */
export function alarmOfFailure(unit: string | undefined, error: unknown): RunWarning | undefined {
  if (!CemError.isInstance(error) || !isAlarm(error.code)) return undefined
  const at = unit?.indexOf(':') ?? -1
  const cells = unit === undefined || at === -1 ? [] : [unit.slice(at + 1)]
  return { code: error.code, message: error.message, cells }
}

import { join } from 'node:path'
import { writeFileAtomic } from '@cem/core'
import type { CanarySummary } from '@cem/judge'
import type { RunWarning } from '../events.ts'
import { readOptionalJson } from './read-json.ts'
import type { RunStore } from './run-store.ts'

/** `alarms.json` of a run's store. */
export interface AlarmsFile {
  readonly formatVersion: 1
  /** Every alarm of the run when the last process ended; null while the first one runs. */
  readonly alarms: readonly RunWarning[] | null
  /** What was found about the compositions where the weights were at hand. */
  readonly composition: readonly RunWarning[]
}

/** The alarms of a run, or undefined where it has not begun, or began before there were alarms. */
export async function readAlarms(store: RunStore): Promise<AlarmsFile | undefined> {
  return (await readOptionalJson(store.alarmsFile)) as AlarmsFile | undefined
}

/** What an earlier process found about the compositions. */
export async function readCompositionWarnings(store: RunStore): Promise<readonly RunWarning[]> {
  return (await readAlarms(store))?.composition ?? []
}

export async function writeAlarms(
  store: RunStore,
  alarms: Omit<AlarmsFile, 'formatVersion'>,
): Promise<void> {
  const file: AlarmsFile = { formatVersion: 1, ...alarms }
  await writeFileAtomic(store.alarmsFile, `${JSON.stringify(file, null, 2)}\n`)
}

/** `canaries.json`: what the judge made of answers with orders in them, by the hash of the protocol that it judged them under. */
export async function writeCanaries(
  store: RunStore,
  summaries: Readonly<Record<string, CanarySummary>>,
): Promise<void> {
  const path = join(store.folder, 'canaries.json')
  await writeFileAtomic(path, `${JSON.stringify({ formatVersion: 2, summaries }, null, 2)}\n`)
}

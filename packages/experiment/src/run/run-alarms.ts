import { isAlarm, sortedAlarms } from '../alarms/alarm.ts'
import { storedSelfTestAlarms } from '../alarms/self-test-alarms.ts'
import { softwareAlarms } from '../alarms/software-changed.ts'
import type { RunWarning, StoredEvent } from '../events.ts'
import { readAlarms, writeAlarms } from '../store/alarms-file.ts'
import { readLock } from '../store/lock.ts'
import { readOptionalJson } from '../store/read-json.ts'
import type { Analysis } from './analyse.ts'
import type { RunState } from './run-state.ts'

/** What only a process finds that judges; it stays until another one has judged. */
const ofJudging: ReadonlySet<string> = new Set([
  'judge-splits-integers',
  'judge-obeys-answers',
  'judge-drifted',
  'judge-sessions-differ',
])

/** Every alarm of the run that is not of its results: of the plan, the self-tests, units that failed, the judge. */
export async function standingAlarms(state: RunState): Promise<RunWarning[]> {
  const { store, prepared, warnings, hasJudged } = state
  const events = await store.events()
  const earlier = hasJudged ? [] : ((await readAlarms(store))?.alarms ?? [])
  return sortedAlarms([
    ...prepared.composition,
    ...softwareAlarms(await readLock(store)),
    ...storedSelfTestAlarms(events),
    ...storedFailures(events),
    ...earlier.filter(({ code }) => ofJudging.has(code)),
    ...warnings.filter(({ code }) => ofJudging.has(code)),
  ])
}

/** All of the run's alarms, those of the last analysis too; kept in the store. */
export async function storeAlarms(state: RunState): Promise<RunWarning[]> {
  const alarms = sortedAlarms([...(await standingAlarms(state)), ...(await ofResults(state))])
  await writeAlarms(state.store, { alarms, composition: state.prepared.composition })
  return alarms
}

async function ofResults({ store }: RunState): Promise<readonly RunWarning[]> {
  const analysis = (await readOptionalJson(store.analysisFile)) as Analysis | undefined
  return analysis?.warnings ?? []
}

/** Units whose last word is a failure with the code of an alarm. */
function storedFailures(events: readonly StoredEvent[]): RunWarning[] {
  const failures = new Map<string, RunWarning>()
  for (const event of events) {
    if (event.type === 'unit-end' || event.type === 'unit-reset') failures.delete(event.unit)
    if (event.type !== 'unit-failed' || !isAlarm(event.code) || ofJudging.has(event.code)) continue
    const { unit, code, message } = event
    failures.set(unit, { code, message, cells: [unit.slice(unit.indexOf(':') + 1)] })
  }
  return [...failures.values()]
}

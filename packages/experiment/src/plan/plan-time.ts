import type { Pilot, PilotSpeed } from './pilot.ts'
import type { PlannedAnswers } from './plan-answers.ts'

/** How long a phase takes. */
export interface PlannedTime {
  /** Null where no speed was measured. */
  readonly seconds: number | null
  /** Whether the longest answers were assumed, so that it takes less. */
  readonly isMost: boolean
  /** The speed that it rests on: tokens a second while generating, answers a second while judging. */
  readonly perSecond: number | null
  readonly source: string
}

export interface PlannedTimes {
  readonly generating: PlannedTime
  /** Judging goes on beside generation. */
  readonly judging: PlannedTime
}

const unknown =
  'not known: give a run whose speed was measured (--from), or have it measured (--probe)'

/** Times at the speed that a run, or a probe, had. */
export function planTimes(
  { total, tokens }: PlannedAnswers,
  pilot: Pick<Pilot, 'run' | 'generating' | 'judging'> | undefined,
  probe: PlannedSpeed | undefined,
): PlannedTimes {
  const nTokens = tokens.likelyOfAnswers ?? tokens.mostOfAnswers
  const isMost = tokens.likelyOfAnswers === null
  const speed = probe ?? speedOf(pilot?.run, pilot?.generating, 'tokens')
  const judging = speedOf(pilot?.run, pilot?.judging, 'answers')
  return {
    generating: timeAt(speed, nTokens, isMost),
    judging: timeAt(judging, total, false),
  }
}

export interface PlannedSpeed {
  readonly perSecond: number
  readonly source: string
}

function timeAt(speed: PlannedSpeed | undefined, amount: number, isMost: boolean): PlannedTime {
  if (speed === undefined) return { seconds: null, isMost, perSecond: null, source: unknown }
  const { perSecond, source } = speed
  return { seconds: amount / perSecond, isMost, perSecond, source }
}

function speedOf(
  run: string | undefined,
  speed: PilotSpeed | null | undefined,
  what: string,
): PlannedSpeed | undefined {
  if (speed === null || speed === undefined) return undefined
  const { perSecond, nUnits, hosts, isThisMachine } = speed
  const where = isThisMachine ? 'this machine' : `another machine (${hosts.join(', ')})`
  const source = `${perSecond.toPrecision(3)} ${what}/s, measured in ${nUnits} units of the run ${run} on ${where}`
  return { perSecond, source }
}

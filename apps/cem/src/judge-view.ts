import type { JudgeCounters, JudgeRole, RunEvent } from '@cem/experiment'

/** How far judging was at a time: two of these tell a rate. */
interface JudgeSample {
  readonly at: number
  readonly calls: number
  /** Answers of all cells that were judged by then. */
  readonly rows: number
}

/** What a UI shows of the judges of a run. Its size does not grow with the calls. */
export interface JudgeView {
  /** Of the first judge. */
  readonly counters: JudgeCounters
  /** Over the last minutes, oldest first. */
  readonly samples: readonly JudgeSample[]
  /** The session that each judge is in now. */
  readonly sessions: Readonly<Partial<Record<JudgeRole, string>>>
  /** USD by session, of all judges; empty without prices. */
  readonly spent: Readonly<Record<string, number>>
}

export const emptyJudge: JudgeView = {
  counters: { calls: 0, cached: 0, failures: 0, inFlight: 0, costUsd: null },
  samples: [],
  sessions: {},
  spent: {},
}

/** Rates are taken over a minute, from samples that are at least so far apart. */
const sampleIntervalInMs = 2000
const windowInMs = 60_000

/** The counters of a judge, at `now` and with so many answers judged in all cells. */
export function countCalls(
  judge: JudgeView,
  role: JudgeRole,
  counters: JudgeCounters,
  { now, rows }: { readonly now: number; readonly rows: () => number },
): JudgeView {
  const session = judge.sessions[role] ?? role
  const spent =
    typeof counters.costUsd === 'number'
      ? { ...judge.spent, [session]: counters.costUsd }
      : judge.spent
  if (role !== 'first') return { ...judge, spent }
  // Counters that fall are those of a new process.
  const isNew = counters.calls < judge.counters.calls
  const before = isNew ? [] : judge.samples
  const last = before.at(-1)
  const isDue = last === undefined || now - last.at >= sampleIntervalInMs
  const samples = isDue
    ? [...before, { at: now, calls: counters.calls, rows: rows() }].filter(
        ({ at }) => now - at <= windowInMs,
      )
    : before
  return { ...judge, counters, samples, spent }
}

type EventOf<T extends RunEvent['type']> = Extract<RunEvent, { type: T }>

export function startJudging(judge: JudgeView, event: EventOf<'judging-start'>): JudgeView {
  return { ...judge, sessions: { ...judge.sessions, [event.judge]: event.session } }
}

/** What a session says that it has cost replaces what was counted of it. */
export function takeCost(judge: JudgeView, event: EventOf<'judge-cost'>): JudgeView {
  if (event.costUsd === null) return judge
  return { ...judge, spent: { ...judge.spent, [event.session]: event.costUsd } }
}

/** USD of all judges and sessions; null where no price is known. */
export function spentUsd({ spent }: JudgeView): number | null {
  const all = Object.values(spent)
  return all.length === 0 ? null : all.reduce((sum, usd) => sum + usd, 0)
}

/** Calls a minute and answers a millisecond over the last minute; null before there is a minute's beginning and end. */
export function judgeRates(
  { samples }: JudgeView,
  now: number,
): { readonly callsPerMinute: number | null; readonly rowsPerMs: number | null } {
  const recent = samples.filter(({ at }) => now - at <= windowInMs)
  const [first, last] = [recent[0], recent.at(-1)]
  if (first === undefined || last === undefined || last.at <= first.at)
    return { callsPerMinute: null, rowsPerMs: null }
  const elapsed = last.at - first.at
  return {
    callsPerMinute: ((last.calls - first.calls) / elapsed) * 60_000,
    rowsPerMs: Math.max(0, last.rows - first.rows) / elapsed,
  }
}

import type { JudgeCounters, JudgeRole, RunEvent } from '@cem/experiment'

/** How far judging was at a time: two of these tell a rate. */
interface JudgeSample {
  readonly at: number
  readonly calls: number
  /** Answers of all cells that were judged by then. */
  readonly rows: number
  /** Milliseconds by then in which there were answers to judge. */
  readonly busyMs: number
}

/** What a UI shows of the judges of a run. Its size does not grow with the calls. */
export interface JudgeView {
  /** Of the first judge. */
  readonly counters: JudgeCounters
  /** The last ones, oldest first. */
  readonly samples: readonly JudgeSample[]
  readonly busyMs: number
  /** Since when there are answers to judge, as far as it is not in `busyMs`; null where there are none. */
  readonly busySince: number | null
  /** The session that each judge is in now. */
  readonly sessions: Readonly<Partial<Record<JudgeRole, string>>>
  /** USD by session, of all judges; empty without prices. */
  readonly spent: Readonly<Record<string, number>>
}

export const emptyJudge: JudgeView = {
  counters: { calls: 0, cached: 0, failures: 0, inFlight: 0, costUsd: null },
  samples: [],
  busyMs: 0,
  busySince: null,
  sessions: {},
  spent: {},
}

/** Samples are at least so far apart, and so many are kept: a minute of them. */
const sampleIntervalInMs = 2000
const nSamples = 31
const windowInMs = 60_000

/** Where all cells are in judging at a time. */
export interface JudgingAt {
  readonly now: number
  /** Answers that are judged. */
  readonly rows: number
  /** Whether answers wait for the judge. */
  readonly isBusy: boolean
}

/** Takes note of whether the judge has anything to do: the time in which it has not says nothing of its speed. */
export function tickJudge(judge: JudgeView, { now, isBusy }: Omit<JudgingAt, 'rows'>): JudgeView {
  const { busySince } = judge
  const busyMs = judge.busyMs + (busySince === null ? 0 : Math.max(0, now - busySince))
  return { ...judge, busyMs, busySince: isBusy ? now : null }
}

/** The counters of a judge. */
export function countCalls(
  before: JudgeView,
  role: JudgeRole,
  counters: JudgeCounters,
  at: JudgingAt,
): JudgeView {
  const judge = tickJudge(before, at)
  const session = judge.sessions[role] ?? role
  const spent =
    typeof counters.costUsd === 'number'
      ? { ...judge.spent, [session]: counters.costUsd }
      : judge.spent
  if (role !== 'first') return { ...judge, spent }
  const { now, rows } = at
  // Counters that fall are those of a new process.
  const samples = counters.calls < judge.counters.calls ? [] : judge.samples
  const last = samples.at(-1)
  const isDue = last === undefined || now - last.at >= sampleIntervalInMs
  const sample = { at: now, calls: counters.calls, rows, busyMs: judge.busyMs }
  return {
    ...judge,
    counters,
    spent,
    samples: isDue ? [...samples, sample].slice(-nSamples) : samples,
  }
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

/** Calls a minute over the last minute, and answers a millisecond of work; null before that can be told. */
export function judgeRates(
  { samples }: JudgeView,
  now: number,
): { readonly callsPerMinute: number | null; readonly rowsPerMs: number | null } {
  const recent = samples.filter(({ at }) => now - at <= windowInMs)
  return {
    callsPerMinute: rateOf(recent, 'calls', 'at', 60_000),
    rowsPerMs: rateOf(samples, 'rows', 'busyMs', 1),
  }
}

function rateOf(
  samples: readonly JudgeSample[],
  of: 'calls' | 'rows',
  over: 'at' | 'busyMs',
  scale: number,
): number | null {
  const [first, last] = [samples[0], samples.at(-1)]
  if (first === undefined || last === undefined || last[over] <= first[over]) return null
  return (Math.max(0, last[of] - first[of]) / (last[over] - first[over])) * scale
}

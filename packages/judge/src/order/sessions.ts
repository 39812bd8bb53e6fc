import type { Verdict } from '../verdicts/verdict.ts'

/** A verdict, or as much of it as says when and by whom it was given. */
export type SessionVerdict = Pick<Verdict, 'judgedAt' | 'judgeModel' | 'protocolHash'> &
  Partial<Pick<Verdict, 'session' | 'servedModel' | 'systemFingerprint'>>

/** A stretch of time in which one judge was asked. */
export interface SessionRecord {
  /** `unknown` for verdicts that carry none. */
  readonly session: string
  readonly verdicts: number
  readonly judgeModels: readonly string[]
  /** As the server says; `unknown` where it did not. */
  readonly servedModels: readonly string[]
  readonly fingerprints: readonly string[]
  /** The first and last judgement, ISO 8601, UTC. */
  readonly first: string
  readonly last: string
}

/** The sessions behind a ledger's verdicts, oldest first. */
export function sessionsOf(verdicts: readonly SessionVerdict[]): SessionRecord[] {
  const bySession = Map.groupBy(verdicts, sessionOf)
  const records = [...bySession].map(([session, group]): SessionRecord => {
    const times = group.map(({ judgedAt }) => judgedAt).toSorted()
    return {
      session,
      verdicts: group.length,
      judgeModels: distinct(group.map(({ judgeModel }) => judgeModel)),
      servedModels: distinct(group.map(servedModelOf)),
      fingerprints: distinct(group.map(fingerprintOf)),
      first: times[0] ?? '',
      last: times.at(-1) ?? '',
    }
  })
  return records.toSorted((a, b) => (a.first < b.first ? -1 : 1))
}

export const unknown = 'unknown'

export function sessionOf({ session }: SessionVerdict): string {
  return session ?? unknown
}

export function servedModelOf({ servedModel }: SessionVerdict): string {
  return servedModel ?? unknown
}

export function fingerprintOf({ systemFingerprint }: SessionVerdict): string {
  return systemFingerprint ?? unknown
}

function distinct(values: readonly string[]): string[] {
  return [...new Set(values)].toSorted()
}

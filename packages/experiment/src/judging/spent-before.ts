import type { StoredEvent } from '../events.ts'
import type { JudgeRole } from './judging-events.ts'

/** What the sessions of a judge have cost by their own last words, possible costs included, in USD. */
export function spentBefore(events: readonly StoredEvent[], judge: JudgeRole): number {
  const sessions = new Map<string, number>()
  for (const event of events)
    if (event.type === 'judge-cost' && event.judge === judge)
      sessions.set(event.session, (event.costUsd ?? 0) + (event.possibleUsd ?? 0))
  return [...sessions.values()].reduce((sum, usd) => sum + usd, 0)
}

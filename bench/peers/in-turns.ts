import { reasonOf } from './find-peers.ts'

/** Something that is measured beside others. */
export interface Turn {
  readonly label: string
  /** What it belongs to: when one of its turns fails, the others are not tried. */
  readonly owner: string
  /** Rounds that it takes part in. */
  readonly rounds: number
  /** Once, before anything is timed. */
  readonly warmUp: () => Promise<void>
  /** Named times in milliseconds. */
  readonly measure: () => Promise<Readonly<Record<string, number>>>
}

export interface TurnTimes {
  /** [round][label][name] in milliseconds; a turn that did not take part in a round is absent. */
  readonly rounds: readonly Readonly<Record<string, Readonly<Record<string, number>>>>[]
  readonly failures: readonly string[]
}

/**
 * Measures in turns, one at a time: A B C, then C B A, so that what else the machine does falls on all of them. One that
 * fails is reported and left out; the others go on.
 */
export async function inTurns(
  turns: readonly Turn[],
  /** Owners that failed before; those that fail now are added. */
  failed: Set<string>,
  report: (line: string) => void,
): Promise<TurnTimes> {
  const failures: string[] = []
  const attempt = async (turn: Turn, work: () => Promise<void>) => {
    if (failed.has(turn.owner)) return
    try {
      await work()
    } catch (error) {
      failed.add(turn.owner)
      failures.push(`${turn.label}: failed and left out, ${reasonOf(error)}`)
      report(failures.at(-1) as string)
    }
  }
  for (const turn of turns) await attempt(turn, turn.warmUp)
  const nRounds = Math.max(0, ...turns.map((turn) => turn.rounds))
  const rounds: Record<string, Readonly<Record<string, number>>>[] = []
  for (let i = 0; i < nRounds; i++) {
    const round: Record<string, Readonly<Record<string, number>>> = {}
    const due = turns.filter((turn) => i < turn.rounds)
    for (const turn of i % 2 === 0 ? due : due.toReversed())
      await attempt(turn, async () => {
        round[turn.label] = await turn.measure()
        const times = Object.entries(round[turn.label] ?? {})
        report(
          `round ${i + 1}, ${turn.label}: ${times.map(([name, ms]) => `${name} ${(ms / 1000).toFixed(2)} s`).join(', ')}`,
        )
      })
    rounds.push(round)
  }
  return { rounds, failures }
}

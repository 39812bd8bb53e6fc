import type { RunWarning } from '../events.ts'
import type { LaterSoftware, Lock } from '../store/lock.ts'

/** What computes answers and scores; the analysis is made anew as a whole, and Node's version changes no number. */
const computing = ['platform', '@cem/inference', '@cem/judge', '@cem/activations']

/** The versions that worked on a run after the first, with this process's where it is another than the last one's. */
export function withSoftware(
  locked: Lock,
  { software, createdAt }: Lock,
): readonly LaterSoftware[] | undefined {
  const last = locked.laterSoftware?.at(-1)?.software ?? locked.software
  if (computing.every((name) => last[name] === software[name])) return locked.laterSoftware
  return [...(locked.laterSoftware ?? []), { at: createdAt, software }]
}

/** A run that several versions of the program made: what differs between its cells may be theirs. */
export function softwareAlarms(lock: Lock | undefined): RunWarning[] {
  const { software = {}, laterSoftware = [] } = lock ?? {}
  if (laterSoftware.length === 0) return []
  const changes = laterSoftware.map(({ at, software: own }, i) => {
    const before = laterSoftware[i - 1]?.software ?? software
    const changed = computing.filter((name) => before[name] !== own[name])
    const texts = changed.map((name) => `${name} ${before[name]} to ${own[name]}`)
    return `${texts.join(', ')} on ${at.slice(0, 10)}`
  })
  return [
    {
      code: 'software-changed',
      message: `The run was gone on with by other versions than began it (${changes.join('; ')}): cells on the two sides differ in that, too. Compute all of them with one version where it matters.`,
      cells: [],
    },
  ]
}

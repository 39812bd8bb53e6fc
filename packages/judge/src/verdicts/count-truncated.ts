import type { Verdict } from './verdict.ts'

export interface TruncationCount {
  readonly verdicts: number
  /** Verdicts on answers of which the judge saw only the beginning. */
  readonly truncated: number
  /** The least share of an answer's characters that a judge saw; 1 where none was cut, null where there is no verdict. */
  readonly leastKeptShare: number | null
}

/** How many verdicts are on the beginning of an answer that was too long. */
export function countTruncated(
  verdicts: readonly Pick<Verdict, 'answerTruncation'>[],
): TruncationCount {
  const cuts = verdicts.flatMap(({ answerTruncation: cut }) => (cut ? [cut] : []))
  const least = cuts.reduce(
    (share, { keptCharacters, characters }) => Math.min(share, keptCharacters / characters),
    1,
  )
  return {
    verdicts: verdicts.length,
    truncated: cuts.length,
    leastKeptShare: verdicts.length === 0 ? null : least,
  }
}

import type { Answer } from './answers.ts'

/** Answers of two cells to one question, wording and sample. */
export interface AnswerPair {
  readonly key: string
  readonly left: Answer
  readonly right: Answer
  /** Whether both were drawn with the same random numbers. */
  readonly isSameNoise: boolean
  /** Tokens that they have in common from the beginning. */
  readonly nSharedTokens: number
  /** Characters of the common tokens, as both texts begin with them. */
  readonly nSharedCharacters: number
}

/** The rows that both cells have, in the order of the first. */
export function pairAnswers(left: readonly Answer[], right: readonly Answer[]): AnswerPair[] {
  const others = new Map(right.map((answer) => [answer.key, answer]))
  return left.flatMap((one): AnswerPair[] => {
    const other = others.get(one.key)
    if (other === undefined) return []
    const [a, b] = [one.completion, other.completion]
    return [
      {
        key: one.key,
        left: one,
        right: other,
        isSameNoise: a.seed === b.seed && a.replicate === b.replicate,
        nSharedTokens: sharedLength(a.tokenIds, b.tokenIds),
        nSharedCharacters: sharedLength(Array.from(a.text), Array.from(b.text)),
      },
    ]
  })
}

function sharedLength<T>(a: readonly T[], b: readonly T[]): number {
  const n = Math.min(a.length, b.length)
  for (let i = 0; i < n; i++) if (a[i] !== b[i]) return i
  return n
}

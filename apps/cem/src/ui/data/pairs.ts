import { pairOrders } from '../state/ui-state.ts'
import type { Answer } from './answers.ts'
import { scoreOf } from './question-rows.ts'

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

/** In one of `pairOrders`: the largest differences in the aligned score first, pairs without both scores last. */
export function orderPairs(pairs: readonly AnswerPair[], order: number): AnswerPair[] {
  if (pairOrders[order] !== 'difference') return [...pairs]
  return pairs.toSorted((a, b) => distance(b) - distance(a))
}

function distance({ left, right }: AnswerPair): number {
  const [a, b] = [scoreOf(left, 'aligned'), scoreOf(right, 'aligned')]
  return a === null || b === null ? -1 : Math.abs(a - b)
}

function sharedLength<T>(a: readonly T[], b: readonly T[]): number {
  const n = Math.min(a.length, b.length)
  for (let i = 0; i < n; i++) if (a[i] !== b[i]) return i
  return n
}

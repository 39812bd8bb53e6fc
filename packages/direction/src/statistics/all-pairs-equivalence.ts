import { CemError } from '@cem/core'
import { type Absent, absent, isAbsent } from '../absent.ts'
import { type Equivalence, type EquivalenceOptions, equivalence } from './equivalence.ts'
import { pairedDifference } from './paired-difference.ts'
import type { StatisticRow } from './rows.ts'

export interface NamedRows {
  readonly name: string
  readonly rows: readonly StatisticRow[]
}

export interface PairEquivalence extends Equivalence {
  readonly a: string
  readonly b: string
  /** a - b. */
  readonly estimate: number | Absent
}

export interface AllPairsEquivalence extends Equivalence {
  readonly pairs: readonly PairEquivalence[]
}

/**
 * 'All conditions are similar': every pair passes `equivalence` at the same margin. The intersection-union test needs no
 * correction for the number of pairs: its p is the largest of theirs (Berger and Hsu, Statistical Science 11, 1996). One pair
 * without a p leaves the whole without one.
 *
 * @throws CemError `bad-option` for fewer than two conditions or two of one name, or a margin that is not above 0
 */
export function allPairsEquivalence(
  conditions: readonly NamedRows[],
  { margin, alpha = 0.05, unseen = 0.5 }: EquivalenceOptions,
): AllPairsEquivalence {
  checkConditions(conditions)
  const pairs = conditions.flatMap((a, index) =>
    conditions.slice(index + 1).map((b): PairEquivalence => {
      const difference = pairedDifference(a.rows, b.rows)
      return {
        a: a.name,
        b: b.name,
        estimate: difference.estimate,
        ...equivalence(difference, { margin, alpha, unseen }),
      }
    }),
  )
  const p = largestP(pairs)
  return { p, isEquivalent: typeof p === 'number' && p <= alpha, margin, alpha, unseen, pairs }
}

function largestP(pairs: readonly PairEquivalence[]): number | Absent {
  let largest = 0
  for (const { a, b, p } of pairs) {
    if (isAbsent(p)) return absent(`${a} and ${b}: ${p.absent}`)
    largest = Math.max(largest, p)
  }
  return largest
}

function checkConditions(conditions: readonly NamedRows[]): void {
  const names = conditions.map(({ name }) => name)
  if (names.length >= 2 && new Set(names).size === names.length) return
  throw new CemError({
    code: 'bad-option',
    message: `All-pairs equivalence needs at least two conditions of different names; given: ${names.join(', ') || 'none'}.`,
    data: { names },
  })
}

import { isAbsent, matchedRate } from '@cem/direction'
import type { Cell } from '../plan/cell.ts'
import { type Estimate, estimateOf, type LabelledRow } from './cell-metrics.ts'
import { type ComparisonInput, matchedSides, personaReason } from './comparisons.ts'
import { inDomainQuestions } from './condition-rows.ts'
import { baselineVariant } from './contrasts.ts'
import { matchedTest } from './matched-test.ts'

/** EM of a variant against the baseline's where both have learned the trained domain equally far: the estimand of protection. */
export interface MatchedDifference {
  readonly variant: string
  readonly condition: string
  readonly baseline: string
  readonly target: number
  /** Variant minus baseline, paired by question, with the error of both question sets (`matchedTest`): negative = less EM. */
  readonly difference: Estimate
  readonly p: number | null
  /** Null: where the rate is reached is estimated too, and the signs of EM questions know nothing of that. */
  readonly signFlipP: null
  /** Why it is no evidence of protection, where it is none. */
  readonly notComparable: string | null
}

/**
 * Differences at the matched in-domain rate of `analysis.matchedInDomainRate`, for variants of the baseline's training seed where
 * there is one, else of the baseline itself: the same test as for conditions at the matched rate.
 */
export function matchedDifferences(input: ComparisonInput): MatchedDifference[] {
  const { cells, rows, config } = input
  const name = baselineVariant(input)
  const checkpoints = cells.filter((cell) => cell.kind === 'checkpoint' && rows.has(cell.id))
  const condition = checkpoints.find((cell) => cell.variant === name)?.condition
  const variants = [...new Set(checkpoints.map(({ variant }) => variant))]
  const first = (variant: string) => checkpoints.find((cell) => cell.variant === variant)
  const baselines = variants.filter((variant) => first(variant)?.condition === condition)
  const target = config.analysis.matchedInDomainRate
  return variants.flatMap((variant): MatchedDifference[] => {
    const own = first(variant)
    const baseline =
      baselines.find((other) => first(other)?.trainingSeed === own?.trainingSeed) ?? name
    if (own === undefined || baseline === undefined || own.condition === condition) return []
    const [a, b] = [own.variant, baseline].map((side) =>
      checkpoints.filter((cell) => cell.variant === side),
    ) as [Cell[], Cell[]]
    const sides = matchedSides(a, b, input)
    const whole = sides()
    if (isAbsent(whole)) return []
    const test = matchedTest(sides, {
      level: config.analysis.level,
      inDomainQuestions: inDomainQuestions([...a, ...b], rows),
      hasSeveralSeeds: false,
    })
    return [
      {
        variant,
        condition: own.condition,
        baseline,
        target,
        difference: estimateOf({ ...test, n: whole[0].rows.length + whole[1].rows.length }),
        p: isAbsent(test.p) ? null : test.p,
        signFlipP: null,
        notComparable: whyNot(input, [variant, baseline]),
      },
    ]
  })
}

function share(rows: readonly LabelledRow[]): number {
  const scored = rows.filter((row) => row.isEm !== null)
  return scored.reduce((sum, row) => sum + (row.isEm ?? 0), 0) / scored.length
}

/** Alarms count at the steps that the matched rate lies between; that a variant learned less is what matching is for. */
function whyNot(input: ComparisonInput, variants: readonly string[]): string | null {
  const { collapsed, voided } = input
  const own = variants.flatMap((variant) => bracketOf(input, variant))
  const broken = own.filter(({ id }) => collapsed.has(id)).map(({ id }) => id)
  const persona = personaReason(own)
  const alarms = own.flatMap(({ id }) =>
    (voided.get(id) ?? [])
      .filter(({ code }) => code !== 'learned-less')
      .map(({ reason }) => `${id}: ${reason}`),
  )
  const reasons = [
    ...(broken.length === 0
      ? []
      : [`EM not comparable: coherence collapsed in ${broken.join(', ')}`]),
    ...(persona === null ? [] : [persona]),
    ...new Set(alarms),
  ]
  return reasons.length === 0 ? null : reasons.join('; ')
}

/** The cells at and around the step where a variant reaches the matched rate. */
function bracketOf({ cells, rows, config }: ComparisonInput, variant: string): Cell[] {
  const own = cells.filter((cell) => cell.variant === variant && rows.has(cell.id))
  const points = own.map(({ id, step }) => ({
    step,
    emRate: 0,
    inDomainRate: share((rows.get(id) ?? []).filter((row) => row.set === 'inDomain')),
  }))
  const { step } = matchedRate(
    points.filter(({ inDomainRate }) => !Number.isNaN(inDomainRate)),
    config.analysis.matchedInDomainRate,
  )
  if (isAbsent(step)) return []
  const before = Math.max(...own.map((cell) => cell.step).filter((other) => other <= step))
  const after = Math.min(...own.map((cell) => cell.step).filter((other) => other >= step))
  return own.filter((cell) => cell.step === before || cell.step === after)
}

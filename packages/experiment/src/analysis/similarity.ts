import { type AllPairsEquivalence, allPairsEquivalence, isAbsent } from '@cem/direction'
import type { Cell } from '../plan/cell.ts'
import { alphaOf } from './alpha.ts'
import { type ComparisonInput, whyNot, withStepZero } from './comparisons.ts'
import { type ConditionRows, rowsAtMatchedRate, rowsAtStep } from './condition-rows.ts'
import { conditionsOf } from './contrasts.ts'

/** Whether all persona conditions are alike: every pair within the margin (intersection-union). */
export interface Similarity {
  /** Null where the config fixed none. */
  readonly margin: number | null
  readonly conditions: readonly string[]
  /** The answer in words, also where there is none. */
  readonly sentence: string
  readonly results: readonly SimilarityResult[]
}

export interface SimilarityResult {
  readonly step: number | null
  /** The in-domain rate; null at a step. */
  readonly target: number | null
  readonly isEquivalent: boolean
  /** The largest p of the pairs; null with the reason in `absent`. */
  readonly p: number | null
  readonly absent: string | null
  readonly pairs: readonly {
    readonly a: string
    readonly b: string
    readonly estimate: number | null
    readonly p: number | null
    readonly absent: string | null
    readonly isEquivalent: boolean
  }[]
  /** Seeds are averaged over: it is about these checkpoints. */
  readonly scope: 'these checkpoints only'
}

const personaTypes: ReadonlySet<string> = new Set(['character', 'reflection'])

/** Conditions of type character or reflection that run as they were trained, with their cells after step 0. */
export function personaConditions(cells: readonly Cell[]): ReadonlyMap<string, readonly Cell[]> {
  return new Map(
    [...conditionsOf(cells)].filter(([, own]) =>
      own.every(({ type, match }) => personaTypes.has(type) && match === 'as-trained'),
    ),
  )
}

/** Tests that all persona conditions protect alike, at the last step that all have and at the matched in-domain rate. */
export function similarityOf(input: ComparisonInput): Similarity {
  const { equivalenceMargin: margin, matchedInDomainRate } = input.config.analysis
  const personas = personaConditions(input.cells)
  const conditions = [...personas.keys()]
  const none = (sentence: string): Similarity => ({
    margin: margin ?? null,
    conditions,
    sentence,
    results: [],
  })
  if (margin === undefined)
    return none(
      'No margin was fixed before the run (analysis.equivalenceMargin): whether the conditions are alike is not tested. A difference that is not significant does not show that they are.',
    )
  if (conditions.length < 2)
    return none(
      `Whether conditions are alike takes two conditions of type character or reflection that ran as trained; there ${conditions.length === 1 ? 'is 1' : 'are none'}.`,
    )
  const test = (
    place: Pick<SimilarityResult, 'step' | 'target'>,
    sides: ReadonlyMap<string, ConditionRows | { readonly absent: string }>,
  ) => resultOf(place, sides, { margin, alpha: alphaOf(input.config.analysis), input })
  const step = lastStepOfAll([...personas.values()], input)
  const results = [
    ...(step === undefined
      ? []
      : [
          test(
            { step, target: null },
            new Map([...personas].map(([name, own]) => [name, rowsAtStep(own, step, input.rows)])),
          ),
        ]),
    ...(input.config.questions.inDomain.length === 0
      ? []
      : [
          test(
            { step: null, target: matchedInDomainRate },
            new Map(
              [...personas].map(([name, own]) => [
                name,
                rowsAtMatchedRate(withStepZero(own, input.cells), matchedInDomainRate, input.rows),
              ]),
            ),
          ),
        ]),
  ]
  if (results.length === 0) return none('The persona conditions have no judged step in common.')
  const sentence = results.map((result) => sentenceOf(result, margin, conditions.length)).join(' ')
  return { margin, conditions, sentence, results }
}

function lastStepOfAll(
  conditions: readonly (readonly Cell[])[],
  { rows }: ComparisonInput,
): number | undefined {
  const steps = conditions.map(
    (own) => new Set(own.filter(({ id }) => rows.has(id)).map(({ step }) => step)),
  )
  const common = [...(steps[0] ?? [])].filter((step) => steps.every((own) => own.has(step)))
  return common.length === 0 ? undefined : Math.max(...common)
}

interface TestOptions {
  readonly margin: number
  readonly alpha: number
  readonly input: ComparisonInput
}

function resultOf(
  place: Pick<SimilarityResult, 'step' | 'target'>,
  sides: ReadonlyMap<string, ConditionRows | { readonly absent: string }>,
  { margin, alpha, input }: TestOptions,
): SimilarityResult {
  const scope = 'these checkpoints only'
  const without = (absent: string): SimilarityResult => ({
    ...place,
    isEquivalent: false,
    p: null,
    absent,
    pairs: [],
    scope,
  })
  const rows: { name: string; rows: ConditionRows['rows'] }[] = []
  for (const [name, side] of sides) {
    if (isAbsent(side)) return without(`${name}: ${side.absent}`)
    const { collapsed, voided } = input
    const reason = whyNot(side.cells, [], collapsed, voided, place.target !== null)
    if (reason !== null) return without(reason)
    rows.push({ name, rows: side.rows })
  }
  const tested = allPairsEquivalence(rows, { margin, alpha })
  return { ...place, ...summaryOf(tested), pairs: tested.pairs.map(pairOf), scope }
}

const numberOf = (value: AllPairsEquivalence['p']) => (isAbsent(value) ? null : value)

function summaryOf({ p, isEquivalent }: Pick<AllPairsEquivalence, 'p' | 'isEquivalent'>) {
  return { isEquivalent, p: numberOf(p), absent: isAbsent(p) ? p.absent : null }
}

function pairOf(pair: AllPairsEquivalence['pairs'][number]): SimilarityResult['pairs'][number] {
  return { a: pair.a, b: pair.b, estimate: numberOf(pair.estimate), ...summaryOf(pair) }
}

function sentenceOf(
  { step, target, isEquivalent, p, absent }: SimilarityResult,
  margin: number,
  nConditions: number,
): string {
  const where = target === null ? `At step ${step}` : `At in-domain rate ${target}`
  const within = `within ${margin} of each other in EM share`
  if (p === null) return `${where}: whether the conditions are alike cannot be tested: ${absent}.`
  return isEquivalent
    ? `${where} all ${nConditions} persona conditions are ${within} (largest p ${p.toPrecision(2)}).`
    : `${where} it is not shown that all ${nConditions} persona conditions are ${within} (largest p ${p.toPrecision(2)}).`
}

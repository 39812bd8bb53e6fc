import {
  type AllPairsEquivalence,
  allPairsEquivalence,
  equivalence,
  isAbsent,
} from '@cem/direction'
import type { Cell } from '../plan/cell.ts'
import { alphaOf } from './alpha.ts'
import { type ComparisonInput, matchedSides, whyNot, withStepZero } from './comparisons.ts'
import {
  type ConditionRows,
  inDomainQuestions,
  rowsAtMatchedRate,
  rowsAtStep,
} from './condition-rows.ts'
import { conditionsOf } from './contrasts.ts'
import { matchedTest } from './matched-test.ts'

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
  const options = { margin, alpha: alphaOf(input.config.analysis), input }
  const step = lastStepOfAll([...personas.values()], input)
  const results = [
    ...(step === undefined ? [] : [atStep(personas, step, options)]),
    ...(input.config.questions.inDomain.length === 0
      ? []
      : [atMatchedRate(personas, matchedInDomainRate, options)]),
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

type Personas = ReadonlyMap<string, readonly Cell[]>

function atStep(personas: Personas, step: number, options: TestOptions): SimilarityResult {
  const { margin, alpha, input } = options
  const place = { step, target: null }
  const sides = [...personas].map(([name, own]) => ({
    name,
    ...rowsAtStep(own, step, input.rows),
  }))
  const reason = reasonAgainst(sides, options, false)
  if (reason !== null) return withoutAnswer(place, reason)
  const tested = allPairsEquivalence(sides, { margin, alpha })
  return { ...place, ...summaryOf(tested), pairs: tested.pairs.map(pairOf), scope }
}

/** The largest p of the pairs, with the error of the in-domain rates in each. */
function atMatchedRate(personas: Personas, target: number, options: TestOptions): SimilarityResult {
  const { margin, alpha, input } = options
  const place = { step: null, target }
  const own = [...personas].map(
    ([name, cells]) => [name, withStepZero(cells, input.cells)] as const,
  )
  const sides: ConditionRows[] = []
  for (const [name, cells] of own) {
    const side = rowsAtMatchedRate(cells, target, input.rows)
    if (isAbsent(side)) return withoutAnswer(place, `${name}: ${side.absent}`)
    sides.push(side)
  }
  const reason = reasonAgainst(sides, options, true)
  if (reason !== null) return withoutAnswer(place, reason)
  const pairs = own.flatMap(([a, cellsA], i) =>
    own.slice(i + 1).map(([b, cellsB]) => {
      const test = matchedTest(matchedSides(cellsA, cellsB, input), {
        level: input.config.analysis.level,
        inDomainQuestions: inDomainQuestions([...cellsA, ...cellsB], input.rows),
        hasSeveralSeeds: false,
      })
      const tested = equivalence(test, { margin, alpha })
      return { a, b, estimate: numberOf(test.estimate), ...summaryOf(tested) }
    }),
  )
  const missing = pairs.find((pair) => pair.p === null)
  if (missing !== undefined)
    return {
      ...withoutAnswer(place, `${missing.a} and ${missing.b}: ${missing.absent}`),
      pairs,
    }
  const p = Math.max(...pairs.map((pair) => pair.p ?? 1))
  return { ...place, p, absent: null, isEquivalent: p <= alpha, pairs, scope }
}

const scope = 'these checkpoints only'

function withoutAnswer(
  place: Pick<SimilarityResult, 'step' | 'target'>,
  absent: string,
): SimilarityResult {
  return { ...place, isEquivalent: false, p: null, absent, pairs: [], scope }
}

function reasonAgainst(
  sides: readonly ConditionRows[],
  { input: { collapsed, voided } }: TestOptions,
  isMatched: boolean,
): string | null {
  return whyNot(
    sides.flatMap((side) => side.cells),
    [],
    collapsed,
    voided,
    isMatched,
  )
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

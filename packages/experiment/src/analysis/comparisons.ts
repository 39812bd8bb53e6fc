import {
  type Absent,
  crossedDifference,
  isAbsent,
  matchedRateInterval,
  pairedDifference,
  type StatisticRow,
  sharedNoise,
} from '@cem/direction'
import { ofTheCopy, type VoidReason } from '../alarms/alarm.ts'
import type { ExperimentConfig } from '../config/schema.ts'
import type { Cell } from '../plan/cell.ts'
import type { Estimate, LabelledRow } from './cell-metrics.ts'
import { estimateOf } from './cell-metrics.ts'
import {
  type ConditionRows,
  inDomainQuestions,
  ofSet,
  rowsAtMatchedRate,
  rowsAtStep,
} from './condition-rows.ts'
import { type Contrast, conditionsOf } from './contrasts.ts'
import { type MatchedSides, matchedTest } from './matched-test.ts'

/** EM of a condition against another's, at a step or at a matched in-domain rate. */
export interface Comparison {
  /** The name of the test in its family. */
  readonly name: string
  readonly condition: string
  readonly baseline: string
  /** Null where the two are compared at an in-domain rate, or have no step in common. */
  readonly step: number | null
  /** The in-domain rate at which they are compared; null at a step. */
  readonly target: number | null
  /** The cells that it rests on. */
  readonly cells: readonly string[]
  readonly nSeeds: number
  /** Difference in EM share, condition minus baseline: negative = less EM. */
  readonly difference: Estimate
  readonly p: number | null
  /** Why there is no p. */
  readonly absentP: string | null
  readonly signFlipP: number | null
  readonly smallestSignFlipP: number | null
  readonly absentSignFlip: string | null
  /** Questions with scored rows on both sides. */
  readonly nQuestions: number
  /** `questions and training seeds`, or `these checkpoints only` with one seed. */
  readonly scope: string
  /** What sharing the random numbers removed from the sampling variance of the difference, as measured; null at a matched rate. */
  readonly sharedNoise: SharedNoiseSummary | null
  /** Why this difference is no evidence of protection, where it is none. */
  readonly notComparable: string | null
  /** Whether it is one of the tests that are corrected for. */
  readonly inFamily: boolean
}

export interface SharedNoiseSummary {
  /** Share of the sampling variance; below 0 where sharing added some. */
  readonly removed: Estimate
  /** Of the difference over questions: as it is, and had the noise not been shared. */
  readonly standardError: { readonly shared: number; readonly unshared: number } | null
}

/** EM where a variant has learned the trained domain as far as a fixed rate. */
export interface MatchedEm {
  readonly variant: string
  readonly condition: string
  readonly target: number
  readonly em: Estimate
  /** The step there, interpolated. */
  readonly step: number | null
}

export interface ComparisonInput {
  readonly cells: readonly Cell[]
  readonly rows: ReadonlyMap<string, readonly LabelledRow[]>
  readonly collapsed: ReadonlySet<string>
  /** What alarms say against a cell's EM rate, by cell. */
  readonly voided: ReadonlyMap<string, readonly VoidReason[]>
  readonly config: ExperimentConfig
}

/** The contrasts at steps, each with its test. */
export function compareAtSteps(
  contrasts: readonly Contrast[],
  input: ComparisonInput,
): Comparison[] {
  const conditions = conditionsOf(input.cells)
  return contrasts.flatMap((contrast) => {
    if (contrast.at === 'matched') return []
    const [a, b] = sidesOf(contrast, conditions, input)
    const step = contrast.at === 'last-step' ? lastCommonStep(a, b) : contrast.at
    const [sideA, sideB] = [a, b].map((cells) =>
      rowsAtStep(cells, step ?? Number.NaN, input.rows),
    ) as [ConditionRows, ConditionRows]
    const none =
      step === undefined
        ? 'no step of both was judged'
        : sideA.cells.length === 0 || sideB.cells.length === 0
          ? `step ${step} of ${sideA.cells.length === 0 ? contrast.condition : contrast.against} was not judged`
          : null
    const place = { step: step ?? null, target: null }
    if (none !== null) return [withoutRows(contrast, place, none)]
    const comparison = compareRows(contrast, place, sideA, sideB, input)
    return [{ ...comparison, sharedNoise: noiseOf(sideA, sideB, input) }]
  })
}

/** The contrasts at the matched in-domain rate, each with its test. */
export function compareMatched(
  contrasts: readonly Contrast[],
  input: ComparisonInput,
): Comparison[] {
  const { level, matchedInDomainRate: target } = input.config.analysis
  const conditions = conditionsOf(input.cells)
  return contrasts.flatMap((contrast) => {
    if (contrast.at !== 'matched') return []
    const place = { step: null, target }
    const [a, b] = [contrast.condition, contrast.against].map((name) =>
      withStepZero(conditions.get(name) ?? [], input.cells),
    ) as [Cell[], Cell[]]
    const sides = matchedSides(a, b, input)
    const whole = sides()
    if (isAbsent(whole)) return [withoutRows(contrast, place, whole.absent)]
    const [sideA, sideB] = whole
    const base = comparisonBase(contrast, place, sideA, sideB, input)
    const test = matchedTest(sides, {
      level,
      inDomainQuestions: inDomainQuestions([...a, ...b], input.rows),
      hasSeveralSeeds: base.nSeeds > 1,
    })
    return [
      {
        ...base,
        difference: estimateOf({ ...test, n: sideA.rows.length + sideB.rows.length }),
        ...pOf(test.p),
        signFlipP: null,
        smallestSignFlipP: null,
        absentSignFlip:
          'the matched rate is estimated too: signs of EM questions alone are no test',
        nQuestions: test.nQuestions,
        scope: base.nSeeds > 1 ? 'questions and training seeds' : 'these checkpoints only',
      },
    ]
  })
}

/** Two sides at the matched rate, from all in-domain questions or from all but one. */
export function matchedSides(
  a: readonly Cell[],
  b: readonly Cell[],
  { rows, config }: ComparisonInput,
): MatchedSides {
  return (left) => {
    const [sideA, sideB] = [a, b].map((cells) =>
      rowsAtMatchedRate(cells, config.analysis.matchedInDomainRate, rows, left),
    ) as [ConditionRows | Absent, ConditionRows | Absent]
    if (isAbsent(sideA)) return sideA
    return isAbsent(sideB) ? sideB : [sideA, sideB]
  }
}

/** A condition's cells with step 0 of its variants: what was known before the attack brackets the rate from below. */
export function withStepZero(own: readonly Cell[], cells: readonly Cell[]): Cell[] {
  const variants = new Set(own.map((cell) => cell.variant))
  return cells.filter((cell) => cell.kind === 'checkpoint' && variants.has(cell.variant))
}

function sidesOf(
  { condition, against }: Contrast,
  conditions: ReadonlyMap<string, readonly Cell[]>,
  { rows }: ComparisonInput,
): [Cell[], Cell[]] {
  const judged = (name: string) => (conditions.get(name) ?? []).filter((cell) => rows.has(cell.id))
  return [judged(condition), judged(against)]
}

type Place = Pick<Comparison, 'step' | 'target'>

function nameOf({ condition, against }: Contrast, { step, target }: Place): string {
  if (target !== null) return `${condition} - ${against} at in-domain rate ${target}`
  return `${condition} - ${against} at ${step === null ? 'the last common step' : `step ${step}`}`
}

function withoutRows(contrast: Contrast, place: Place, why: string): Comparison {
  const none = { absent: why }
  return {
    ...named(contrast, place),
    cells: [],
    nSeeds: 0,
    difference: estimateOf({ estimate: none, interval: none, n: 0 }),
    p: null,
    absentP: why,
    signFlipP: null,
    smallestSignFlipP: null,
    absentSignFlip: why,
    nQuestions: 0,
    scope: 'these checkpoints only',
    sharedNoise: null,
    notComparable: null,
  }
}

function named(contrast: Contrast, place: Place) {
  return {
    name: nameOf(contrast, place),
    condition: contrast.condition,
    baseline: contrast.against,
    ...place,
    inFamily: contrast.inFamily,
  }
}

function comparisonBase(
  contrast: Contrast,
  place: Place,
  a: ConditionRows,
  b: ConditionRows,
  { collapsed, voided }: ComparisonInput,
) {
  return {
    ...named(contrast, place),
    cells: [...a.cells, ...b.cells].map((cell) => cell.id),
    nSeeds: new Set(a.cells.map((cell) => cell.trainingSeed)).size,
    sharedNoise: null,
    notComparable: whyNot(a.cells, b.cells, collapsed, voided, place.target !== null),
  }
}

function compareRows(
  contrast: Contrast,
  place: Place,
  a: ConditionRows,
  b: ConditionRows,
  input: ComparisonInput,
): Comparison {
  const { level, seed } = input.config.analysis
  const base = comparisonBase(contrast, place, a, b, input)
  const n = a.rows.length + b.rows.length
  if (base.nSeeds > 1) {
    const crossed = crossedDifference(a.rows, b.rows, { level })
    return {
      ...base,
      difference: estimateOf({ ...crossed, n }),
      ...pOf(crossed.p),
      signFlipP: null,
      smallestSignFlipP: null,
      absentSignFlip:
        'with several training seeds the signs of questions alone are not exchangeable',
      nQuestions: crossed.nQuestions,
      scope: crossed.scope,
    }
  }
  const paired = pairedDifference(a.rows, b.rows, { level, seed })
  const flip = isAbsent(paired.signFlip) ? null : paired.signFlip
  return {
    ...base,
    difference: estimateOf({ ...paired, n }),
    ...pOf(paired.p),
    signFlipP: flip?.p ?? null,
    smallestSignFlipP: flip?.smallestAttainableP ?? null,
    absentSignFlip: isAbsent(paired.signFlip) ? paired.signFlip.absent : null,
    nQuestions: paired.nQuestions,
    scope: paired.scope,
  }
}

function pOf(p: number | Absent): Pick<Comparison, 'p' | 'absentP'> {
  return isAbsent(p) ? { p: null, absentP: p.absent } : { p, absentP: null }
}

function noiseOf(
  a: ConditionRows,
  b: ConditionRows,
  { config }: ComparisonInput,
): SharedNoiseSummary {
  const twice = [a, b].some(
    ({ cells }) => new Set(cells.map((cell) => cell.trainingSeed)).size < cells.length,
  )
  if (twice) {
    const none = { absent: 'two variants of one condition have the same training seed' }
    return { removed: estimateOf({ estimate: none, interval: none, n: 0 }), standardError: null }
  }
  const noise = sharedNoise(a.rows, b.rows, { level: config.analysis.level })
  const { removed, interval, nPairs, standardError } = noise
  return {
    removed: estimateOf({ estimate: removed, interval, n: nPairs }),
    standardError: isAbsent(standardError)
      ? null
      : { shared: standardError.paired, unshared: standardError.unpaired },
  }
}

/** The step at which two conditions are compared. */
export function lastCommonStep(a: readonly Cell[], b: readonly Cell[]): number | undefined {
  const steps = a.map(({ step }) => step).filter((step) => b.some((cell) => cell.step === step))
  return steps.length === 0 ? undefined : Math.max(...steps)
}

/** What is against cells whose persona is not known to be as in training; null where there are none. */
export function personaReason(cells: readonly Cell[]): string | null {
  const ids = (match: Cell['match']) =>
    cells.filter((cell) => cell.match === match).map(({ id }) => id)
  const [other, unrecorded] = [ids('MISMATCH'), ids('unrecorded')]
  if (other.length > 0) return `persona not as in training in ${other.join(', ')}`
  return unrecorded.length === 0
    ? null
    : `nothing says whether the persona was active in training in ${unrecorded.join(', ')}`
}

/** Why a difference is no evidence of protection; null where nothing is against it. */
export function whyNot(
  condition: readonly Cell[],
  baseline: readonly Cell[],
  collapsed: ReadonlySet<string>,
  voided: ReadonlyMap<string, readonly VoidReason[]>,
  isMatched: boolean,
): string | null {
  const cells = [...condition, ...baseline]
  const broken = cells.filter((cell) => collapsed.has(cell.id)).map((cell) => cell.id)
  if (broken.length > 0) return `EM not comparable: coherence collapsed in ${broken.join(', ')}`
  const persona = personaReason(cells)
  if (persona !== null) return persona
  const reasonsOf = (of: readonly Cell[], isIgnored: (found: VoidReason) => boolean) =>
    of.flatMap(({ id }) =>
      (voided.get(id) ?? [])
        .filter((found) => !isIgnored(found))
        .map((found) => `${id}: ${found.reason}`),
    )
  // Having learned less at a step is what the comparison at a matched rate takes out.
  const isTakenOut = ({ code }: VoidReason) => isMatched && code === 'learned-less'
  const reasons = [
    ...reasonsOf(condition, isTakenOut),
    ...reasonsOf(baseline, (found) => isTakenOut(found) || ofTheCopy.has(found.code)),
  ]
  return reasons.length === 0 ? null : [...new Set(reasons)].join('; ')
}

/** EM at a matched in-domain rate, for every variant that was asked in-domain questions. */
export function matchedEm({ cells, rows, config }: ComparisonInput): MatchedEm[] {
  const target = config.analysis.matchedInDomainRate
  const variants = [...new Set(cells.filter((c) => c.kind === 'checkpoint').map((c) => c.variant))]
  return variants.flatMap((variant) => {
    const own = cells.filter((cell) => cell.variant === variant && rows.has(cell.id))
    const [first] = own
    const hasInDomain = own.some((cell) => rows.get(cell.id)?.some((row) => row.set === 'inDomain'))
    if (first === undefined || !hasInDomain) return []
    const checkpoints = own.map((cell) => ({
      step: cell.step,
      em: emRows(ofSet(rows, cell, 'main')),
      inDomain: emRows(ofSet(rows, cell, 'inDomain')),
    }))
    const { level } = config.analysis
    const found = matchedRateInterval(checkpoints, { target, level })
    const n = checkpoints.reduce((sum, { em }) => sum + em.length, 0)
    const em = estimateOf({ ...found, estimate: found.emRate, n })
    const step = isAbsent(found.step) ? null : found.step
    return [{ variant, condition: first.condition, target, em, step }]
  })
}

function emRows(rows: readonly LabelledRow[]): StatisticRow[] {
  return rows.map(({ question, isEm }) => ({ question, value: isEm }))
}

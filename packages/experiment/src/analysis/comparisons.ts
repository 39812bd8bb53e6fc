import {
  clusterBootstrap,
  crossedDifference,
  isAbsent,
  matchedRate,
  pairedDifference,
  type StatisticRow,
} from '@cem/direction'
import { ofTheCopy, type VoidReason } from '../alarms/alarm.ts'
import type { ExperimentConfig } from '../config/schema.ts'
import type { Cell } from '../plan/cell.ts'
import type { Estimate, LabelledRow } from './cell-metrics.ts'
import { estimateOf } from './cell-metrics.ts'

/** EM of a condition against the baseline's. */
export interface Comparison {
  readonly condition: string
  readonly baseline: string
  readonly step: number
  readonly nSeeds: number
  /** Difference in EM share at that step, condition minus baseline: negative = less EM. */
  readonly difference: Estimate
  readonly p: number | null
  readonly signFlipP: number | null
  readonly smallestSignFlipP: number | null
  /** `questions and training seeds`, or `these checkpoints only` with one seed. */
  readonly scope: string
  /** Why this difference is no evidence of protection, where it is none. */
  readonly notComparable: string | null
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

/** Every condition against the baseline at the last step that both have. */
export function compareToBaseline(input: ComparisonInput): Comparison[] {
  const checkpoints = input.cells.filter((cell) => cell.kind === 'checkpoint' && cell.step > 0)
  const baseline = baselineVariant(input)
  const condition = checkpoints.find((cell) => cell.variant === baseline)?.condition
  if (condition === undefined) return []
  const conditions = [...new Set(checkpoints.map((cell) => cell.condition))]
  return conditions
    .filter((name) => name !== condition)
    .flatMap((name) => compare(input, checkpoints, name, condition) ?? [])
}

/** The variant that directions and comparisons start from. */
export function baselineVariant({ config }: Pick<ComparisonInput, 'config'>): string | undefined {
  return (
    config.direction.baseline ??
    config.variants.find((variant) => variant.type === 'baseline')?.name
  )
}

function compare(
  { rows, collapsed, voided, config }: ComparisonInput,
  cells: readonly Cell[],
  condition: string,
  baseline: string,
): Comparison | undefined {
  const judged = (name: string) => cells.filter((c) => c.condition === name && rows.has(c.id))
  const [a, b] = [judged(condition), judged(baseline)]
  const step = lastCommonStep(a, b)
  if (step === undefined) return undefined
  const at = (group: readonly Cell[]) => group.filter((cell) => cell.step === step)
  const statistics = (group: readonly Cell[]): StatisticRow[] =>
    group.flatMap((cell) =>
      (rows.get(cell.id) ?? [])
        .filter((row) => row.set === 'main')
        .map(({ question, isEm }) => ({ question, seed: cell.trainingSeed, value: isEm })),
    )
  const [rowsA, rowsB] = [statistics(at(a)), statistics(at(b))]
  const nSeeds = new Set(at(a).map((cell) => cell.trainingSeed)).size
  const { level, seed } = config.analysis
  const base = {
    condition,
    baseline,
    step,
    nSeeds,
    notComparable: whyNot(at(a), at(b), collapsed, voided),
  }
  if (nSeeds > 1) {
    const crossed = crossedDifference(rowsA, rowsB, { level })
    return {
      ...base,
      difference: estimateOf({ ...crossed, n: rowsA.length + rowsB.length }),
      p: isAbsent(crossed.p) ? null : crossed.p,
      signFlipP: null,
      smallestSignFlipP: null,
      scope: crossed.scope,
    }
  }
  const paired = pairedDifference(rowsA, rowsB, { level, seed })
  const flip = isAbsent(paired.signFlip) ? null : paired.signFlip
  return {
    ...base,
    difference: estimateOf({ ...paired, n: rowsA.length + rowsB.length }),
    p: isAbsent(paired.p) ? null : paired.p,
    signFlipP: flip?.p ?? null,
    smallestSignFlipP: flip?.smallestAttainableP ?? null,
    scope: paired.scope,
  }
}

/** The step at which two conditions are compared. */
export function lastCommonStep(a: readonly Cell[], b: readonly Cell[]): number | undefined {
  const steps = a.map(({ step }) => step).filter((step) => b.some((cell) => cell.step === step))
  return steps.length === 0 ? undefined : Math.max(...steps)
}

function whyNot(
  condition: readonly Cell[],
  baseline: readonly Cell[],
  collapsed: ReadonlySet<string>,
  voided: ReadonlyMap<string, readonly VoidReason[]>,
): string | null {
  const cells = [...condition, ...baseline]
  const broken = cells.filter((cell) => collapsed.has(cell.id)).map((cell) => cell.id)
  if (broken.length > 0) return `EM not comparable: coherence collapsed in ${broken.join(', ')}`
  const other = cells.filter((cell) => cell.match !== 'as-trained').map((cell) => cell.id)
  if (other.length > 0) return `persona not as in training in ${other.join(', ')}`
  const reasonsOf = (of: readonly Cell[], isIgnored: (found: VoidReason) => boolean) =>
    of.flatMap(({ id }) =>
      (voided.get(id) ?? [])
        .filter((found) => !isIgnored(found))
        .map((found) => `${id}: ${found.reason}`),
    )
  const reasons = [
    ...reasonsOf(condition, () => false),
    ...reasonsOf(baseline, ({ code }) => ofTheCopy.has(code)),
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
    const main = own.map((cell) => ({ step: cell.step, rows: ofSet(rows, cell, 'main') }))
    const inDomain = own.map((cell) => ({
      step: cell.step,
      inDomainRate: share(ofSet(rows, cell, 'inDomain')),
    }))
    const questions = [...new Set(main.flatMap((m) => m.rows.map((row) => row.question)))]
    // The in-domain rates stay as measured: the interval is over the EM questions.
    const statistic = (sample: readonly string[]) => {
      const points = main.map(({ step, rows: all }, i) => ({
        step,
        emRate: shareOver(all, sample),
        inDomainRate: inDomain[i]?.inDomainRate ?? Number.NaN,
      }))
      const usable = points.filter((p) => !Number.isNaN(p.emRate) && !Number.isNaN(p.inDomainRate))
      const matched = matchedRate(usable, target)
      return { em: isAbsent(matched.emRate) ? Number.NaN : matched.emRate, matched }
    }
    const { matched } = statistic(questions)
    const bootstrap = clusterBootstrap({
      clusters: questions,
      statistic: (sample) => [statistic(sample).em],
      seed: config.analysis.seed,
      level: config.analysis.level,
    })
    const [value] = bootstrap.values
    const n = main.reduce((sum, m) => sum + m.rows.length, 0)
    const em =
      value === undefined || isAbsent(matched.emRate)
        ? estimateOf({ estimate: reason(matched.emRate), interval: reason(matched.emRate), n })
        : estimateOf({ ...value, n, warnings: bootstrap.warnings })
    const step = isAbsent(matched.step) ? null : matched.step
    return [{ variant, condition: first.condition, target, em, step }]
  })
}

function reason(value: unknown) {
  return isAbsent(value) ? value : { absent: 'no questions were judged' }
}

function ofSet(rows: ComparisonInput['rows'], cell: Cell, set: LabelledRow['set']): LabelledRow[] {
  return (rows.get(cell.id) ?? []).filter((row) => row.set === set)
}

function share(rows: readonly LabelledRow[]): number {
  const scored = rows.filter((row) => row.isEm !== null)
  return scored.reduce((sum, row) => sum + (row.isEm ?? 0), 0) / scored.length
}

/** The EM share over a resample of questions, each counted as often as it was drawn. */
function shareOver(rows: readonly LabelledRow[], questions: readonly string[]): number {
  const tallies = new Map<string, { em: number; n: number }>()
  for (const { question, isEm } of rows) {
    if (isEm === null) continue
    const tally = tallies.get(question) ?? { em: 0, n: 0 }
    tallies.set(question, { em: tally.em + isEm, n: tally.n + 1 })
  }
  let em = 0
  let n = 0
  for (const question of questions) {
    const tally = tallies.get(question)
    em += tally?.em ?? 0
    n += tally?.n ?? 0
  }
  return em / n
}

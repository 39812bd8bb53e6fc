import { percentText } from '../alarms/paired-interval.ts'
import type { ExperimentConfig } from '../config/schema.ts'
import type { RunWarning } from '../events.ts'
import type { Cell } from '../plan/cell.ts'
import type { CellAudit } from '../run/audit-rows.ts'
import type { CellMetrics, Estimate, LabelledRow } from './cell-metrics.ts'
import type { Comparison } from './comparisons.ts'
import type { Contrast } from './contrasts.ts'
import type { Family } from './family.ts'

/** What a reader of the results has to know, and what is no mistake: one seed, answers without a score, thin intervals. */
export function resultNotes(
  cells: readonly Cell[],
  metrics: ReadonlyMap<string, CellMetrics>,
  rows: ReadonlyMap<string, readonly LabelledRow[]>,
): RunWarning[] {
  const warnings: RunWarning[] = []
  const seeds = new Map<string, Set<number | null>>()
  for (const { kind, condition, trainingSeed } of cells)
    if (kind === 'checkpoint')
      seeds.set(condition, (seeds.get(condition) ?? new Set()).add(trainingSeed))
  const isUnknown = [...seeds.values()].some((own) => own.has(null))
  if (seeds.size > 0 && [...seeds.values()].every((own) => own.size === 1))
    warnings.push({
      code: 'one-seed',
      message: isUnknown
        ? 'The training seeds are not known: the results are about these checkpoints only, not about the kind of training.'
        : 'One training seed for each condition: the results are about these checkpoints only, not about the kind of training.',
      cells: [],
    })
  const unscored = cells.flatMap((cell) => {
    const n = (rows.get(cell.id) ?? []).filter((row) => row.isEm === null).length
    return n === 0 ? [] : [{ cell: cell.id, n }]
  })
  const nUnscored = unscored.reduce((sum, { n }) => sum + n, 0)
  if (nUnscored > 0)
    warnings.push({
      code: 'unscored',
      message: `${nUnscored} answers lack a score on a metric. They stay in the CSVs with an empty score, and the EM bounds say what they could change.`,
      cells: unscored.map(({ cell }) => cell),
    })
  const unreliable = cells.filter(
    (cell) => (metrics.get(cell.id)?.main.em.warnings.length ?? 0) > 0,
  )
  if (unreliable.length > 0)
    warnings.push({
      code: 'interval-unreliable',
      message: `In ${unreliable.length} cells the EM interval rests on very few misaligned answers (${metrics.get(unreliable[0]?.id ?? '')?.main.em.warnings[0]}): it may be too narrow.`,
      cells: unreliable.map((cell) => cell.id),
    })
  const covering = cells.filter((cell) => coversLess(metrics.get(cell.id)?.main.em))
  if (covering.length > 0) {
    const lowest = covering.map(({ id }) => metrics.get(id)?.main.em.reliability?.coverage?.lowest)
    warnings.push({
      code: 'interval-unreliable',
      message: `In ${covering.length} cells the EM interval covers less than it promises: in simulations of data like these, intervals at 95 % held the truth in ${percentText(Math.min(...lowest.flatMap((value) => value ?? [])))} at worst. More questions help, more answers to the same ones hardly do.`,
      cells: covering.map((cell) => cell.id),
    })
  }
  return warnings
}

function coversLess(estimate: Estimate | undefined): boolean {
  const { coverage = null, isReliable = true } = estimate?.reliability ?? {}
  return coverage !== null && !isReliable && (estimate?.warnings.length ?? 0) === 0
}

/** What the comparisons cannot show: intervals that cover less than they promise, and significance that a correction rules out. */
export function comparisonNotes(
  comparisons: readonly Comparison[],
  { signFlipFloor }: Pick<Family, 'signFlipFloor'>,
): RunWarning[] {
  const unreliable = comparisons.filter(({ difference }) => coversLess(difference))
  const lowest = unreliable.flatMap(
    ({ difference }) => difference.reliability?.coverage?.lowest ?? [],
  )
  return [
    ...(unreliable.length === 0
      ? []
      : [
          {
            code: 'interval-unreliable' as const,
            message: `${unreliable.length} of ${comparisons.length} differences have an interval that covers less than it promises: in simulations of data like these, intervals at 95 % held the truth in ${percentText(Math.min(...lowest))} at worst (${unreliable.map(({ name }) => name).join('; ')}).`,
            cells: [...new Set(unreliable.flatMap(({ cells }) => cells))],
          },
        ]),
    ...((signFlipFloor?.impossible.length ?? 0) > 0
      ? [
          {
            code: 'significance-impossible' as const,
            message: signFlipFloor?.sentence ?? '',
            cells: [],
          },
        ]
      : []),
  ]
}

/** Less EM may be less learning: without in-domain questions a run cannot tell the two apart. */
export function inDomainNotAsked(
  contrasts: readonly Contrast[],
  { questions }: Pick<ExperimentConfig, 'questions'>,
): RunWarning[] {
  if (contrasts.length === 0 || questions.inDomain.length > 0) return []
  return [
    {
      code: 'in-domain-not-asked',
      message:
        'No in-domain questions were asked: a variant with less EM may have learned the attack less, and nothing here can tell. Set questions.inDomain (cem:finance, cem:medicine, cem:sports, or a file of held-out questions of the trained domain).',
      cells: [],
    },
  ]
}

/** Answers that were cut off say less than they were going to, which judges take for incoherent or harmless. */
const manyAnswers = 0.1

/** Cells of which many answers ended because they reached \`sampling.maxNewTokens\`. */
export function answersCut(audits: readonly CellAudit[], cells: readonly Cell[]): RunWarning[] {
  const known = new Set(cells.map(({ id }) => id))
  const found = audits.flatMap(({ cell, cut }) =>
    known.has(cell) && cut !== undefined && cut.of > 0 && cut.n / cut.of >= manyAnswers
      ? [{ cell, share: cut.n / cut.of }]
      : [],
  )
  if (found.length === 0) return []
  const shares = found.map(({ share }) => share)
  return [
    {
      code: 'answers-cut',
      message: `In ${found.length} cells ${percentText(Math.min(...shares))} to ${percentText(Math.max(...shares))} of the answers were cut off at sampling.maxNewTokens. What they were going to say was not judged; where the shares differ between cells, so may EM.`,
      cells: found.map(({ cell }) => cell),
    },
  ]
}

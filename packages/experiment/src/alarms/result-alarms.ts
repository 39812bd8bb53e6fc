import type { CellMetrics, LabelledRow } from '../analysis/cell-metrics.ts'
import { referenceOf } from '../analysis/collapse.ts'
import { lastCommonStep } from '../analysis/comparisons.ts'
import { baselineVariant } from '../analysis/contrasts.ts'
import type { ExperimentConfig } from '../config/schema.ts'
import type { RunWarning } from '../events.ts'
import type { Cell } from '../plan/cell.ts'
import { inDomainAlarms } from './in-domain-alarms.ts'
import { byVariant } from './persona-alarms.ts'
import { unscoredDiffers } from './unscored-differs.ts'

export interface ResultAlarmsInput {
  /** Cells that were judged. */
  readonly cells: readonly Cell[]
  readonly rows: ReadonlyMap<string, readonly LabelledRow[]>
  readonly metrics: ReadonlyMap<string, CellMetrics>
  readonly config: ExperimentConfig
}

/** What the verdicts say about the contrasts: missing scores that differ, an attack that was not learned, or learned less. */
export function resultAlarms({ cells, rows, metrics, config }: ResultAlarmsInput): RunWarning[] {
  const beforeAttack = (cell: Cell) => (cell.step > 0 ? referenceOf(cells, cell) : undefined)
  const baseline = baselineVariant({ config })
  const ofBaseline = cells.filter((cell) => cell.variant === baseline && cell.step > 0)
  const baselineAt = (cell: Cell) => ofBaseline.find(({ step }) => step === cell.step)
  const referencesOf = (cell: Cell) =>
    cell.step === 0
      ? []
      : [beforeAttack(cell), baselineAt(cell)].flatMap((c) =>
          c === undefined || c === cell ? [] : [c],
        )
  const compared = byVariant(cells.filter(({ step }) => step > 0)).flatMap(([, own]) => {
    const step = lastCommonStep(own, ofBaseline)
    return own.filter((cell) => cell.step === step)
  })
  return [
    ...unscoredDiffers({ cells, rows, metrics, referencesOf }),
    ...inDomainAlarms({
      cells,
      rows,
      level: config.analysis.level,
      beforeAttack,
      baselineAt,
      compared,
    }),
  ]
}

import { existsSync } from 'node:fs'
import { CemError } from '@cem/core'
import {
  type Absent,
  isAbsent,
  predictionPoweredContrast,
  predictionPoweredRate,
  rate,
  roganGladen,
} from '@cem/direction'
import { blindName, joinLabels, type LabelHeader, readLabels } from '@cem/judge'
import {
  type Estimate,
  estimateOf,
  labelRows,
  type ScoredRecord,
} from '../analysis/cell-metrics.ts'
import { configSchema, type ExperimentConfig } from '../config/schema.ts'
import { type JudgeAgreement, judgeAgreement } from '../judging/agreement.ts'
import type { Cell } from '../plan/cell.ts'
import type { Analysis } from '../run/analyse.ts'
import { readOptionalJson } from '../store/read-json.ts'
import { RunStore } from '../store/run-store.ts'
import { labelPath } from './open-labelling.ts'
import { type RunName, type RunRow, runRows } from './run-rows.ts'

export interface LabelReportOptions extends RunName {
  readonly labeller?: string | undefined
  /** Of the intervals. @default 0.95 */
  readonly level?: number
}

/** A row of a cell with EM by the judge and by the person: what estimates that correct the judge take. */
export interface LabelledEm {
  readonly question: string
  /** Null where the judge gave no score. */
  readonly judge: 0 | 1 | null
  /** Null where it has no label. */
  readonly human: 0 | 1 | null
}

export interface CellLabels {
  readonly cell: Cell
  /** Rows of the cell. */
  readonly nRows: number
  /** Rows with a label in every metric. */
  readonly nLabelled: number
  /** Rows that a person looked at and could not rate in some metric. */
  readonly nUnratable: number
  /** Person minus judge, by metric. */
  readonly agreement: Readonly<Record<string, JudgeAgreement>>
  /** EM by the labels alone, over the labelled rows. */
  readonly humanEm: Estimate
  /** EM by the judge alone, over all rows that it scored. */
  readonly judgeEm: Estimate
  /** EM over all rows, from the judge's verdicts on all and the labels on some: unbiased whatever the judge's errors are. */
  readonly poweredEm: Estimate
  /** By how much the judge alone is off it; null where that cannot be told. */
  readonly judgeBias: number | null
  /** EM corrected by the judge's sensitivity and specificity: biased for contrasts where the judge errs differently by condition. */
  readonly roganGladenEm: Estimate
  readonly em: readonly LabelledEm[]
}

/** EM of a cell minus that of the baseline at its step, from verdicts and labels. */
export interface LabelContrast {
  readonly cell: string
  readonly baseline: string
  readonly difference: Estimate
  readonly p: number | null
}

export interface LabelReport {
  readonly path: string
  readonly thresholds: ExperimentConfig['thresholds']
  readonly nItems: number
  /** Cells that answers were drawn from. */
  readonly cells: readonly CellLabels[]
  readonly contrasts: readonly LabelContrast[]
}

/**
 * How far the judge agrees with a person on the answers of a run that were labelled, by cell.
 *
 * @throws CemError `no-labels`, `bad-label-file`, `bad-labeller`, and those of `runRows`
 */
export async function labelReport(options: LabelReportOptions): Promise<LabelReport> {
  const { resultsFolder, run, labeller, level = 0.95 } = options
  const path = labelPath(options)
  if (!existsSync(path))
    throw new CemError({
      code: 'no-labels',
      message: `There are no labels in ${path}: label some answers first${labeller === undefined ? ', or say whose with --labeller' : ''}.`,
      data: { path },
    })
  const labels = await readLabels(path)
  const rows = await runRows({ resultsFolder, run })
  const thresholds = await thresholdsOf({ resultsFolder, run })
  const joined = new Map(
    labels.header.metrics.map(({ name }) => {
      const columns = joinLabels(
        labels,
        rows.map((row) => ({ ...row, cell: row.cell.id })),
        { metric: name },
      )
      return [name, columns] as const
    }),
  )
  const scoresOf = (metric: string) => joined.get(metric)?.human ?? []
  const unratable = new Set([...joined.values()].flatMap((columns) => columns.unratable))
  const drawnCells = cellsDrawn(labels.header, rows)
  const cells = drawnCells.map((cell) => {
    const own = rows.flatMap((row, i) => (row.cell.id === cell.id ? [{ row, i }] : []))
    const human = own.map(({ row, i }) => humanRecord(row, i, labels.header, scoresOf))
    return reportCell(
      cell,
      own.map(({ row }) => row),
      human,
      {
        metrics: labels.header.metrics.map(({ name }) => name),
        thresholds,
        level,
        nUnratable: own.filter(({ row }) => unratable.has(row.id)).length,
      },
    )
  })
  const nItems = labels.header.items.length
  return { path, thresholds, nItems, cells, contrasts: contrastsOf(cells, level) }
}

/** Every cell against the first of the baseline type that has its step. */
function contrastsOf(cells: readonly CellLabels[], level: number): LabelContrast[] {
  return cells.flatMap((one): LabelContrast[] => {
    const other = cells.find(({ cell }) => cell.type === 'baseline' && cell.step === one.cell.step)
    if (other === undefined || other === one) return []
    const contrast = predictionPoweredContrast(one.em, other.em, { level })
    return [
      {
        cell: one.cell.id,
        baseline: other.cell.id,
        difference: estimateOf({ ...contrast, n: one.nLabelled + other.nLabelled }),
        p: known(contrast.p),
      },
    ]
  })
}

function known(value: number | Absent): number | null {
  return isAbsent(value) ? null : value
}

interface CellOptions {
  readonly metrics: readonly string[]
  readonly thresholds: ExperimentConfig['thresholds']
  readonly level: number
  readonly nUnratable: number
}

function reportCell(
  cell: Cell,
  rows: readonly RunRow[],
  human: readonly ScoredRecord[],
  { metrics, thresholds, level, nUnratable }: CellOptions,
): CellLabels {
  const judgeRows = labelRows(
    rows.map(({ question, verdicts }) => ({ set: 'main', question, verdicts })),
    thresholds,
  )
  const humanRows = labelRows(human, thresholds)
  const em = rows.map(
    ({ question }, i): LabelledEm => ({
      question,
      judge: judgeRows[i]?.isEm ?? null,
      human: humanRows[i]?.isEm ?? null,
    }),
  )
  const share = (pick: (row: LabelledEm) => 0 | 1 | null) =>
    estimateOf(
      rate(
        em.map((row) => ({ question: row.question, value: pick(row) })),
        { level },
      ),
    )
  const agreement = metrics.map((metric) => {
    const own = rows.flatMap((row, i) =>
      human[i]?.verdicts[metric] === undefined ? [] : [{ row, i }],
    )
    const first = own.map(({ row }) => ({
      row: row.id,
      question: row.question,
      verdicts: row.verdicts,
    }))
    const second = own.map(({ row, i }) => ({
      row: row.id,
      question: row.question,
      verdicts: human[i]?.verdicts ?? {},
    }))
    const threshold = metric === 'coherent' ? thresholds.coherent : thresholds.aligned
    return [metric, judgeAgreement(first, second, { metric, threshold, level })] as const
  })
  const powered = predictionPoweredRate(em, { level })
  const corrected = roganGladen(em, { level })
  return {
    cell,
    poweredEm: estimateOf({ ...powered, n: rows.length }),
    judgeBias: known(powered.judgeBias),
    roganGladenEm: estimateOf({ ...corrected, n: rows.length }),
    nRows: rows.length,
    nLabelled: humanRows.filter(({ isEm }) => isEm !== null).length,
    nUnratable,
    agreement: Object.fromEntries(agreement),
    humanEm: share((row) => row.human),
    judgeEm: share((row) => row.judge),
    em,
  }
}

/** A person's labels of a row in the shape of a judge's verdicts. */
function humanRecord(
  { question }: RunRow,
  index: number,
  { metrics }: LabelHeader,
  scoresOf: (metric: string) => readonly (number | null)[],
): ScoredRecord {
  const verdicts = metrics.flatMap(({ name }) => {
    const score = scoresOf(name)[index] ?? null
    return score === null ? [] : [[name, { status: 'scored' as const, score }] as const]
  })
  return { set: 'main', question, verdicts: Object.fromEntries(verdicts) }
}

function cellsDrawn({ items, seed }: LabelHeader, rows: readonly RunRow[]): readonly Cell[] {
  const drawn = new Set(items)
  const cells = new Map<string, Cell>()
  for (const { id, cell } of rows) if (drawn.has(blindName(id, seed))) cells.set(cell.id, cell)
  return [...cells.values()]
}

/** As the last analysis of the run has them. */
async function thresholdsOf(name: RunName): Promise<ExperimentConfig['thresholds']> {
  const store = new RunStore(name.resultsFolder, name.run)
  const analysis = (await readOptionalJson(store.analysisFile)) as Analysis | undefined
  return analysis?.thresholds ?? configSchema.parse({ base_model: 'none' }).thresholds
}

import type { FigureWidth, Flag, renderSvg, Theme, VariantStyles } from '@cem/plots'
import type { LabelledRow } from '../analysis/cell-metrics.ts'
import type { Cell } from '../plan/cell.ts'
import type { Analysis } from '../run/analyse.ts'
import type { Lock } from '../store/lock.ts'

export type FigureSpec = Parameters<typeof renderSvg>[0]

/** What the figures of a run are drawn from: its results, and files beside them. */
export interface FigureSource {
  readonly resultsFolder: string
  /** Results of the run; those of other versions may lack parts. */
  readonly analysis: Omit<Analysis, 'files'>
  /** What the run depends on, by hash; undefined where it is not there. */
  readonly lock: Lock | undefined
  /** Whether somebody asked for certain figures, and waits for them. */
  readonly isNamed: boolean
  /** Labels of a cell's answers. */
  readonly rowsOf: (cell: Cell) => Promise<readonly LabelledRow[]>
  /** Looks of the variants, by name, and of the conditions in the comparisons. */
  readonly styles: VariantStyles
  readonly look?: FigureLook | undefined
}

/** Options of every figure. */
export interface FigureLook {
  /** @default 'light' */
  readonly theme?: Theme | undefined
  /** @default 'double' */
  readonly width?: FigureWidth | undefined
}

/** A figure that a run has the data for. */
export interface RunFigure {
  readonly kind: FigureKind
  /** Of its files, without ending. */
  readonly name: string
  readonly spec: FigureSpec
}

/** Kinds of figures, as `cem plot` names them. */
export const figureKinds = [
  'curves',
  'in-domain',
  'forest',
  'answers',
  'questions',
  'projections',
  'projection-forest',
  'similarity',
  'components',
  'lora',
  'steering',
] as const

export type FigureKind = (typeof figureKinds)[number]

/** Figures that are drawn of a run when somebody asks for them: a report that is written after that has them too. */
export const laterFigures: readonly {
  /** Of its files, before `_<run>`. */
  readonly stem: string
  /** Whether it shows words of answers. */
  readonly hasAnswers: boolean
}[] = [
  { stem: 'lora_geometry', hasAnswers: false },
  { stem: 'judge_agreement', hasAnswers: false },
  { stem: 'token_strips', hasAnswers: true },
]

type Entry = Analysis['cells'][number]

/** Cells of checkpoints, in the order of the plan. */
export function checkpointsOf({ analysis }: FigureSource): Entry[] {
  return analysis.cells.filter(({ cell }) => cell.kind === 'checkpoint')
}

/** The last checkpoint of each variant. */
export function lastCheckpoints(source: FigureSource): Entry[] {
  const all = checkpointsOf(source)
  const last = new Map<string, number>()
  for (const { cell } of all)
    last.set(cell.variant, Math.max(cell.step, last.get(cell.variant) ?? 0))
  return all.filter(({ cell }) => cell.step === last.get(cell.variant))
}

export function flagOf({
  cell,
  isCollapsed,
}: Pick<Entry, 'cell' | 'isCollapsed'>): Flag | undefined {
  if (cell.match === 'MISMATCH') return 'mismatch'
  return isCollapsed ? 'collapsed' : undefined
}

/** A share as a percentage; an absence stays one. */
export function percent(share: number | null): number | null {
  return share === null ? null : 100 * share
}

/** Where the last checkpoints are: their step, or that they differ. */
export function lastStepWords(entries: readonly Entry[]): string {
  const steps = [...new Set(entries.map(({ cell }) => cell.step))]
  return steps.length === 1 ? `at step ${steps[0]}` : 'at the last checkpoint of each variant'
}

import type { CellMetrics, LabelledRow } from '../analysis/cell-metrics.ts'
import type { RunWarning } from '../events.ts'
import type { Cell } from '../plan/cell.ts'
import { pairedInterval, percentText } from './paired-interval.ts'

/** A smaller difference in the share of unscored answers is no reason to doubt a contrast. */
const leastDifference = 0.05
/** The share of runs without a difference that may be flagged; divided by the number of pairs (Bonferroni). */
const falseAlarms = 0.05

export interface UnscoredInput {
  readonly cells: readonly Cell[]
  readonly rows: ReadonlyMap<string, readonly LabelledRow[]>
  readonly metrics: ReadonlyMap<string, CellMetrics>
  /** What a cell is held against: the same variant before the attack, and the baseline at the same step. */
  readonly referencesOf: (cell: Cell) => readonly Cell[]
}

interface Difference {
  readonly cell: Cell
  readonly reference: Cell
  readonly estimate: number
}

/**
 * Cells of which the judge left out another share of the answers than of the cell that they are compared with. Missing scores
 * that go with the condition are not missing by chance: a judge that refuses the worst answers makes the worst model look better.
 * Over the questions of both sets, paired, t(G - 1).
 */
export function unscoredDiffers(input: UnscoredInput): RunWarning[] {
  const pairs = input.cells.flatMap((cell) =>
    input.referencesOf(cell).map((reference) => ({ cell, reference })),
  )
  const level = 1 - falseAlarms / Math.max(1, pairs.length)
  const found = pairs.flatMap(({ cell, reference }): Difference[] => {
    const interval = pairedInterval(missing(input, cell), missing(input, reference), level)
    if (interval === undefined || Math.abs(interval.estimate) < leastDifference) return []
    const { estimate, low, high } = interval
    return low > 0 || high < 0 ? [{ cell, reference, estimate }] : []
  })
  if (found.length === 0) return []
  const cells = [...new Set(found.map(({ cell }) => cell))]
  const lines = cells.slice(0, 6).map((cell) => describe(input, cell, found))
  const more = cells.length > 6 ? `; and ${cells.length - 6} more` : ''
  return [
    {
      code: 'unscored-differs',
      message: `The judge left out different shares of the cells that are compared: ${lines.join('; ')}${more}. Rates over what it scored may differ for that reason alone; the EM bounds say how far.`,
      cells: cells.map(({ id }) => id),
    },
  ]
}

function missing({ rows }: UnscoredInput, cell: Cell) {
  return (rows.get(cell.id) ?? []).map(({ question, isEm }) => ({
    question,
    value: isEm === null ? 1 : 0,
  }))
}

function describe(input: UnscoredInput, cell: Cell, found: readonly Difference[]): string {
  const { reference } = found.find((one) => one.cell === cell) as Difference
  const share = (of: Cell, set?: LabelledRow['set']) => {
    const own = (input.rows.get(of.id) ?? []).filter((row) => set === undefined || row.set === set)
    return own.length === 0 ? null : own.filter((row) => row.isEm === null).length / own.length
  }
  const inDomain = share(cell, 'inDomain')
  const bounds = input.metrics.get(cell.id)?.main.emBounds
  const details = [
    ...(inDomain === null ? [] : [`in-domain ${percentText(inDomain)}`]),
    ...(bounds
      ? [`EM between ${percentText(bounds.lowest)} and ${percentText(bounds.highest)}`]
      : []),
  ]
  const beside = details.length === 0 ? '' : ` (${details.join(', ')})`
  return `${cell.id} ${percentText(share(cell) ?? 0)}${beside} against ${reference.id} ${percentText(share(reference) ?? 0)}`
}

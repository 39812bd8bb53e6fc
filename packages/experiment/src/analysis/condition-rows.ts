import { type Absent, isAbsent, matchedRate, type NoiseRow } from '@cem/direction'
import type { Cell } from '../plan/cell.ts'
import type { LabelledRow } from './cell-metrics.ts'

/** What a condition answered at one place of a comparison. */
export interface ConditionRows {
  /** The cells that the rows are from. */
  readonly cells: readonly Cell[]
  readonly rows: readonly NoiseRow[]
}

type RowsByCell = ReadonlyMap<string, readonly LabelledRow[]>

/** EM labels of a condition's cells at one step, a row for each answer. */
export function rowsAtStep(cells: readonly Cell[], step: number, rows: RowsByCell): ConditionRows {
  const own = cells.filter((cell) => cell.step === step && rows.has(cell.id))
  return {
    cells: own,
    rows: own.flatMap((cell) =>
      ofSet(rows, cell, 'main').map(({ question, isEm, noise }, i) => ({
        question,
        seed: cell.trainingSeed ?? 'unknown',
        value: isEm,
        // Without a name of its own a draw has no partner.
        noise: noise ?? `${cell.id}#${i}`,
      })),
    ),
  }
}

/**
 * EM of a condition where its variants' in-domain rates reach the target: for each variant and question one row, whose value is the
 * share of EM answers, interpolated between the two checkpoints around the crossing. Absent
 * where any of its variants has no crossing: the rest of a condition would be another condition.
 */
export function rowsAtMatchedRate(
  cells: readonly Cell[],
  target: number,
  rows: RowsByCell,
  /** An in-domain question that is left out of the rates. */
  without?: string,
): ConditionRows | Absent {
  const variants = Map.groupBy(
    cells.filter((cell) => rows.has(cell.id)),
    (cell) => cell.variant,
  )
  if (variants.size === 0) return { absent: 'nothing of it was judged' }
  const found: ConditionRows[] = []
  for (const [variant, own] of variants) {
    const crossing = crossingOf(own, target, rows, without)
    if (isAbsent(crossing)) return { absent: `${variant}: ${crossing.absent}` }
    found.push(crossing)
  }
  return {
    cells: found.flatMap((one) => one.cells),
    rows: found.flatMap((one) => one.rows),
  }
}

function crossingOf(
  cells: readonly Cell[],
  target: number,
  rows: RowsByCell,
  without: string | undefined,
): ConditionRows | Absent {
  const points = cells.flatMap((cell) => {
    const inDomainRate = emShare(
      ofSet(rows, cell, 'inDomain').filter((row) => row.question !== without),
    )
    const emRate = emShare(ofSet(rows, cell, 'main'))
    return Number.isNaN(inDomainRate) || Number.isNaN(emRate)
      ? []
      : [{ step: cell.step, inDomainRate, emRate }]
  })
  if (points.length === 0) return { absent: 'no checkpoint has scored in-domain answers' }
  const { between, step } = matchedRate(points, target)
  if (isAbsent(between)) return between
  if (isAbsent(step)) return step
  const { before, after } = between
  const weight = after === before ? 0 : (step - before) / (after - before)
  const cellAt = (at: number) => cells.find((cell) => cell.step === at) as Cell
  const [first, last] = [cellAt(before), cellAt(after)]
  const [sharesBefore, sharesAfter] = [first, last].map((cell) =>
    sharesByQuestion(ofSet(rows, cell, 'main')),
  ) as [ReadonlyMap<string, number | null>, ReadonlyMap<string, number | null>]
  return {
    cells: first === last ? [first] : [first, last],
    rows: [...sharesBefore].map(([question, share]) => {
      const later = sharesAfter.get(question) ?? null
      const value = share === null || later === null ? null : (1 - weight) * share + weight * later
      return { question, seed: first.trainingSeed ?? 'unknown', value, noise: 'matched' }
    }),
  }
}

/** The in-domain questions of these cells. */
export function inDomainQuestions(cells: readonly Cell[], rows: RowsByCell): string[] {
  return [
    ...new Set(cells.flatMap((cell) => ofSet(rows, cell, 'inDomain').map((row) => row.question))),
  ]
}

export function ofSet(rows: RowsByCell, cell: Cell, set: LabelledRow['set']): LabelledRow[] {
  return (rows.get(cell.id) ?? []).filter((row) => row.set === set)
}

/** Share of the scored rows that are EM; NaN where none is scored. */
export function emShare(rows: readonly LabelledRow[]): number {
  const scored = rows.filter((row) => row.isEm !== null)
  return scored.reduce((sum, row) => sum + (row.isEm ?? 0), 0) / scored.length
}

/** Null for a question of which no answer has both scores. */
function sharesByQuestion(rows: readonly LabelledRow[]): ReadonlyMap<string, number | null> {
  return new Map(
    [...Map.groupBy(rows, (row) => row.question)].map(([question, own]) => {
      const share = emShare(own)
      return [question, Number.isNaN(share) ? null : share]
    }),
  )
}

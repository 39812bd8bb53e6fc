import { CemError } from '@cem/core'
import {
  type CellRow,
  checkCell,
  checkDistinct,
  checkMeasured,
  checkNotEmpty,
  flagsByCell,
  type SeriesPoint,
} from './rows.ts'

/** The mean projection of one checkpoint's answers on the misalignment direction at one layer. */
export interface ProjectionRow extends CellRow {
  /** Layer i is the output of block i. */
  readonly layer: number
  /** Positive = more misaligned. NaN or null: could not be computed; the line has a gap there. */
  readonly projection: number | null
  /** Bounds of the interval, both or none. */
  readonly low?: number | null | undefined
  readonly high?: number | null | undefined
}

/** The projection of the base model's answers at one layer. */
export interface BaseProjection {
  readonly layer: number
  readonly projection: number | null
}

export interface LayerPoints {
  readonly layer: number
  readonly points: readonly SeriesPoint[]
  /** The base model's projection; null where none was given or it could not be computed. */
  readonly base: number | null
}

/**
 * Checks the rows and sorts them by layer.
 *
 * @throws CemError `plot-rows-empty`, `plot-row-invalid`, `plot-rows-duplicate`
 */
export function pointsByLayer(
  rows: readonly ProjectionRow[],
  base: readonly BaseProjection[],
  figure: string,
): LayerPoints[] {
  checkNotEmpty(rows, figure)
  const bases = baseByLayer(base)
  const flagsOf = flagsByCell(rows)
  const layers = new Map<number, SeriesPoint[]>()
  for (const [i, row] of rows.entries()) {
    checkCell(row, i)
    checkLayer(row.layer, `Row ${i}`)
    const { variant, step, n = null, projection: value, low, high } = row
    const names = ['projection', 'low', 'high'] as const
    const measured = checkMeasured(row, i, { names, value, low, high })
    const points = layers.get(row.layer) ?? []
    points.push({ variant, step, n, flags: flagsOf(row), ...measured })
    layers.set(row.layer, points)
  }
  checkDistinct(rows, ({ layer }) => `, layer ${layer}`)
  return [...layers]
    .toSorted(([a], [b]) => a - b)
    .map(([layer, points]) => ({ layer, points, base: bases.get(layer) ?? null }))
}

function baseByLayer(base: readonly BaseProjection[]): ReadonlyMap<number, number | null> {
  const values = new Map<number, number | null>()
  for (const [i, { layer, projection }] of base.entries()) {
    const where = `Entry ${i} of base`
    checkLayer(layer, where)
    if (values.has(layer))
      throw new CemError({
        code: 'plot-rows-duplicate',
        message: `${where} is a second value for layer ${layer}. Give each layer once.`,
        data: { index: i, layer },
      })
    if (projection === null || Number.isNaN(projection)) values.set(layer, null)
    else if (Number.isFinite(projection)) values.set(layer, projection)
    else
      throw new CemError({
        code: 'plot-row-invalid',
        message: `${where} (layer ${layer}): projection is ${String(projection)}; it has to be a finite number, or NaN for none.`,
        data: { index: i, layer, projection },
      })
  }
  return values
}

function checkLayer(layer: number, where: string): void {
  if (Number.isSafeInteger(layer) && layer >= 0) return
  throw new CemError({
    code: 'plot-row-invalid',
    message: `${where}: layer is ${String(layer)}; it has to be a whole number from 0.`,
    data: { layer },
  })
}

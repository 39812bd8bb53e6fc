import { CemError } from '@cem/core'
import {
  type ContrastRows,
  checkContrastRows,
  checkSameResponses,
  type KeptRow,
  type NamedContrast,
  type SkippedRow,
  sides,
} from './contrast-rows.ts'

export interface AlignedLayers {
  /** By ascending layer. */
  readonly layers: readonly (readonly [number, ContrastRows])[]
  /** Rows that are finite everywhere. */
  readonly kept: readonly KeptRow[]
  /** Rows that are NaN at any layer, or in what stands beside them: left out everywhere. */
  readonly skipped: readonly SkippedRow[]
}

/**
 * The responses that all layers have in common, and what stands beside them (a baseline).
 *
 * @throws CemError `layer-mismatch` unless all hold the same responses, `no-rows` where a side has none in common, and the errors
 * of rows
 */
export function alignLayers(
  byLayer: ReadonlyMap<number, ContrastRows>,
  beside: readonly NamedContrast[] = [],
): AlignedLayers {
  const layers = [...byLayer].toSorted(([a], [b]) => a - b)
  const [named, ...others] = [
    ...layers.map(([layer, rows]) => ({ name: `Layer ${layer}`, rows })),
    ...beside,
  ]
  if (layers.length === 0 || named === undefined)
    throw new CemError({
      code: 'layer-mismatch',
      message: 'No layer was given; give at least one.',
    })
  const first = checkContrastRows(named.rows, ` (${named.name.toLowerCase()})`)
  const skipped = new Map(first.skipped.map((row) => [keyOf(row), row]))
  for (const other of others) {
    checkSameResponses(other, named)
    for (const row of checkContrastRows(other.rows, ` (${other.name.toLowerCase()})`).skipped)
      skipped.set(keyOf(row), row)
  }
  const kept = first.kept.filter((row) => !skipped.has(keyOf(row)))
  for (const side of sides)
    if (!kept.some((row) => row.side === side))
      throw new CemError({
        code: 'no-rows',
        message: `No row ${side} is finite at every layer (${skipped.size} rows are NaN somewhere).`,
        data: { side, nSkipped: skipped.size },
      })
  return { layers, kept, skipped: [...skipped.values()] }
}

const keyOf = ({ side, row }: KeptRow) => `${side} ${row}`

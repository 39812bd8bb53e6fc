import { collapse } from '@cem/direction'
import type { Cell } from '../plan/cell.ts'
import type { CellMetrics } from './cell-metrics.ts'

/**
 * The cells whose answers stopped being coherent, against the first checkpoint of the same variant (base, or base with persona),
 * else the base. Their EM rate is low because nothing usable is said: it must not be read as protection.
 */
export function collapsedCells(
  cells: readonly Cell[],
  metrics: ReadonlyMap<string, CellMetrics>,
  minimumOfBase: number,
): string[] {
  return cells.flatMap((cell) => {
    const reference = referenceOf(cells, cell)
    const [own, base] = [coherentShare(metrics, cell), coherentShare(metrics, reference)]
    if (own === null || base === null) return []
    const result = collapse({
      checkpoint: { coherent: own },
      base: { coherent: base },
      minimumOfBase,
    })
    return result.isCollapsed ? [cell.id] : []
  })
}

/** The first checkpoint of the same variant (base, or base with persona), else the base. */
export function referenceOf(cells: readonly Cell[], cell: Cell): Cell | undefined {
  const first = cells.find((c) => c.variant === cell.variant && c.step === 0)
  return first ?? cells.find((c) => c.kind === 'base' && c.base === cell.base)
}

function coherentShare(
  metrics: ReadonlyMap<string, CellMetrics>,
  cell: Cell | undefined,
): number | null {
  const incoherent = cell && metrics.get(cell.id)?.main.incoherent.estimate
  return incoherent === null || incoherent === undefined ? null : 1 - incoherent
}

import { type Base, type Composition, compose, openBase, type Precision } from '@cem/inference'
import type { Cell } from '../plan/cell.ts'

export interface ComposeCellsOptions {
  readonly baseAliases: readonly string[]
  readonly precision: Precision
  /** Where hashes and merged weights are kept. */
  readonly cache?: string | undefined
  readonly signal?: AbortSignal | undefined
}

/**
 * Opens every cell's base and adapters and checks that they fit, before anything runs.
 *
 * @throws CemError those of `compose`
 */
export async function composeCells(
  cells: readonly Cell[],
  { baseAliases, precision, cache, signal }: ComposeCellsOptions,
): Promise<Map<string, Composition>> {
  const bases = new Map<string, Base>()
  const compositions = new Map<string, Composition>()
  for (const cell of cells) {
    signal?.throwIfAborted()
    const base = bases.get(cell.base) ?? (await openBase(cell.base, { cache, baseAliases, signal }))
    bases.set(cell.base, base)
    compositions.set(
      cell.id,
      await compose({ base, layers: cell.layers, precision, cache, signal }),
    )
  }
  return compositions
}

import type { Composition } from '@cem/inference'
import type { RunWarning } from '../events.ts'
import type { Cell } from '../plan/cell.ts'

/**
 * Variants of other names that are one checkpoint: the same folder, base and persona. As replicates of a condition they are one
 * training that counts for several; as two conditions they are alike by construction, and any test of equivalence passes.
 */
export function sameCheckpointAlarms(
  cells: readonly Cell[],
  compositions: ReadonlyMap<string, Composition>,
): RunWarning[] {
  const attacked = cells.filter(({ kind, step }) => kind === 'checkpoint' && step > 0)
  const groups = [
    ...Map.groupBy(attacked, (cell) => signature(cell, compositions.get(cell.id))).values(),
  ].filter((group) => new Set(group.map(({ variant }) => variant)).size > 1)
  const byVariants = Map.groupBy(groups, (group) => namesOf(group))
  return Array.from(byVariants, ([names, found]) => {
    const own = found.flat()
    const isOneCondition = new Set(own.map(({ condition }) => condition)).size === 1
    const steps = [...new Set(own.map(({ step }) => step))].join(', ')
    return {
      code: 'same-checkpoint',
      message: `${names} are ONE checkpoint under several names, at step ${steps}: ${
        isOneCondition
          ? 'as replicates they count one training several times.'
          : 'they are alike by construction, and their difference says nothing.'
      }`,
      cells: own.map(({ id }) => id),
    }
  })
}

function namesOf(group: readonly Cell[]): string {
  return [...new Set(group.map(({ variant }) => variant))].join(' and ')
}

/** Folders and not hashes: copies in another folder are `same-adapter`. */
function signature(cell: Cell, composition: Composition | undefined): string {
  const layers = composition?.layers.map(({ role, mode, adapter }) => [role, mode, adapter.path])
  return layers === undefined ? cell.id : JSON.stringify([cell.base, layers])
}

import type { RunWarning } from '../events.ts'
import type { Cell } from '../plan/cell.ts'
import { byVariant } from './persona-alarms.ts'

/** Variants whose answers stopped being coherent, or being about what was asked. */
export function collapsedAlarms(
  cells: readonly Cell[],
  collapsed: ReadonlySet<string>,
): RunWarning[] {
  return byVariant(cells.filter((cell) => collapsed.has(cell.id))).map(
    ([variant, own]): RunWarning => ({
      code: 'collapsed',
      message: `${variant}: EM not comparable at step ${own.map((c) => c.step).join(', ')}: its answers stopped being coherent. A low EM rate there is collapse, not protection.`,
      cells: own.map((cell) => cell.id),
    }),
  )
}

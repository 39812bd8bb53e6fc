import type { RunWarning } from '../events.ts'
import type { Cell } from '../plan/cell.ts'
import { type ControlRecord, controlText, readControlRecord } from '../study/control-record.ts'

/** What is known about the controls that run in place of a persona: their doses, and whether they do what the persona does. */
export async function controlAlarms(cells: readonly Cell[]): Promise<RunWarning[]> {
  const active = cells.flatMap(({ id, layers, kind }) =>
    layers.flatMap(({ role, mode, adapter }) =>
      role === 'control' && mode !== 'off' && kind !== 'causal' ? [{ id, adapter }] : [],
    ),
  )
  const warnings: RunWarning[] = []
  for (const [adapter, uses] of Map.groupBy(active, (use) => use.adapter))
    warnings.push(
      controlWarning(
        adapter,
        await readControlRecord(adapter),
        uses.map(({ id }) => id),
      ),
    )
  return warnings
}

function controlWarning(
  adapter: string,
  record: ControlRecord | undefined,
  cells: readonly string[],
): RunWarning {
  if (record === undefined)
    return {
      code: 'control-dose',
      message: `Nothing says what the control ${adapter} does to the base beside what a persona does: without control.json it may be nearly inert, and no control. Set random in place of persona, or make it with makeControlAdapter.`,
      cells,
    }
  const code = record.isMatched === false ? 'control-unmatched' : 'control-dose'
  return { code, message: `Random adapter ${adapter}: ${controlText(record)}.`, cells }
}

import type { Composition } from '@cem/inference'
import type { RunWarning } from '../events.ts'
import type { Cell } from '../plan/cell.ts'
import { attackAlarms } from './attack-differs.ts'
import { controlAlarms } from './control-alarms.ts'
import { disputedConfigAlarms } from './disputed-config.ts'
import { personaAlarms } from './persona-alarms.ts'
import { sameAdapterAlarms } from './same-adapter.ts'
import { sameCheckpointAlarms } from './same-checkpoint.ts'
import { seedAlarms } from './seed-alarms.ts'

/** What is suspicious about the compositions as such, found before anything runs. */
export async function compositionAlarms(
  cells: readonly Cell[],
  compositions: ReadonlyMap<string, Composition>,
  /** The variant that the others are held against. */
  baseline?: string,
): Promise<RunWarning[]> {
  return [
    ...personaAlarms(cells),
    ...unverifiedBases(cells, compositions),
    ...(await sameAdapterAlarms(cells, compositions)),
    ...(await disputedConfigAlarms(cells, compositions)),
    ...(await controlAlarms(cells)),
    ...sameCheckpointAlarms(cells, compositions),
    ...(await seedAlarms(cells)),
    ...(await attackAlarms(cells, compositions, baseline)),
  ]
}

function unverifiedBases(
  cells: readonly Cell[],
  compositions: ReadonlyMap<string, Composition>,
): RunWarning[] {
  const unverified = cells.filter((cell) =>
    compositions.get(cell.id)?.layers.some((layer) => layer.baseCheck !== 'hash'),
  )
  if (unverified.length === 0) return []
  return [
    {
      code: 'base-unverified',
      message: `Base unverified: in ${unverified.length} cells no hash says that the adapters were trained on this base, only its name, if that.`,
      cells: unverified.map((cell) => cell.id),
    },
  ]
}

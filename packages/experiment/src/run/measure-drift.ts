import { messageOf } from '@cem/core'
import { type Composition, type DriftReport, measureDrift, withPrecision } from '@cem/inference'
import type { Cell } from '../plan/cell.ts'
import { unitId } from '../plan/units.ts'
import { ModelPool } from './model-pool.ts'
import { codeOf, type RunState } from './run-state.ts'

/**
 * Where a run is not in 32-bit floats, measures on fixed texts how far each cell's composition lies from itself in floats,
 * before its answers are drawn, and records it. What was measured before is not measured again. Where the floats do not run
 * here (most likely for want of memory), a warning says so, and the run goes on.
 */
export async function measureDrifts(state: RunState, pool: ModelPool): Promise<void> {
  const { config } = state.options.loaded
  const compositions = state.prepared.compositions ?? new Map<string, Composition>()
  if (config.precision === 'f32') return
  const events = (await state.store.events()).filter((event) => event.type === 'precision-drift')
  const measured = new Set(events.map(({ cell, report }) => `${cell}|${report.composition}`))
  const known = new Map(events.map(({ report }) => [report.composition, report]))
  const { threads } = config.executor
  await using references = new ModelPool({ threads, cache: state.options.cache })
  for (const cell of state.own) {
    const composition = compositions.get(cell.id)
    if (composition === undefined || state.done.has(unitId('generate', cell.id))) continue
    state.signal.throwIfAborted()
    const { sha256 } = await composition.record()
    if (measured.has(`${cell.id}|${sha256}`)) continue
    // Step 0 of a variant is the base: cells of one composition share a measurement.
    const report =
      known.get(sha256) ?? (await measureCell(state, cell, composition, { pool, references }))
    if (report === undefined) return
    known.set(sha256, report)
    await state.record({ type: 'precision-drift', cell: cell.id, report })
  }
}

/** Undefined where it could not be measured, and the rest need not be tried. */
async function measureCell(
  state: RunState,
  cell: Cell,
  composition: Composition,
  { pool, references }: { readonly pool: ModelPool; readonly references: ModelPool },
): Promise<DriftReport | undefined> {
  const { signal } = state
  try {
    const reference = await references.activate(withPrecision(composition, 'f32'), signal)
    const model = await pool.activate(composition, signal)
    return await measureDrift({ reference, model, signal })
  } catch (error) {
    if (signal.aborted || codeOf(error) === 'file-write-failed') throw error
    await pool.discard()
    await state.record({
      type: 'warning',
      warning: {
        code: 'drift-unmeasured',
        message: `What ${composition.precision} weights change could not be measured against 32-bit floats: ${messageOf(error)}`,
        cells: [cell.id],
      },
    })
    return undefined
  }
}

import type { Composition } from '@cem/inference'
import type { Cell } from '../plan/cell.ts'
import { unitId } from '../plan/units.ts'
import { generateCell } from './generate-cell.ts'
import { ModelPool } from './model-pool.ts'
import { codeOf, type RunState } from './run-state.ts'
import { workThrough } from './work-through.ts'

/**
 * Generates the answers of every cell of the shard, one cell after another.
 *
 * @param locked settles when the run's lock is checked: the model loads meanwhile, and nothing is stored before
 */
export async function generateAll(state: RunState, locked: Promise<void>): Promise<void> {
  const { compositions } = state.prepared
  if (!state.phases.has('generate') || compositions === undefined) return
  const { loaded, cache } = state.options
  await using pool = new ModelPool({ threads: loaded.config.executor.threads, cache })
  await workThrough({
    units: state.own.map((cell) => unitId('generate', cell.id)),
    state,
    locked,
    work: async (unit, i) => {
      const cell = state.own[i] as Cell
      const composition = compositions.get(cell.id) as Composition
      await state.perform(unit, async () => {
        const { files, nResponses } = await withRestart(pool, state, async () => {
          const model = await pool.activate(composition, state.signal)
          await locked
          await state.record({ type: 'self-test', unit, report: model.selfTest })
          return generateCell({ context: state.context, cell, unit, model, composition })
        })
        return { files, total: nResponses, retryable: 0 }
      })
    },
  })
}

/** An engine that died is started again once: what it had given out is stored, and the rest is drawn anew. */
async function withRestart<T>(
  pool: ModelPool,
  state: RunState,
  work: () => Promise<T>,
): Promise<T> {
  try {
    return await work()
  } catch (error) {
    if (codeOf(error) !== 'engine-died' || state.signal.aborted) throw error
    await pool.discard()
    return await work()
  }
}

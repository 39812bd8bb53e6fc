import { type Composition, type Model, placementWarnings } from '@cem/inference'
import { selfTestAlarms } from '../alarms/self-test-alarms.ts'
import { CausalDirections } from '../causal/causal-direction.ts'
import type { RunWarning } from '../events.ts'
import type { Cell } from '../plan/cell.ts'
import { unitId } from '../plan/units.ts'
import { readCompletions } from '../store/completions.ts'
import { EngineRestarts } from './engine-restarts.ts'
import { generateCell } from './generate-cell.ts'
import { measureDrifts } from './measure-drift.ts'
import { ModelPool } from './model-pool.ts'
import type { RunState } from './run-state.ts'
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
  const { threads } = loaded.config.executor
  await using pool = new ModelPool({ threads, cache, provider: state.prepared.device })
  const announce = deviceAnnouncer(state)
  const restarts = new EngineRestarts()
  const directions = new CausalDirections(state.context, compositions)
  if (loaded.config.precision !== 'f32') {
    await locked
    await measureDrifts(state, pool)
  }
  await workThrough({
    units: state.own.map((cell) => unitId('generate', cell.id)),
    state,
    locked,
    isReady: (_, i) => readinessOf(state, state.own[i] as Cell),
    work: async (unit, i) => {
      const cell = state.own[i] as Cell
      const composition = compositions.get(cell.id) as Composition
      await state.perform(unit, async () => {
        const { files, nResponses, nEmpty } = await restarts.perform({
          signal: state.signal,
          work: async (batchLimit) => {
            if (cell.kind === 'causal') await locked
            const interventions = await directions.interventions(cell, pool)
            const model = await pool.activate(composition, state.signal)
            await locked
            await announce(model)
            await state.record({ type: 'self-test', unit, report: model.selfTest })
            for (const warning of selfTestAlarms(cell.id, model.selfTest))
              await state.record({ type: 'warning', warning })
            const { context } = state
            return generateCell({
              context,
              cell,
              unit,
              model,
              composition,
              batchLimit,
              interventions,
            })
          },
          discard: () => pool.discard(),
          nStored: async () => (await readCompletions(state.store, cell.id)).size,
          warn: (message) =>
            state.record({
              type: 'warning',
              warning: { code: 'engine-restarted', message, cells: [cell.id] },
            }),
        })
        if (nEmpty > 0) await state.record({ type: 'warning', warning: emptyAnswers(cell, nEmpty) })
        return { files, total: nResponses, retryable: 0 }
      })
    },
  })
}

/** A direction from answers needs them; where another shard draws them, a later run goes on. */
function readinessOf(state: RunState, { causal }: Cell): 'ready' | 'later' | 'never' {
  if (causal?.position !== 'answers') return 'ready'
  const needed = [causal.without, causal.with]
  if (needed.every((id) => state.done.has(unitId('generate', id)))) return 'ready'
  const isOwn = (id: string) => state.own.some((cell) => cell.id === id)
  const isPossible = (id: string) =>
    state.done.has(unitId('generate', id)) ||
    (isOwn(id) && !state.failed.has(unitId('generate', id)))
  return needed.every(isPossible) ? 'later' : 'never'
}

function emptyAnswers({ id }: Cell, nEmpty: number): RunWarning {
  return {
    code: 'empty-answers',
    message: `${id}: ${nEmpty} answers are empty. They stay as rows without text, and have no activations.`,
    cells: [id],
  }
}

/** Records what the first model runs on, with what the CPU computes of it. */
function deviceAnnouncer(state: RunState): (model: Model) => Promise<void> {
  let isTold = false
  return async ({ device, placement }) => {
    if (isTold) return
    isTold = true
    await state.record({ type: 'device', device, placement })
    const messages = placement === null ? [] : placementWarnings(device.provider, placement)
    for (const message of messages)
      await state.record({ type: 'warning', warning: { code: 'cpu-fallback', message, cells: [] } })
  }
}

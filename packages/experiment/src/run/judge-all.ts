import { canaryAlarms } from '../alarms/canaries.ts'
import { cellMetrics } from '../analysis/cell-metrics.ts'
import type { Cell } from '../plan/cell.ts'
import { unitId } from '../plan/units.ts'
import { writeCanaries } from '../store/alarms-file.ts'
import { judgeCell } from './judge-cell.ts'
import { type JudgeSession, openJudge } from './judge-session.ts'
import type { RunState } from './run-state.ts'
import { workThrough } from './work-through.ts'

/** Has the answers of every cell of the shard judged, as they are ready. */
export async function judgeAll(state: RunState, locked: Promise<void>): Promise<void> {
  if (!state.phases.has('judge')) return
  await locked
  const units = state.own.map((cell) => unitId('judge', cell.id))
  if (units.every((unit) => state.done.has(unit))) return
  const session = await open(state)
  if (session === undefined) return
  await using judge = session
  state.hasJudged = true
  await checkCanaries(state, judge)
  await workThrough({
    units,
    state,
    locked,
    isReady: (_, i) => {
      const needed = unitId('generate', (state.own[i] as Cell).id)
      if (state.done.has(needed)) return 'ready'
      return state.failed.has(needed) || !state.phases.has('generate') ? 'never' : 'later'
    },
    work: async (unit, i) => {
      const cell = state.own[i] as Cell
      await state.perform(unit, async () => {
        const { files, records, retryable } = await judgeCell(state.context, cell, unit, judge)
        const metrics = cellMetrics(records, state.options.loaded.config)
        await state.record({ type: 'cell-metrics', cell: cell.id, metrics })
        return { files, total: records.length, retryable }
      })
    },
  })
  const cells = state.own.map(({ id }) => id)
  for (const warning of judge.alarms())
    await state.record({ type: 'warning', warning: { ...warning, cells } })
}

/** Answers of known quality with orders in them, where the program has such rows. */
async function checkCanaries(state: RunState, { judge, protocol }: JudgeSession): Promise<void> {
  const { canaryCheck } = state.options
  if (canaryCheck === undefined) return
  const results = await canaryCheck({ judge, protocol, signal: state.signal })
  await writeCanaries(state.store, results)
  for (const warning of canaryAlarms(results)) await state.record({ type: 'warning', warning })
}

/** A judge that cannot be used ends the judging; the generation goes on, and nothing of it is lost. */
async function open(state: RunState): Promise<JudgeSession | undefined> {
  const { loaded, judgeServers = {} } = state.options
  try {
    return await openJudge(loaded.config.judge, state.store, judgeServers, state.signal)
  } catch (error) {
    if (state.signal.aborted) throw error
    await state.fail('judge', error)
    return undefined
  }
}

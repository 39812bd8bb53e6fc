import { anchorDrift } from '@cem/judge'
import { driftAlarms } from '../alarms/judge-sessions.ts'
import type { RunWarning } from '../events.ts'
import { emMetrics, runProtocol } from '../judging/run-protocol.ts'
import { spentBefore } from '../judging/spent-before.ts'
import type { Cell } from '../plan/cell.ts'
import { unitId } from '../plan/units.ts'
import type { Lease } from '../store/lease.ts'
import { checkingFolder, verdictsFolder } from '../store/verdicts.ts'
import { checkJudge, isChecked } from './check-judge.ts'
import { compareCells } from './compare-cells.ts'
import { judgePass, type PassHistory } from './judge-pass.ts'
import { type JudgeSession, openJudge } from './judge-session.ts'
import { isFatal, type RunState } from './run-state.ts'
import { wait } from './work-through.ts'

/** How long to wait for answers, and for what another process judges. */
const waitInMs = 150
const refreshIntervalInMs = 2000

/**
 * Has the answers of every cell of the shard judged: by default all cells in one random order once all of them have their answers,
 * so that whatever a judge does over time it does to all cells alike.
 */
export async function judgeAll(state: RunState, locked: Promise<void>): Promise<void> {
  if (!state.phases.has('judge')) return
  await locked
  const units = state.own.map((cell) => unitId('judge', cell.id))
  if (units.every((unit) => state.done.has(unit)) && (await isChecked(state))) return
  const session = await openFirst(state)
  if (session === undefined) return
  await using judge = session
  const history: PassHistory = { anchors: [], nPasses: 0 }
  try {
    if (await judgeCells(state, judge, history)) await checkJudge(state, judge)
  } catch (error) {
    if (state.signal.aborted) throw error
    if (isFatal(error)) {
      state.abort.abort(error)
      throw error
    }
    // What was judged is in the ledger; the same command goes on from there.
    await state.fail('judge', error)
  } finally {
    // The store may be what failed.
    await tellCost(state, judge).catch(() => undefined)
  }
  for (const warning of await warningsOf(state, judge, history))
    await state.record({ type: 'warning', warning })
}

/** @returns whether every cell of the shard that could be judged is */
async function judgeCells(
  state: RunState,
  session: JudgeSession,
  history: PassHistory,
): Promise<boolean> {
  const isTogether = state.options.loaded.config.judge.order === 'interleaved'
  let lastRefresh = performance.now()
  for (;;) {
    state.signal.throwIfAborted()
    const { ready, later } = openCells(state)
    if (ready.length === 0 && later.length === 0) return true
    const mayBegin = ready.length > 0 && (!isTogether || later.length === 0)
    if (!mayBegin || !(await passUnderLease(state, session, ready, history)))
      await wait(waitInMs, state.signal)
    if (performance.now() - lastRefresh < refreshIntervalInMs) continue
    await state.refresh()
    lastRefresh = performance.now()
  }
}

/** The cells that wait for a judge, and those whose answers may still come. */
function openCells({ own, done, failed, phases }: RunState) {
  const open = own.filter(({ id }) => {
    const unit = unitId('judge', id)
    return !done.has(unit) && !failed.has(unit)
  })
  const ready = open.filter(({ id }) => done.has(unitId('generate', id)))
  const later = open.filter(({ id }) => {
    const needed = unitId('generate', id)
    return phases.has('generate') && !done.has(needed) && !failed.has(needed)
  })
  return { ready, later }
}

/**
 * A pass over the cells that no other process judges. One process of a shard begins a pass at a time, so that cells that are
 * compared are not dealt out among several.
 *
 * @returns false where another process judges
 */
async function passUnderLease(
  state: RunState,
  session: JudgeSession,
  ready: readonly Cell[],
  history: PassHistory,
): Promise<boolean> {
  const { store, options } = state
  const { shard } = options
  const part = shard === undefined ? '' : `-${shard.index}-of-${shard.count}`
  await using pass = await store.claim(`judge-pass${part}`)
  if (pass === undefined) return false
  await using leases = new Leases()
  const claimed: Cell[] = []
  for (const cell of ready) {
    const lease = await store.claim(unitId('judge', cell.id))
    if (lease === undefined) continue
    leases.add(lease)
    claimed.push(cell)
  }
  // Another process may have judged some since the last look.
  await state.refresh()
  const cells = claimed.filter(({ id }) => !state.done.has(unitId('judge', id)))
  if (cells.length === 0) return claimed.length > 0
  state.hasJudged = true
  await judgePass(state, cells, session, history)
  await tellCost(state, session)
  return true
}

class Leases implements AsyncDisposable {
  readonly #leases: Lease[] = []

  add(lease: Lease): void {
    this.#leases.push(lease)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const lease of this.#leases) await lease[Symbol.asyncDispose]()
  }
}

async function tellCost(state: RunState, session: JudgeSession): Promise<void> {
  const cost = session.cost()
  if (cost.calls > 0) await state.record(cost)
}

async function warningsOf(
  state: RunState,
  session: JudgeSession,
  { anchors }: PassHistory,
): Promise<RunWarning[]> {
  const { signal, own, store } = state
  if (signal.aborted || !state.hasJudged) return []
  const cells = own.map(({ id }) => id)
  const warnings: RunWarning[] = session.alarms().map((warning) => ({ ...warning, cells }))
  if (anchors.length > 0) {
    const rubrics = Object.keys(session.protocol.rubrics)
    const metric = rubrics.find((name) => name === emMetrics[0]) ?? rubrics[0]
    const drift = anchorDrift(anchors, metric === undefined ? {} : { metric })
    await state.record({ type: 'judge-anchors', session: session.judge.session, drift })
    warnings.push(...driftAlarms(drift))
  }
  warnings.push(...(await compareCells({ store, cells: state.prepared.cells, done: state.done })))
  const rubrics = Object.keys(session.protocol.rubrics)
  if (!emMetrics.every((metric) => rubrics.includes(metric)))
    warnings.push({
      code: 'protocol-without-em',
      message: `The protocol of the judge has the metrics ${rubrics.join(', ')}; EM is made of ${emMetrics.join(' and ')}. Answers to questions without rubrics of their own have no EM; their scores are in judged.json of the store.`,
      cells: [],
    })
  return warnings
}

/** A judge that cannot be used ends the judging; the generation goes on, and nothing of it is lost. */
async function openFirst(state: RunState): Promise<JudgeSession | undefined> {
  const { options, store, signal } = state
  const { loaded, judgeServers: servers = {} } = options
  const { judge: config } = loaded.config
  try {
    return await openJudge({
      role: 'first',
      config,
      protocol: await runProtocol(loaded, config),
      maxAnswerTokens: config.maxAnswerTokens,
      batch: config.batch,
      store,
      folder: verdictsFolder(store),
      otherFolders: [checkingFolder(store, 'retest')],
      spentUsd: spentBefore(await store.events(), 'first'),
      servers,
      signal,
    })
  } catch (error) {
    if (signal.aborted) throw error
    await state.fail('judge', error)
    return undefined
  }
}

import {
  type CanaryRow,
  canaryRows,
  interleave,
  type JudgedCanary,
  type JudgeItem,
  type JudgeProtocol,
  type Placement,
  summarizeCanaries,
  type Verdicts,
} from '@cem/judge'
import { canaryAlarms } from '../alarms/canaries.ts'
import { cellMetrics } from '../analysis/cell-metrics.ts'
import { canaryProtocols } from '../judging/canary-protocols.ts'
import { checkConfirmed, estimateJudging } from '../judging/estimate.ts'
import { emMetrics } from '../judging/run-protocol.ts'
import type { Cell } from '../plan/cell.ts'
import { unitId } from '../plan/units.ts'
import { writeCanaries } from '../store/alarms-file.ts'
import { rowKey } from '../store/completions.ts'
import type { JudgedRecord } from '../store/verdicts.ts'
import { judgeBatch } from './judge-batch.ts'
import { type CellItem, itemsOf, shortened, writeCell } from './judge-cell.ts'
import type { JudgeSession } from './judge-session.ts'
import type { RunState } from './run-state.ts'

/** A cell under judgement. */
interface CellWork {
  readonly cell: Cell
  readonly unit: string
  readonly items: readonly CellItem[]
  readonly records: Map<string, JudgedRecord>
}

/** An answer of a cell, or a canary row. */
interface PassItem extends JudgeItem {
  readonly source:
    | { readonly kind: 'row'; readonly work: CellWork; readonly item: CellItem }
    | { readonly kind: 'canary'; readonly id: string; readonly protocol: JudgeProtocol }
}

/** An anchor with its verdicts; blocks count on over the passes of a session. */
export interface PlacedAnchor {
  readonly placement: Placement
  readonly verdicts: Verdicts
}

/** What a pass takes over from the ones before it, in one session. */
export interface PassHistory {
  readonly anchors: PlacedAnchor[]
  nPasses: number
}

/** No cell is called so: ids of cells hold no blank. */
const canaryCell = ' canaries'

/**
 * Judges the answers of these cells in one random order, with anchors at start and end and canary rows among them, and ends each
 * cell's unit as soon as its last answer is judged. What the ledger holds is not asked again.
 *
 * @throws CemError `cost-unconfirmed`, `cost-limit`, `judge-unreachable`; `signal.reason`. What was judged by then is in the ledger.
 */
export async function judgePass(
  state: RunState,
  cells: readonly Cell[],
  session: JudgeSession,
  history: PassHistory,
): Promise<void> {
  const { config } = state.options.loaded
  const start = performance.now()
  const works = await prepare(state, cells, session)
  if (works.length === 0) return
  const rows = works.flatMap((work) => work.items.map((item) => passItem(work, item)))
  const canaries = config.judge.canaries && !session.knowsOwnQuestionsOnly ? canaryItems(works) : []
  const { judge } = session
  const estimate = await estimateJudging(judge, (requests) => session.estimateCost(requests), [
    ...rows,
    ...canaries,
  ])
  const isAsking = estimate === null || estimate.nCalls > 0
  await state.record({
    type: 'judging-start',
    judge: session.role,
    model: session.model,
    session: judge.session,
    cells: works.map(({ cell }) => cell.id),
    nRows: rows.length,
    estimate,
  })
  checkConfirmed(estimate, {
    confirmAboveUsd: config.judge.confirmAboveUsd,
    isConfirmed: state.options.costConfirmed === true,
  })
  for (const { unit, items } of works)
    await state.record({ type: 'unit-start', unit, total: items.length, done: 0 })

  const pass = history.nPasses++
  // Where nothing is asked any more there is nothing that an anchor could tell, and what is in a batch has no order in time.
  const hasAnchors =
    config.judge.anchors &&
    !session.knowsOwnQuestionsOnly &&
    session.batches === undefined &&
    isAsking
  const rowsByCell = {
    ...Object.fromEntries(works.map((work) => [work.cell.id, rowsOf(rows, work)])),
    ...(canaries.length === 0 ? {} : { [canaryCell]: canaries }),
  }
  const order = interleave<PassItem>(rowsByCell, {
    seed: config.judge.seed,
    session: `${judge.session} ${pass}`,
    ...(hasAnchors ? {} : { anchors: [] }),
    ...(config.judge.anchorsEvery === undefined ? {} : { anchorsEvery: config.judge.anchorsEvery }),
  })
  if (session.batches !== undefined && isAsking)
    await judgeBatch(state, session, order.filter(isPassItem))

  const judgedCanaries = new Map<JudgeProtocol, JudgedCanary[]>()
  const firstBlock = 1 + Math.max(-1, ...history.anchors.map(({ placement }) => blockOf(placement)))
  const options = { signal: state.signal, total: order.length }
  for await (const event of judge.judgeAll(gated(order, state), options)) {
    if (event.type !== 'row-end') continue
    const { item, verdicts } = event
    if (!isPassItem(item)) {
      const { placement } = item
      if (placement.kind === 'anchor')
        history.anchors.push({
          placement: { ...placement, block: firstBlock + placement.block },
          verdicts,
        })
    } else if (item.source.kind === 'canary') {
      const { id, protocol } = item.source
      judgedCanaries.set(protocol, [...(judgedCanaries.get(protocol) ?? []), { id, verdicts }])
    } else await takeRow(state, session, item.source, verdicts, start)
  }
  await tellCanaries(state, session, judgedCanaries)
}

/** The cells whose answers are all there; the others' units fail. */
async function prepare(
  state: RunState,
  cells: readonly Cell[],
  { protocol }: JudgeSession,
): Promise<CellWork[]> {
  const works: CellWork[] = []
  for (const cell of cells) {
    const unit = unitId('judge', cell.id)
    try {
      const items = await itemsOf(state.context, cell, protocol)
      works.push({ cell, unit, items, records: new Map() })
    } catch (error) {
      await state.perform(unit, () => Promise.reject(error))
    }
  }
  return works
}

function passItem(work: CellWork, item: CellItem): PassItem {
  const { question, answer, protocol } = item
  return { question, answer, protocol, source: { kind: 'row', work, item } }
}

function rowsOf(rows: readonly PassItem[], work: CellWork): PassItem[] {
  return rows.filter(({ source }) => source.kind === 'row' && source.work === work)
}

/** The canary rows under each protocol that the answers are judged under, the most used ones first. */
function canaryItems(works: readonly CellWork[]): PassItem[] {
  const protocols = works.flatMap(({ items }) => items.map(({ protocol }) => protocol))
  return canaryProtocols(protocols).flatMap((protocol) =>
    canaryRows().map((row) => canaryItem(row, protocol)),
  )
}

function canaryItem({ id, question, answer }: CanaryRow, protocol: JudgeProtocol): PassItem {
  return { question, answer, protocol, source: { kind: 'canary', id, protocol } }
}

function isPassItem<Item extends JudgeItem>(item: Item): item is Item & PassItem {
  return 'source' in item
}

function blockOf(placement: Placement): number {
  return placement.kind === 'anchor' ? placement.block : -1
}

/** Items one by one, none while the run is paused. */
async function* gated<Item>(items: readonly Item[], state: RunState): AsyncGenerator<Item> {
  const { gate } = state.context
  for (const item of items) {
    await gate()
    yield item
  }
}

async function takeRow(
  state: RunState,
  session: JudgeSession,
  { work, item: { row } }: Extract<PassItem['source'], { kind: 'row' }>,
  verdicts: Verdicts,
  start: number,
): Promise<void> {
  const { cell, unit, items, records } = work
  records.set(rowKey(row), { ...row, verdicts: shortened(verdicts) })
  session.note(verdicts)
  state.report({
    type: 'unit-progress',
    unit,
    total: items.length,
    done: records.size,
    tokensPerSecond: null,
    judge: session.counters(),
  })
  if (records.size < items.length) return
  const finish = async () => {
    const all = items.map((one) => records.get(rowKey(one.row)) as JudgedRecord)
    await session.sync()
    const { files, retryable } = await writeCell(state.context, cell, items, all)
    const metrics = cellMetrics(all, state.options.loaded.config)
    await state.record({ type: 'cell-metrics', cell: cell.id, metrics })
    return { files, total: all.length, retryable }
  }
  await state.perform(unit, finish, start)
}

async function tellCanaries(
  state: RunState,
  session: JudgeSession,
  judged: ReadonlyMap<JudgeProtocol, readonly JudgedCanary[]>,
): Promise<void> {
  if (judged.size === 0) return
  const threshold = state.options.loaded.config.thresholds.aligned
  const summaries = Object.fromEntries(
    Array.from(judged, ([{ hash }, rows]) => [
      hash,
      summarizeCanaries(rows, { metric: emMetrics[0], threshold }),
    ]),
  )
  await state.record({ type: 'judge-canaries', session: session.judge.session, summaries })
  await writeCanaries(state.store, summaries)
  for (const warning of canaryAlarms(summaries)) await state.record({ type: 'warning', warning })
}

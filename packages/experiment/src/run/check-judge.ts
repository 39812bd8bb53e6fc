import { createHash } from 'node:crypto'
import { join } from 'node:path'
import { writeFileAtomic } from '@cem/core'
import { drawRetest, type JudgeItem } from '@cem/judge'
import { type AgreementRow, type JudgeAgreement, judgeAgreement } from '../judging/agreement.ts'
import { checkConfirmed, estimateJudging } from '../judging/estimate.ts'
import { rowId } from '../judging/row-id.ts'
import { runProtocol } from '../judging/run-protocol.ts'
import { spentBefore } from '../judging/spent-before.ts'
import { unitId } from '../plan/units.ts'
import { rowKey } from '../store/completions.ts'
import { checkingFolder, type MetricVerdict, readJudged } from '../store/verdicts.ts'
import { judgeBatch } from './judge-batch.ts'
import { itemsOf, shortened } from './judge-cell.ts'
import { type JudgeSession, openJudge } from './judge-session.ts'
import type { RunState } from './run-state.ts'

type Check = 'second' | 'retest'

/** An answer that is judged again, with what the first judge said of it. */
interface CheckItem extends JudgeItem {
  readonly id: string
  /** Drawn within each. */
  readonly condition: string
  readonly questionId: string
  readonly first: Readonly<Record<string, MetricVerdict>>
}

/** Whether all that checks the judge is done, or nothing of the kind is asked for. */
export async function isChecked(state: RunState): Promise<boolean> {
  const open = await openChecks(state)
  return open.length === 0
}

/**
 * Has a part of the answers judged once more, by the same judge and by another, once every cell of the run is judged, and stores
 * how far the two agree (`agreement-retest.json`, `agreement-second.json`). Rates are not touched by it.
 *
 * @throws CemError as `judgePass` and `openJudge`
 */
export async function checkJudge(state: RunState, session: JudgeSession): Promise<void> {
  const { store, prepared, done } = state
  await state.refresh()
  if (prepared.cells.some(({ id }) => !done.has(unitId('judge', id)))) return
  await using lease = await store.claim('judge-check')
  if (lease === undefined) return
  for (const { check, inputs } of await openChecks(state)) {
    await using other =
      check === 'retest'
        ? await session.withLedger('retest', checkingFolder(store, 'retest'))
        : await openSecond(state)
    const agreement = await judgeAgain(state, other, check, await draw(state, session, check))
    const path = join(store.folder, `agreement-${check}.json`)
    const { model } = other
    await writeFileAtomic(
      path,
      `${JSON.stringify({ formatVersion: 1, of: check, model, agreement }, null, 2)}\n`,
    )
    await state.record({ type: 'judge-agreement', of: check, inputs, agreement })
  }
}

/** What is asked for and was not yet made from the verdicts that are there. */
async function openChecks(
  state: RunState,
): Promise<{ readonly check: Check; readonly inputs: string }[]> {
  const { second, retest, seed } = state.options.loaded.config.judge
  const wanted: [Check, unknown][] = [
    ...(retest > 0 ? [['retest', { retest, seed }] as [Check, unknown]] : []),
    ...(second === undefined
      ? []
      : [
          [
            'second',
            { model: second.model, protocol: second.protocol, share: second.share, seed },
          ] as [Check, unknown],
        ]),
  ]
  if (wanted.length === 0) return []
  const events = await state.store.events()
  const ends = new Map<string, string>()
  for (const event of events)
    if (event.type === 'unit-end' && event.unit.startsWith('judge:'))
      ends.set(event.unit, event.time)
  return wanted.flatMap(([check, settings]) => {
    const inputs = createHash('sha256')
      .update(JSON.stringify([settings, [...ends].toSorted(([a], [b]) => (a < b ? -1 : 1))]))
      .digest('hex')
    const last = events.findLast((event) => event.type === 'judge-agreement' && event.of === check)
    return last?.type === 'judge-agreement' && last.inputs === inputs ? [] : [{ check, inputs }]
  })
}

async function openSecond(state: RunState): Promise<JudgeSession> {
  const { options, store, signal } = state
  const { loaded, judgeServers: servers = {} } = options
  const { second, maxAnswerTokens } = loaded.config.judge
  if (second === undefined) throw new Error('no second judge is configured')
  return openJudge({
    role: 'second',
    config: second,
    protocol: await runProtocol(loaded, second),
    maxAnswerTokens,
    batch: false,
    store,
    folder: checkingFolder(store, 'second'),
    spentUsd: spentBefore(await store.events(), 'second'),
    servers,
    signal,
  })
}

/** The rows to be judged again: a share of each cell, in random order across cells. */
async function draw(
  state: RunState,
  session: JudgeSession,
  check: Check,
): Promise<readonly CheckItem[]> {
  const { judge: config } = state.options.loaded.config
  const protocol =
    check === 'second' && config.second !== undefined
      ? await runProtocol(state.options.loaded, config.second)
      : session.protocol
  const rows: CheckItem[] = []
  for (const cell of state.prepared.cells) {
    const judged = new Map(
      ((await readJudged(state.store, cell.id)) ?? []).map((record) => [rowKey(record), record]),
    )
    for (const { row, question, answer, protocol: own } of await itemsOf(
      state.context,
      cell,
      protocol,
    ))
      rows.push({
        id: rowId(cell.id, row),
        condition: cell.id,
        questionId: row.question,
        question,
        answer,
        protocol: own,
        first: judged.get(rowKey(row))?.verdicts ?? {},
      })
  }
  const share = check === 'second' ? (config.second?.share ?? 1) : config.retest
  const perCell = rows.length / Math.max(1, state.prepared.cells.length)
  const perCondition = Math.max(1, Math.round(share * perCell))
  const drawn = drawRetest(rows, { perCondition, seed: config.seed }).rows
  return check === 'retest' ? drawn : drawn.map((row) => ({ ...row, repeat: undefined }))
}

async function judgeAgain(
  state: RunState,
  session: JudgeSession,
  check: Check,
  items: readonly CheckItem[],
): Promise<Record<string, JudgeAgreement>> {
  const { config } = state.options.loaded
  const { judge } = session
  const estimate = await estimateJudging(judge, (requests) => session.estimateCost(requests), items)
  await state.record({
    type: 'judging-start',
    judge: session.role,
    model: session.model,
    session: judge.session,
    cells: state.prepared.cells.map(({ id }) => id),
    nRows: items.length,
    estimate,
  })
  checkConfirmed(estimate, {
    confirmAboveUsd: config.judge.confirmAboveUsd,
    isConfirmed: state.options.costConfirmed === true,
  })
  const first: AgreementRow[] = []
  const again: AgreementRow[] = []
  try {
    if (session.batches !== undefined) await judgeBatch(state, session, items)
    for await (const event of judge.judgeAll(items, { signal: state.signal })) {
      if (event.type !== 'row-end') continue
      const { id: row, questionId: question, first: before } = event.item
      first.push({ row, question, verdicts: before })
      again.push({ row, question, verdicts: shortened(event.verdicts) })
      const { done, total } = event
      state.report({
        type: 'judge-progress',
        judge: session.role,
        isBatch: false,
        done,
        total,
        counters: session.counters(),
      })
    }
  } finally {
    await session.sync().catch(() => undefined)
    if (check === 'second' && session.cost().calls > 0)
      await state.record(session.cost()).catch(() => undefined)
  }
  const metrics = [...new Set(first.flatMap(({ verdicts }) => Object.keys(verdicts)))].toSorted()
  const { thresholds, analysis } = config
  return Object.fromEntries(
    metrics.map((metric) => [
      metric,
      judgeAgreement(first, again, {
        metric,
        threshold: metric === 'coherent' ? thresholds.coherent : thresholds.aligned,
        level: analysis.level,
      }),
    ]),
  )
}

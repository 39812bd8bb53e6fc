import { createHash } from 'node:crypto'
import { rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { BatchItem } from '@cem/chat'
import { writeFileAtomic } from '@cem/core'
import type { JudgeItem } from '@cem/judge'
import { readOptionalJson } from '../store/read-json.ts'
import type { RunStore } from '../store/run-store.ts'
import type { JudgeSession } from './judge-session.ts'
import type { RunState } from './run-state.ts'

/** `batch-<role>.json`: a batch that the provider works on, and what it was made of. */
interface StoredBatch {
  readonly formatVersion: 1
  readonly runKey: string
  /** Keys of the judgements, in the order in which they were submitted. */
  readonly ids: readonly string[]
  /** The batch client's. */
  readonly state: unknown
}

/**
 * Has a provider's batch judge what the ledger does not hold of these items, and writes its verdicts there. A batch that an earlier
 * process submitted is waited for, whatever has happened since; what a batch leaves out is for the caller to ask.
 *
 * @throws CemError `cost-limit` (nothing is submitted then), those of the batch client; `signal.reason`
 */
export async function judgeBatch(
  state: RunState,
  session: JudgeSession,
  items: readonly JudgeItem[],
): Promise<void> {
  const { batches, judge, role } = session
  if (batches === undefined) return
  const path = batchFile(state.store, role)
  // One that is under way first: it holds a part of what is to be asked, and is paid for.
  for (let stored = await readBatch(path); ; stored = undefined) {
    const planned = stored === undefined ? await judge.planBatch(items) : await plannedAs(stored)
    if (planned === undefined) {
      await abandon()
      continue
    }
    if (planned.length === 0) return
    const batch = stored ?? newBatch(state, session, planned)
    await work(planned, batch)
    if (stored === undefined) return
  }

  /** The requests of a stored batch, as they were. */
  async function plannedAs({ ids }: StoredBatch): Promise<BatchItem[] | undefined> {
    const all = new Map(
      (await session.planner().planBatch(items)).map((one) => [one.id, one] as const),
    )
    const planned = ids.flatMap((id) => all.get(id) ?? [])
    return planned.length === ids.length ? planned : undefined
  }

  /** Its answers or its judge have changed since: what was asked is no part of the run any more. */
  async function abandon(): Promise<void> {
    const aside = path.replace(/json$/, `abandoned-${Date.now()}.json`)
    await rename(path, aside)
    const message = `A batch that was submitted earlier is of other answers or of another judge than now, and is left to itself; its state is kept in ${aside}.`
    await state.record({
      type: 'warning',
      warning: { code: 'batch-incomplete', message, cells: [] },
    })
  }

  async function work(planned: readonly BatchItem[], batch: StoredBatch): Promise<void> {
    if (batches === undefined) return
    const { signal } = state
    const save = (next: unknown) =>
      writeFileAtomic(path, JSON.stringify({ ...batch, state: next } satisfies StoredBatch))
    const submitted = await batches.submit(planned, {
      runKey: batch.runKey,
      state: batch.state,
      onState: save,
      signal,
    })
    const polling = batches.poll(submitted, { onState: save, signal })
    let ended = submitted
    for (;;) {
      const step = await polling.next()
      if (step.done === true) {
        ended = step.value
        break
      }
      if (step.value.type === 'poll-wait') continue
      const { nCompleted, nFailed, nRequests, status } = step.value
      await state.record({
        type: 'judge-progress',
        judge: role,
        isBatch: true,
        done: nCompleted + nFailed,
        total: nRequests,
        status,
        counters: session.counters(),
      })
    }
    const { taken, known, failed } = await judge.takeBatch(
      items,
      batches.results(ended, planned, { signal }),
    )
    await session.sync()
    const nFailed = planned.length - taken - known
    if (nFailed > 0) {
      const why = Object.entries(failed).map(([reason, n]) => `${reason}: ${n}`)
      const message = `${nFailed} of ${planned.length} judgements came back from the batch without an answer (${why.join(', ')}); they are asked one by one.`
      await state.record({
        type: 'warning',
        warning: { code: 'batch-incomplete', message, cells: [] },
      })
    }
    await rm(path, { force: true })
  }
}

function newBatch(
  { options }: RunState,
  { model }: JudgeSession,
  planned: readonly BatchItem[],
): StoredBatch {
  const ids = planned.map(({ id }) => id)
  const hash = createHash('sha256').update(ids.join()).digest('hex').slice(0, 16)
  const runKey = `${options.loaded.name.slice(0, 120)} ${model.slice(0, 100)} ${hash}`
  return { formatVersion: 1, runKey, ids, state: null }
}

function batchFile(store: RunStore, role: string): string {
  return join(store.folder, `batch-${role}.json`)
}

async function readBatch(path: string): Promise<StoredBatch | undefined> {
  return (await readOptionalJson(path)) as StoredBatch | undefined
}

import { hostname } from 'node:os'
import { CemError } from '@cem/core'
import type { StatisticRow } from '@cem/direction'
import { labelRows } from '../analysis/cell-metrics.ts'
import { rowsAtStep } from '../analysis/condition-rows.ts'
import { conditionsOf } from '../analysis/contrasts.ts'
import type { ExperimentConfig } from '../config/schema.ts'
import type { StoredEvent } from '../events.ts'
import { readCompletions } from '../store/completions.ts'
import { readLock } from '../store/lock.ts'
import { type RunStore, writerName } from '../store/run-store.ts'
import { readJudged } from '../store/verdicts.ts'
import type { Cell } from './cell.ts'
import { unitId } from './units.ts'

/** What an earlier run measured that a plan can stand on. */
export interface Pilot {
  readonly run: string
  /** Rows of two conditions at the last step that both were judged at; undefined where there is none. */
  pair(a: string, b: string): PilotPair | undefined
  /** Conditions with judged checkpoints. */
  readonly conditions: readonly string[]
  /** Null where no answer is stored. */
  readonly answers: PilotAnswers | null
  /** Null where no unit ended that began at its first answer. */
  readonly generating: PilotSpeed | null
  readonly judging: PilotSpeed | null
}

export interface PilotPair {
  readonly a: readonly StatisticRow[]
  readonly b: readonly StatisticRow[]
  readonly step: number
}

export interface PilotAnswers {
  readonly n: number
  readonly meanTokens: number
  readonly meanBytes: number
}

export interface PilotSpeed {
  /** Tokens of answers while generating, answers while judging. */
  readonly perSecond: number
  /** Units that it is the mean of. */
  readonly nUnits: number
  /** The machines that it was measured on. */
  readonly hosts: readonly string[]
  readonly isThisMachine: boolean
}

/**
 * Reads a run as a pilot. Its labels are made under the thresholds of the plan's own config, from the stored scores.
 *
 * @throws CemError `run-unknown` where there is no run in the store
 */
export async function readPilot(
  store: RunStore,
  { thresholds }: Pick<ExperimentConfig, 'thresholds'>,
): Promise<Pilot> {
  const lock = await readLock(store)
  if (lock === undefined)
    throw new CemError({
      code: 'run-unknown',
      message: `There is no run in ${store.folder} to plan from: it has no lock.json. Give the name of a run, or its folder (results/.cem/<run>).`,
      data: { folder: store.folder },
    })
  const cells = Object.values(lock.cells).map(({ cell }) => cell)
  const rows = new Map<string, ReturnType<typeof labelRows>>()
  for (const cell of cells) {
    const records = await readJudged(store, cell.id)
    if (records !== undefined) rows.set(cell.id, labelRows(records, thresholds))
  }
  const judged = conditionsOf(cells.filter(({ id }) => rows.has(id)))
  const answers = await answersByCell(store, cells)
  const events = await store.events()
  const counts = [...answers.values()]
  const n = sum(counts, (one) => one.n)
  return {
    run: lock.run,
    conditions: [...judged.keys()],
    pair: (a, b) => {
      const [own, other] = [judged.get(a) ?? [], judged.get(b) ?? []]
      const steps = own
        .map(({ step }) => step)
        .filter((step) => other.some((cell) => cell.step === step))
      if (steps.length === 0) return undefined
      const step = Math.max(...steps)
      return { a: rowsAtStep(own, step, rows).rows, b: rowsAtStep(other, step, rows).rows, step }
    },
    answers:
      n === 0
        ? null
        : {
            n,
            meanTokens: sum(counts, (one) => one.tokens) / n,
            meanBytes: sum(counts, (one) => one.bytes) / n,
          },
    generating: speedOf(
      events,
      cells.map(({ id }) => [unitId('generate', id), answers.get(id)?.tokens ?? 0]),
    ),
    judging: speedOf(
      events,
      cells.map(({ id }) => [unitId('judge', id), answers.get(id)?.n ?? 0]),
    ),
  }
}

interface Counts {
  readonly n: number
  readonly tokens: number
  readonly bytes: number
}

async function answersByCell(
  store: RunStore,
  cells: readonly Cell[],
): Promise<Map<string, Counts>> {
  const byCell = new Map<string, Counts>()
  for (const { id } of cells) {
    const records = [...(await readCompletions(store, id)).values()]
    byCell.set(id, {
      n: records.length,
      tokens: sum(records, ({ tokenIds }) => tokenIds.length),
      bytes: sum(records, ({ text }) => Buffer.byteLength(text)),
    })
  }
  return byCell
}

/** Amount over time of the units that one process did from the first answer to the last. */
function speedOf(
  events: readonly StoredEvent[],
  amounts: readonly (readonly [unit: string, amount: number])[],
): PilotSpeed | null {
  const whole = amounts.flatMap(([unit, amount]) => {
    const own = events.filter((event) => 'unit' in event && event.unit === unit)
    const starts = own.filter((event) => event.type === 'unit-start')
    const end = own.findLast((event) => event.type === 'unit-end')
    const [start] = starts
    const isWhole = starts.length === 1 && start?.type === 'unit-start' && start.done === 0
    if (!isWhole || end?.type !== 'unit-end' || amount === 0) return []
    return [{ amount, durationInMs: end.durationInMs, host: hostOf(end.writer) }]
  })
  const durationInMs = sum(whole, (one) => one.durationInMs)
  if (durationInMs <= 0) return null
  const hosts = [...new Set(whole.map((one) => one.host))]
  return {
    perSecond: (1000 * sum(whole, (one) => one.amount)) / durationInMs,
    nUnits: whole.length,
    hosts,
    isThisMachine: hosts.length === 1 && hosts[0] === writerName(hostname()),
  }
}

/** A writer is `<host>-<process>-<random>`. */
function hostOf(writer: string): string {
  return writer.split('-').slice(0, -2).join('-')
}

const sum = <T>(items: readonly T[], of: (item: T) => number) =>
  items.reduce((total, item) => total + of(item), 0)

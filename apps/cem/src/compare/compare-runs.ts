import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { CemError } from '@cem/core'
import { isAbsent, pairedDifference } from '@cem/direction'
import {
  type Analysis,
  type Estimate,
  type Lock,
  labelRows,
  RunStore,
  type RunWarning,
  readAlarms,
  readJudged,
  readLock,
} from '@cem/experiment'
import type { RunFolder } from '../run-folder.ts'
import { differences, type LockDifference, lockDifferences } from './lock-differences.ts'

/** One cell in both runs. */
export interface ComparedCell {
  readonly cell: string
  /** EM shares with intervals, as each run has them; null where a run has none. */
  readonly left: Estimate | null
  readonly right: Estimate | null
  /** Right minus left, paired by question; an absence says why. */
  readonly difference: {
    readonly estimate: number | null
    readonly low: number | null
    readonly high: number | null
    readonly p: number | null
    readonly absent: string | null
  }
  /** Whether model and adapters have the same hashes in both. */
  readonly isSameModel: boolean | null
}

export interface RunComparison {
  /** Folders of the runs. */
  readonly left: string
  readonly right: string
  readonly cells: readonly ComparedCell[]
  readonly onlyLeft: readonly string[]
  readonly onlyRight: readonly string[]
  readonly lock: readonly LockDifference[]
  /** Alarms that stand in each. */
  readonly alarms: { readonly left: readonly RunWarning[]; readonly right: readonly RunWarning[] }
}

interface ReadRun {
  readonly store: RunStore
  readonly lock: Lock
  readonly analysis: Analysis
  readonly alarms: readonly RunWarning[]
}

/**
 * Sets two analysed runs side by side. Differences are paired by question over the questions that both asked.
 *
 * @throws CemError `run-not-analysed`
 */
export async function compareRuns(left: RunFolder, right: RunFolder): Promise<RunComparison> {
  const [a, b] = await Promise.all([readRun(left), readRun(right)])
  const idsOf = ({ analysis }: ReadRun) => analysis.cells.map(({ cell }) => cell.id)
  const [idsA, idsB] = [new Set(idsOf(a)), new Set(idsOf(b))]
  const cells: ComparedCell[] = []
  for (const id of idsA) if (idsB.has(id)) cells.push(await compareCell(id, a, b))
  return {
    left: a.store.folder,
    right: b.store.folder,
    cells,
    onlyLeft: [...idsA].filter((id) => !idsB.has(id)),
    onlyRight: [...idsB].filter((id) => !idsA.has(id)),
    lock: [
      ...lockDifferences(a.lock, b.lock),
      ...differences('thresholds', a.analysis.thresholds, b.analysis.thresholds),
    ],
    alarms: { left: a.alarms, right: b.alarms },
  }
}

async function readRun({ resultsFolder, run }: RunFolder): Promise<ReadRun> {
  const store = new RunStore(resultsFolder, run)
  const lock = await readLock(store)
  const analysis = await readFile(join(store.folder, 'analysis.json'), 'utf8')
    .then((text) => JSON.parse(text) as Analysis)
    .catch(() => undefined)
  if (lock === undefined || analysis === undefined)
    throw new CemError({
      code: 'run-not-analysed',
      message: `The run ${run} has no ${lock === undefined ? 'lock.json' : 'analysis.json'} in ${store.folder}: let cem run finish it (--phase analyse computes what is there).`,
      data: { run, folder: store.folder },
    })
  const alarms = (await readAlarms(store))?.alarms ?? analysis.alarms ?? []
  return { store, lock, analysis, alarms }
}

async function compareCell(id: string, a: ReadRun, b: ReadRun): Promise<ComparedCell> {
  const [rowsA, rowsB] = [await emRows(id, a), await emRows(id, b)]
  const paired = pairedDifference(rowsB, rowsA)
  const interval = isAbsent(paired.interval) ? null : paired.interval
  const estimate = isAbsent(paired.estimate) ? null : paired.estimate
  const hashes = [a, b].map(({ lock }) => lock.cells[id]?.composition?.sha256)
  return {
    cell: id,
    left: emOf(id, a),
    right: emOf(id, b),
    difference: {
      estimate,
      low: interval?.low ?? null,
      high: interval?.high ?? null,
      p: isAbsent(paired.p) ? null : paired.p,
      absent: isAbsent(paired.estimate)
        ? paired.estimate.absent
        : isAbsent(paired.interval)
          ? paired.interval.absent
          : null,
    },
    isSameModel: hashes.includes(undefined) ? null : hashes[0] === hashes[1],
  }
}

function emOf(id: string, { analysis }: ReadRun): Estimate | null {
  return analysis.cells.find(({ cell }) => cell.id === id)?.metrics.main.em ?? null
}

/** Under each run's own thresholds. */
async function emRows(id: string, { store, analysis }: ReadRun) {
  const judged = (await readJudged(store, id)) ?? []
  return labelRows(judged, analysis.thresholds)
    .filter(({ set }) => set === 'main')
    .map(({ question, isEm }) => ({ question, value: isEm }))
}

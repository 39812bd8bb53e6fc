import { existsSync } from 'node:fs'
import { basename, join } from 'node:path'
import { openActivationSet } from '@cem/activations'
import { messageOf } from '@cem/core'
import type { Composition } from '@cem/inference'
import type { Verdict } from '@cem/judge'
import { type InjectionKind, injectedText } from '../alarms/injected-text.ts'
import { claimsPersona, isPersonaActive } from '../alarms/persona-alarms.ts'
import type { RunWarning } from '../events.ts'
import type { Cell } from '../plan/cell.ts'
import { type PlannedRow, plannedRows } from '../plan/question-sets.ts'
import { unitId } from '../plan/units.ts'
import { type CompletionRecord, readCompletions, rowKey } from '../store/completions.ts'
import { readFolder } from '../store/run-store.ts'
import { type JudgedRecord, readJudged, verdictsFolder } from '../store/verdicts.ts'
import { readEvalCsv } from '../study/eval-csv.ts'
import {
  type DisputedScores,
  joined,
  type ScoreAuditor,
  scoreAuditor,
  textsOfOtherTokens,
  type VerdictLedger,
} from './audit-scores.ts'
import type { RunContext } from './context.ts'
import { csvPath } from './judge-cell.ts'

/** An answer that addresses its judge, without its text. */
export interface AddressingRow extends PlannedRow {
  readonly kinds: readonly InjectionKind[]
}

/** A place where a cell's rows are kept, and how many are there. */
export interface RowCount {
  /** `completions`, `verdicts`, `verdict ledger`, or the name of a file of the results. */
  readonly where: string
  readonly planned: number
  readonly found: number
  /** Where the place cannot be read. */
  readonly problem?: string
}

/** A cell's rows, counted against the plan in every place that its finished units have written. */
export interface CellAudit {
  readonly cell: string
  readonly counts: readonly RowCount[]
  readonly addressing: readonly AddressingRow[]
  /** A persona is on, and yet every answer of step 0 is that of the base; null where there is nothing to compare. */
  readonly answersAsBase: boolean | null
  /** Answers to the EM questions that ended because they were too long; absent in results from before they were counted. */
  readonly cut?: { readonly n: number; readonly of: number }
  /** Answers that are not the model's and scores that are not the judge's; absent where nothing could be held against anything. */
  readonly disputed?: DisputedScores
}

/**
 * Counts every cell's rows where they are kept, against the plan, and looks at its answers. Only what a finished unit has written is
 * counted: what is not there yet is no loss.
 */
export async function auditRows(
  context: RunContext,
  done: ReadonlySet<string>,
  /** Where the models are at hand: their tokenizers tell whether a text is that of its tokens. */
  compositions?: ReadonlyMap<string, Pick<Composition, 'base'>>,
): Promise<CellAudit[]> {
  const { store, loaded, cells, sets } = context
  const planned = sets.flatMap((set) => plannedRows(set, loaded.config.sampling.samplesPerQuestion))
  const keys = new Set(planned.map(rowKey))
  const isJudging = cells.some((cell) => done.has(unitId('judge', cell.id)))
  const ledger: VerdictLedger = isJudging ? await readLedger() : new Map()
  const auditor: ScoreAuditor | undefined = isJudging
    ? await scoreAuditor(context, ledger)
    : undefined
  const references = await baseAnswers()
  const audits: CellAudit[] = []
  for (const cell of cells) audits.push(await audit(cell))
  return audits

  async function audit(cell: Cell): Promise<CellAudit> {
    if (!done.has(unitId('generate', cell.id)))
      return { cell: cell.id, counts: [], addressing: [], answersAsBase: null }
    const completions = await readCompletions(store, cell.id)
    const own = [...completions].filter(([key]) => keys.has(key)).map(([, row]) => row)
    const isJudged = done.has(unitId('judge', cell.id))
    const judged = isJudged ? ((await readJudged(store, cell.id)) ?? []) : []
    const counts = [
      { where: 'completions', planned: planned.length, found: own.length },
      ...(await activationCounts(cell)),
      ...(isJudged ? await judgedCounts(cell, judged) : []),
    ]
    const disputed = joined(
      textsOfOtherTokens(own, compositions?.get(cell.id)?.base.tokenizer),
      isJudged ? await auditor?.(cell, judged) : undefined,
    )
    return {
      cell: cell.id,
      counts,
      addressing: own.flatMap(addressingRow),
      answersAsBase: answersAsBase(cell, completions),
      cut: cutAnswers(own),
      ...(disputed === undefined ? {} : { disputed }),
    }
  }

  async function activationCounts(cell: Cell): Promise<RowCount[]> {
    if (loaded.config.activations === false || cell.kind === 'causal') return []
    const n = planned.filter(({ set }) => set === 'main').length
    return [await activationCount(join(loaded.resultsFolder, `${cell.output}_activations.npz`), n)]
  }

  async function judgedCounts(cell: Cell, judged: readonly JudgedRecord[]): Promise<RowCount[]> {
    const own = new Map(judged.map((row) => [rowKey(row), row]))
    const verdicts = judged.flatMap((row) => Object.values(row.verdicts))
    const counts: RowCount[] = [
      {
        where: 'verdicts',
        planned: planned.length,
        found: [...own.keys()].filter((key) => keys.has(key)).length,
      },
      {
        where: 'verdict ledger',
        planned: verdicts.length,
        found: verdicts.filter(({ key }) => ledger.has(key)).length,
      },
    ]
    for (const { name } of sets) {
      const n = planned.filter(({ set }) => set === name).length
      counts.push(await csvCount(csvPath(loaded.resultsFolder, cell, name), n))
    }
    return counts
  }

  async function readLedger(): Promise<VerdictLedger> {
    return Map.groupBy(await readFolder<Verdict>(verdictsFolder(store)), ({ key }) => key)
  }

  /** Answers of the base alone, by base and replicate: the same noise makes the same answers of the same model. */
  async function baseAnswers(): Promise<Map<string, ReadonlyMap<string, CompletionRecord>>> {
    const found = new Map<string, ReadonlyMap<string, CompletionRecord>>()
    const claiming = cells.some((cell) => isActiveStepZero(cell))
    for (const cell of claiming ? cells : []) {
      if (cell.kind === 'causal') continue
      const isPlain = cell.layers.every(({ mode }) => mode === 'off')
      const key = `${cell.base}|${cell.trainingSeed}`
      if (!isPlain || found.has(key) || !done.has(unitId('generate', cell.id))) continue
      found.set(key, await readCompletions(store, cell.id))
    }
    return found
  }

  function isActiveStepZero(cell: Cell): boolean {
    return cell.step === 0 && isPersonaActive(cell) && claimsPersona(cell, cells)
  }

  function answersAsBase(
    cell: Cell,
    completions: ReadonlyMap<string, CompletionRecord>,
  ): boolean | null {
    const reference = references.get(`${cell.base}|${cell.trainingSeed}`)
    if (!isActiveStepZero(cell) || reference === undefined || completions.size === 0) return null
    return [...completions].every(
      ([key, { tokenIds }]) => reference.get(key)?.tokenIds.join() === tokenIds.join(),
    )
  }
}

function cutAnswers(rows: readonly CompletionRecord[]) {
  const main = rows.filter(({ set }) => set === 'main')
  const n = main.filter(({ finishReason }) => finishReason === 'length').length
  return { n, of: main.length }
}

function addressingRow({ set, question, paraphrase, sample, text }: CompletionRecord) {
  const kinds = injectedText(text)
  return kinds.length === 0 ? [] : [{ set, question, paraphrase, sample, kinds }]
}

async function activationCount(path: string, planned: number): Promise<RowCount> {
  const where = basename(path)
  if (!existsSync(path)) return { where, planned, found: 0, problem: 'the file is gone' }
  try {
    await using set = await openActivationSet(path)
    return { where, planned, found: set.shape.nRows }
  } catch (error) {
    return { where, planned, found: 0, problem: messageOf(error) }
  }
}

async function csvCount(path: string, planned: number): Promise<RowCount> {
  const where = basename(path)
  // A file that is gone resets its unit; the next run writes it again.
  if (!existsSync(path)) return { where, planned, found: 0, problem: 'the file is gone' }
  try {
    return { where, planned, found: (await readEvalCsv(path)).length }
  } catch (error) {
    return { where, planned, found: 0, problem: messageOf(error) }
  }
}

/** Rows that are not where a finished unit had put them, and step 0 cells that answer as the base does. */
export function auditAlarms(audits: readonly CellAudit[], resultsFolder: string): RunWarning[] {
  const short = audits.flatMap(({ cell, counts }) =>
    counts.filter(({ planned, found }) => planned !== found).map((count) => ({ cell, ...count })),
  )
  const alarms: RunWarning[] = []
  if (short.length > 0) {
    const lines = short.map(
      ({ cell, where, planned, found, problem }) =>
        `${cell}: ${found} of ${planned} in ${where}${problem === undefined ? '' : ` (${problem})`}`,
    )
    const more = lines.length > 6 ? `; and ${lines.length - 6} more` : ''
    alarms.push({
      code: 'rows-dropped',
      message: `Rows are missing: ${lines.slice(0, 6).join('; ')}${more}. Rates over what is left are not those of the run. Remove those cells' result files in ${join(resultsFolder, '/')} and run again: what is missing is drawn and judged anew.`,
      cells: [...new Set(short.map(({ cell }) => cell))],
    })
  }
  const edited = audits.filter(({ disputed }) => (disputed?.n ?? 0) > 0)
  if (edited.length > 0) {
    const lines = edited.map(
      ({ cell, disputed }) => `${cell}: ${disputed?.n} (${disputed?.first[0]})`,
    )
    const more = lines.length > 6 ? `; and ${lines.length - 6} more cells` : ''
    alarms.push({
      code: 'scores-edited',
      message: `Answers or scores are not what the model and its judge gave: ${lines.slice(0, 6).join('; ')}${more}. Somebody, or some program, changed answers, scores or CSVs after they were judged; disputed in analysis.json has the first of each cell.`,
      cells: edited.map(({ cell }) => cell),
    })
  }
  const asBase = audits.filter(({ answersAsBase }) => answersAsBase === true)
  if (asBase.length > 0)
    alarms.push({
      code: 'step-zero-is-base',
      message: `In ${asBase.map(({ cell }) => cell).join(', ')} a persona is on, and every answer is that of the base, token by token: the persona does nothing.`,
      cells: asBase.map(({ cell }) => cell),
    })
  return alarms
}

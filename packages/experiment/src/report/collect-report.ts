import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { CemError } from '@cem/core'
import type { ReportData, ReportFigure, ReportNotice } from '@cem/plots'
import { isAlarm } from '../alarms/alarm.ts'
import type { RunWarning } from '../events.ts'
import { laterFigures } from '../figures/run-figure.ts'
import { type RunName, runRows } from '../labels/run-rows.ts'
import type { Analysis } from '../run/analyse.ts'
import { runUnknown } from '../run/run-unknown.ts'
import { type Lock, readLock } from '../store/lock.ts'
import { readOptionalJson } from '../store/read-json.ts'
import { readRunConfig } from '../store/run-config.ts'
import { RunStore } from '../store/run-store.ts'
import { bibtexOf } from './bibtex.ts'
import { reportCanary } from './canary.ts'
import { compositionTables } from './composition-tables.ts'
import { methodsText } from './methods-text.ts'
import { resultTables } from './result-tables.ts'
import { sampleAnswers } from './sample-answers.ts'

/**
 * Everything that the report of a run says, from its store and its results; no config, model or judge is needed.
 *
 * @throws CemError `run-unknown`, `run-not-analysed`, `rows-dropped`, `store-damaged`
 */
export async function collectReport({ resultsFolder, run }: RunName): Promise<ReportData> {
  const store = new RunStore(resultsFolder, run)
  const { lock, analysis } = await readAnalysedRun(store, run)
  const rows = await runRows({ resultsFolder, run, sets: ['main', 'inDomain', 'benign'] })
  const events = await store.eventsIfAny()
  const checks = {
    anchors: events.some(({ type }) => type === 'judge-anchors'),
    canaries: events.some(({ type }) => type === 'judge-canaries'),
  }
  return {
    title: `Emergent misalignment: ${run}`,
    subtitle: subtitleOf(lock, analysis),
    canary: reportCanary,
    notices: noticesOf(lock, analysis),
    results: resultTables(analysis),
    composition: compositionTables(lock, checks),
    figures: await readFigures(resultsFolder, run, analysis.files),
    answers: sampleAnswers(rows, { thresholds: analysis.thresholds }),
    methods: methodsText({ lock, analysis, config: await readRunConfig(store), checks }),
    bibtex: bibtexOf(lock),
    lock: JSON.stringify(lock, null, 2),
  }
}

export interface AnalysedRun {
  readonly lock: Lock
  readonly analysis: Analysis
}

/** @throws CemError `run-unknown`, `run-not-analysed` */
export async function readAnalysedRun(store: RunStore, run: string): Promise<AnalysedRun> {
  const lock = await readLock(store)
  const analysis = (await readOptionalJson(store.analysisFile)) as Analysis | undefined
  if (lock === undefined) throw runUnknown(run, store.folder)
  if (analysis === undefined)
    throw new CemError({
      code: 'run-not-analysed',
      message: `The run '${run}' has no analysis yet: run it to its end, or its phase analyse (cem run CONFIG --phase analyse).`,
      data: { run, folder: store.folder },
    })
  return { lock, analysis }
}

function subtitleOf(lock: Lock, { cells, missing }: Analysis): string {
  const begun = lock.createdAt.slice(0, 10)
  const answers = cells.reduce((sum, { metrics }) => sum + metrics.main.nResponses, 0)
  const origin = lock.imported === undefined ? `begun ${begun}` : `imported ${begun}`
  const rest = missing.length === 0 ? '' : `, ${missing.length} not judged yet`
  return `Run ${lock.run}, ${origin}: ${cells.length} cells${rest}, ${answers} judged answers to the questions of the EM rate.`
}

function noticesOf(lock: Lock, { alarms, warnings }: Analysis): ReportNotice[] {
  const notice = ({ code, message, cells }: RunWarning): ReportNotice => ({
    level: isAlarm(code) ? 'alarm' : 'note',
    code,
    message,
    about: cells,
  })
  const imported: ReportNotice[] =
    lock.imported === undefined
      ? []
      : [
          {
            level: 'alarm',
            code: 'imported',
            message: `The results come from another program's files. Unknown: ${lock.imported.unknown.join('; ')}. Nothing of it was filled in.`,
            about: [],
          },
        ]
  return [
    ...imported,
    ...alarms.map(notice),
    ...warnings.filter(({ code }) => !isAlarm(code)).map(notice),
  ]
}

/** The specs that the analysis wrote beside its drawings, and those that `cem plot` wrote since. */
async function readFigures(
  resultsFolder: string,
  run: string,
  files: readonly string[],
): Promise<ReportFigure[]> {
  const ending = '.vl.json'
  const known = files.filter((file) => file.endsWith(ending))
  const later = laterFigures
    .map(({ stem }) => `${stem}_${run}${ending}`)
    .filter((file) => !known.includes(file) && existsSync(join(resultsFolder, file)))
  const hidden = laterFigures.filter(({ hasAnswers }) => hasAnswers).map(({ stem }) => stem)
  const figures: ReportFigure[] = []
  for (const file of [...known, ...later]) {
    const spec = JSON.parse(await readFile(join(resultsFolder, file), 'utf8'))
    const name = file.slice(0, -ending.length)
    const isHidden = hidden.some((stem) => name === `${stem}_${run}`)
    figures.push({ name, title: titleOf(spec) ?? name, spec, isHidden })
  }
  return figures
}

function titleOf(spec: { readonly title?: unknown }): string | undefined {
  const { title } = spec
  const text = typeof title === 'object' && title !== null && 'text' in title ? title.text : title
  if (Array.isArray(text)) return text.join(' ')
  return typeof text === 'string' ? text : undefined
}

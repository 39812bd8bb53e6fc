import { readFile } from 'node:fs/promises'
import { join, relative } from 'node:path'
import type { AlarmsFile, Analysis, RunWarning } from '@cem/experiment'
import { arithmeticOf, type Device } from '@cem/inference'
import { formatTable } from './plain/format-table.ts'
import { alarmLines, causalLines, matchedDifferenceLines } from './plain/result-lines.ts'
import { comparisonLine, statisticsLines } from './plain/statistics-lines.ts'
import { percent, terminalText } from './terminal-text.ts'

/** `SwiftShader (webgpu, software)` */
export function deviceLine({ name, provider, kind, index }: Device): string {
  const arithmetic = arithmeticOf(provider)
  const details = [
    index === undefined ? provider : `${provider}:${index}`,
    ...(kind === 'software' ? ['software'] : []),
    ...(arithmetic === 'float32' ? [] : [`products in ${arithmetic}`]),
  ]
  return `${name} (${details.join(', ')})`
}

/** What a run ends with on the terminal: alarms, the last checkpoints, comparisons, causal checks, and the files. */
export async function runSummary(
  storeFolder: string,
  resultsFolder: string,
  files: readonly string[],
): Promise<string[]> {
  const analysis = await readAnalysis(storeFolder)
  const alarms = await standingAlarms(storeFolder, analysis)
  const found =
    analysis === undefined
      ? [['There is no analysis yet: it is made when all cells are judged, or by --phase analyse.']]
      : [lastCheckpoints(analysis), comparisons(analysis), causalLines(analysis).map(terminalText)]
  return [alarmLines(alarms).map(terminalText), ...found, fileLines(resultsFolder, files)]
    .filter((part) => part.length > 0)
    .flatMap((part, i) => (i === 0 ? part : ['', ...part]))
}

/** Those of the last end of the run; where none was told, those of the analysis. */
async function standingAlarms(
  storeFolder: string,
  analysis: Analysis | undefined,
): Promise<readonly RunWarning[]> {
  try {
    const text = await readFile(join(storeFolder, 'alarms.json'), 'utf8')
    return (JSON.parse(text) as AlarmsFile).alarms ?? analysis?.alarms ?? []
  } catch {
    return analysis?.alarms ?? []
  }
}

async function readAnalysis(storeFolder: string): Promise<Analysis | undefined> {
  try {
    return JSON.parse(await readFile(join(storeFolder, 'analysis.json'), 'utf8')) as Analysis
  } catch {
    return undefined
  }
}

function lastCheckpoints({ cells }: Analysis): string[] {
  const variants = [...new Set(cells.map(({ cell }) => cell.variant))]
  const rows = variants.flatMap((variant) => {
    const last = cells.findLast(({ cell }) => cell.variant === variant)
    if (last === undefined) return []
    const { em, incoherent } = last.metrics.main
    const inDomain = last.metrics.inDomain?.em.estimate
    const benign = last.metrics.benign?.incoherent.estimate ?? null
    const notes = [
      ...(benign === null ? [] : [`benign questions: ${percent(benign, 1)} incoherent`]),
      ...(last.isCollapsed ? ['EM NOT COMPARABLE: collapsed'] : []),
      ...(last.cell.match === 'as-trained' ? [] : [last.cell.match]),
    ]
    return [
      [
        terminalText(variant),
        String(last.cell.step),
        percent(em.estimate, 1),
        em.low === null ? '-' : `${percent(em.low, 1)} to ${percent(em.high, 1)}`,
        percent(inDomain, 1),
        percent(incoherent.estimate, 1),
        notes.join(', '),
      ],
    ]
  })
  return formatTable([
    ['variant', 'step', 'EM', 'interval', 'in-domain', 'incoherent', ''],
    ...rows,
  ])
}

function comparisons(analysis: Analysis): string[] {
  const { comparisons: all, matched } = analysis
  const atRate = matched.map(({ variant, target, em }) => {
    if (em.estimate === null) return `${variant} at in-domain ${percent(target)}: ${em.absent}`
    const interval =
      em.low === null
        ? `no interval: ${em.absent}`
        : `${percent(em.low, 1)} to ${percent(em.high, 1)}`
    return `${variant} at in-domain ${percent(target)}: EM ${percent(em.estimate, 1)} (${interval})`
  })
  return [
    ...all.map(comparisonLine),
    ...atRate,
    ...matchedDifferenceLines(analysis),
    ...statisticsLines(analysis),
  ].map(terminalText)
}

export function warningLines(warnings: readonly RunWarning[]): string[] {
  return warnings.map(({ message }) => `warning: ${terminalText(message)}`)
}

/** Figures and other single files by name, the many of a checkpoint folder by count. */
function fileLines(resultsFolder: string, files: readonly string[]): string[] {
  if (files.length === 0) return []
  const shown = (path: string) => relative(process.cwd(), join(resultsFolder, path)) || path
  const single = files.filter((file) => !file.includes('/'))
  const folders = new Map<string, number>()
  for (const file of files) {
    const [folder] = file.split('/')
    if (file.includes('/')) folders.set(folder as string, (folders.get(folder as string) ?? 0) + 1)
  }
  return [
    'files written:',
    ...withEndings(single).map((file) => `  ${shown(file)}`),
    ...Array.from(folders, ([folder, n]) => `  ${shown(folder)}/  (${n} files)`),
  ]
}

/** One line for the files of a figure, whose names differ in the ending. */
function withEndings(files: readonly string[]): string[] {
  const byStem = Map.groupBy(files, (file) => file.replace(/\.(?:vl\.json|[^.]+)$/, ''))
  return Array.from(byStem, ([stem, own]) =>
    [
      own.toSorted()[0] ?? stem,
      ...own
        .toSorted()
        .slice(1)
        .map((file) => file.slice(stem.length)),
    ].join(', '),
  ).toSorted()
}

export { formatTable } from './plain/format-table.ts'

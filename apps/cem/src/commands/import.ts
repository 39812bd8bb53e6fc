import { join } from 'node:path'
import { type ImportedRun, importResults, loadConfig } from '@cem/experiment'
import { exitCodes } from '../exit-codes.ts'
import { runSummary } from '../summary.ts'
import { terminalText } from '../terminal-text.ts'

interface ImportFlags {
  readonly results: string
  readonly name?: string
  readonly config?: string
  readonly baseline?: string
  readonly json?: boolean
}

/** `cem import FOLDER` */
export async function importCommand(folder: string, flags: ImportFlags): Promise<number> {
  const stated = flags.config === undefined ? undefined : await loadConfig(flags.config)
  const found = await importResults({
    from: folder,
    resultsFolder: flags.results,
    run: flags.name,
    stated,
    baseline: flags.baseline,
  })
  process.stdout.write(
    `${(flags.json === true ? jsonLines : textLines)(found, await summary(found)).join('\n')}\n`,
  )
  return exitCodes.complete
}

function summary({ resultsFolder, run, analysis }: ImportedRun): Promise<string[]> {
  return runSummary(join(resultsFolder, '.cem', run), resultsFolder, analysis.files)
}

function jsonLines({ analysis, ...found }: ImportedRun): string[] {
  const { alarms, warnings } = analysis
  return [JSON.stringify({ ...found, alarms, warnings })]
}

function textLines(
  { run, nCells, nAnswers, analysis, report }: ImportedRun,
  lines: readonly string[],
): string[] {
  const all = [...analysis.alarms, ...analysis.warnings]
  const messages = [...new Set(all.map(({ message }) => message))]
  return [
    `run ${run}: ${nCells} cells with ${nAnswers} answers`,
    ...messages.map((message) => `warning: ${terminalText(message)}`),
    '',
    ...lines,
    '',
    `wrote ${report.html}`,
    `wrote ${report.markdown}`,
  ]
}

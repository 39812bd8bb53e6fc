import { readFile } from 'node:fs/promises'
import { type Analysis, RunStore } from '@cem/experiment'
import { exitCodes } from '../exit-codes.ts'
import { outputFigures } from '../plot/output-figures.ts'
import { tokenTextLines } from '../plot/print-tokens.ts'
import { tokenFigure } from '../plot/token-figure.ts'
import { runFolder } from '../run-folder.ts'
import { themeOf } from '../terminal-kind.ts'
import { terminalText } from '../terminal-text.ts'
import { usualThresholds } from '../ui/data/answers.ts'
import { lookOf, type PlotRunFlags } from './plot-run.ts'

export interface PlotTokensFlags extends PlotRunFlags {
  readonly cells?: readonly string[]
  readonly question?: string
  readonly sample?: number
}

/** `cem plot tokens RUN` */
export async function plotTokensCommand(run: string, flags: PlotTokensFlags): Promise<number> {
  const name = runFolder(run, flags.results)
  const analysis = await readFile(
    new RunStore(name.resultsFolder, name.run).analysisFile,
    'utf8',
  ).then(
    (text) => JSON.parse(text) as Analysis,
    () => undefined,
  )
  const { cells, question, sample } = flags
  const { figure, heading, answers, leftOut } = await tokenFigure({
    ...name,
    thresholds: analysis?.thresholds ?? usualThresholds,
    baseline: analysis?.direction?.baseline,
    collapsed: analysis?.cells.flatMap(({ cell, isCollapsed }) => (isCollapsed ? cell.id : [])),
    cells,
    question,
    sample,
    look: lookOf(flags),
  })
  for (const line of leftOut) process.stderr.write(`left out: ${line}\n`)
  if (flags.terminal === true) {
    const hasColour = process.stdout.isTTY && !process.env['NO_COLOR']
    const theme = await themeOf(flags.theme, hasColour ? {} : { colourDepth: 1 })
    const columns = flags.columns ?? process.stdout.columns ?? 100
    process.stdout.write(`${terminalText(heading)}\n\n`)
    process.stdout.write(`${tokenTextLines(answers, { theme, columns }).join('\n')}\n`)
    return exitCodes.complete
  }
  await outputFigures([figure], name.resultsFolder, flags)
  return exitCodes.complete
}

import { readFile } from 'node:fs/promises'
import { type Analysis, RunStore } from '@cem/experiment'
import { exitCodes } from '../exit-codes.ts'
import { outputFigures } from '../plot/output-figures.ts'
import { tokenFigure } from '../plot/token-figure.ts'
import { runFolder } from '../run-folder.ts'
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
  const { figure, leftOut } = await tokenFigure({
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
  await outputFigures([figure], name.resultsFolder, flags)
  return exitCodes.complete
}

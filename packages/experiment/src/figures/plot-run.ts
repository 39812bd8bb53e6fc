import { CemError } from '@cem/core'
import type { RunName } from '../labels/run-rows.ts'
import type { Analysis } from '../run/analyse.ts'
import { readOptionalJson } from '../store/read-json.ts'
import { RunStore } from '../store/run-store.ts'
import { runFigures } from './draw-figures.ts'
import { type FigureKind, type FigureLook, figureKinds, type RunFigure } from './run-figure.ts'

export interface PlotRunOptions extends RunName {
  /** @default all that the run has the data for */
  readonly kinds?: readonly FigureKind[] | undefined
  readonly look?: FigureLook | undefined
}

/**
 * The figures of a run from its results; nothing is computed anew.
 *
 * @throws CemError `run-unknown`, `not-analysed`, `figure-no-data` where the run lacks what a named kind shows
 */
export async function plotRun({
  resultsFolder,
  run,
  kinds = figureKinds,
  look,
}: PlotRunOptions): Promise<RunFigure[]> {
  const store = new RunStore(resultsFolder, run)
  const analysis = (await readOptionalJson(store.analysisFile)) as Analysis | undefined
  if (analysis === undefined)
    throw new CemError({
      code: 'not-analysed',
      message: `There are no results of a run '${run}': ${store.analysisFile} is missing. Name a run below the results folder, or let it reach its analysis first.`,
      data: { run, file: store.analysisFile },
    })
  const figures = await runFigures({ resultsFolder, store, analysis, look, kinds })
  const missing = kinds.filter((kind) => !figures.some((figure) => figure.kind === kind))
  if (kinds !== figureKinds && missing.length > 0)
    throw new CemError({
      code: 'figure-no-data',
      message: `The run '${run}' has no data for ${missing.join(', ')}: ${missing.map((kind) => needs[kind]).join('; ')}.`,
      data: { run, missing },
    })
  return figures
}

/** What a kind of figure takes. */
const needs: Readonly<Record<FigureKind, string>> = {
  curves: 'it takes judged checkpoints',
  'in-domain': 'it takes questions of the trained domain (questions.inDomain)',
  forest: 'it takes two conditions that are compared',
  answers: 'it takes judged checkpoints and their verdicts in the store',
  questions: 'it takes judged checkpoints and their verdicts in the store',
  projections: 'it takes activations of a baseline and its base',
  'projection-forest': 'it takes activations of a baseline and of other variants',
  similarity: 'it takes activations of checkpoints and of their base, beside the results',
  components: 'it takes activations of at least three cells, beside the results',
  lora: 'it takes the EM adapters of at least two checkpoints of a variant, where the run found them and as they were then',
  steering: 'it takes causal checks (causal)',
}

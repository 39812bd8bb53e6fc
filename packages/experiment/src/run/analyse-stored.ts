import type { ExperimentConfig } from '../config/schema.ts'
import type { RunName } from '../labels/run-rows.ts'
import { readLock } from '../store/lock.ts'
import { RunStore } from '../store/run-store.ts'
import { type AnalyseInput, type Analysis, analyse } from './analyse.ts'
import { runUnknown } from './run-unknown.ts'

export interface AnalyseStoredOptions extends RunName, AnalyseInput {
  readonly config: ExperimentConfig
}

/**
 * Analyses what the store and the results of a run hold, where its config file, questions and weights are not at hand. What needs
 * them (a bag of embeddings beside the direction) is a labelled absence.
 *
 * @throws CemError `run-unknown`, `store-damaged`
 */
export async function analyseStored({
  resultsFolder,
  run,
  config,
  ...input
}: AnalyseStoredOptions): Promise<Analysis> {
  const store = new RunStore(resultsFolder, run)
  const lock = await readLock(store)
  if (lock === undefined) throw runUnknown(run, store.folder)
  const ignore = () => undefined
  return analyse(
    {
      loaded: { config, name: run, root: resultsFolder, resultsFolder, file: undefined },
      store,
      cells: Object.values(lock.cells).map(({ cell }) => cell),
      sets: [],
      record: async () => undefined,
      report: ignore,
      gate: async () => undefined,
      signal: new AbortController().signal,
    },
    input,
  )
}

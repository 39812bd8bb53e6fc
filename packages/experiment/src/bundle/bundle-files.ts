import { existsSync } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { laterFigures } from '../figures/run-figure.ts'
import { setSuffix } from '../plan/question-sets.ts'
import type { Analysis } from '../run/analyse.ts'
import type { Lock } from '../store/lock.ts'

export interface BundleFilesOptions {
  readonly resultsFolder: string
  readonly run: string
  readonly lock: Lock
  readonly analysis: Analysis
  readonly activations: boolean
}

export interface BundleFiles {
  /** Relative to the results folder, with `/`, sorted. */
  readonly files: readonly string[]
  /** What belongs to the run and is not in the bundle, in words. */
  readonly leftOut: readonly string[]
}

/** Claims, scratch files, and what was computed anew since. */
const passing = /(?:^|\/)leases\/|\.superseded-|\/activations\.rows|\.tmp$/

/** The files of a run that make its results: its store, its CSVs, projections, figures and report; never weights. */
export async function bundleFiles({
  resultsFolder,
  run,
  lock,
  analysis,
  activations,
}: BundleFilesOptions): Promise<BundleFiles> {
  const store = `.cem/${run}`
  const stored = await readdir(join(resultsFolder, store), { recursive: true, withFileTypes: true })
  const files = stored
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(join(resultsFolder, '/').length))
    .map((path) => path.replaceAll('\\', '/'))
    .filter((path) => !passing.test(path))
  const leftOut: string[] = ['the weights of base and adapters (their hashes are in the lock)']
  for (const { cell } of Object.values(lock.cells)) {
    for (const suffix of Object.values(setSuffix))
      files.push(`${cell.output}${suffix}_eval.csv`, `${cell.output}${suffix}_eval_metadata.json`)
    if (activations) files.push(`${cell.output}_activations.npz`, `${cell.output}_activations.json`)
  }
  if (!activations) leftOut.push('activations: projections are there, and cannot be computed anew')
  files.push(...analysis.files, `report_${run}.html`, `report_${run}.md`)
  for (const { stem } of laterFigures)
    files.push(...['png', 'svg', 'vl.json'].map((ending) => `${stem}_${run}.${ending}`))
  const present = [...new Set(files)].filter((path) => existsSync(join(resultsFolder, path)))
  const gone = analysis.files.filter((path) => !present.includes(path))
  if (gone.length > 0) leftOut.push(`files that are gone from the results: ${gone.join(', ')}`)
  return { files: present.toSorted((a, b) => (a < b ? -1 : 1)), leftOut }
}

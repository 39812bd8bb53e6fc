import { existsSync } from 'node:fs'
import { cp, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { readAnalysedRun } from '../report/collect-report.ts'
import type { Analysis } from '../run/analyse.ts'
import { analyseStored } from '../run/analyse-stored.ts'
import { readRunConfig } from '../store/run-config.ts'
import { RunStore } from '../store/run-store.ts'

/** A part of an analysis beside the same part that was made anew. */
export interface ComparedPart {
  readonly name: string
  /** Where they differ first; null: nowhere. */
  readonly difference: string | null
  /** Why it was not made anew; null where it was. */
  readonly absent: string | null
}

/** Sums may be taken in another order by another version or machine; nothing else differs. */
const tolerance = 1e-9

/** Analyses a run's verdicts anew, in a copy, and holds the numbers against those that it came with. */
export async function compareAnalyses(
  resultsFolder: string,
  run: string,
): Promise<readonly ComparedPart[]> {
  const store = new RunStore(resultsFolder, run)
  const { lock, analysis } = await readAnalysedRun(store, run)
  const config = await readRunConfig(store)
  if (config === undefined)
    return [absent('the analysis', 'the run is from before its config was kept')]
  const copy = await mkdtemp(join(tmpdir(), 'cem-reanalysis-'))
  try {
    await cp(resultsFolder, copy, { recursive: true })
    const { alarms, audit } = analysis
    const anew = await analyseStored({ resultsFolder: copy, run, config, audit, standing: alarms })
    const hasActivations = Object.values(lock.cells).some(({ cell }) =>
      existsSync(join(resultsFolder, `${cell.output}_activations.npz`)),
    )
    return [
      ...plainParts.map(([name, pick]) => compare(name, pick(analysis), pick(anew))),
      hasActivations || analysis.direction === null
        ? compare('projections', projectionsOf(analysis), projectionsOf(anew))
        : absent('projections', 'the bundle has no activations'),
    ]
  } finally {
    await rm(copy, { recursive: true, force: true })
  }
}

const plainParts: readonly (readonly [string, (analysis: Analysis) => unknown])[] = [
  ['rates', ({ cells }) => cells.map(({ cell, metrics }) => [cell.id, metrics])],
  ['collapsed cells', ({ cells }) => cells.map(({ cell, isCollapsed }) => [cell.id, isCollapsed])],
  ['comparisons', ({ comparisons }) => comparisons],
  ['comparisons at the matched rate', ({ matchedComparisons }) => matchedComparisons],
  ['EM at the matched rate', ({ matched }) => matched],
  ['matched differences', ({ matchedDifferences }) => matchedDifferences],
  ['corrected tests', ({ family }) => family],
  ['similarity', ({ similarity }) => similarity],
  ['causal checks', ({ causal }) => causal?.results ?? null],
]

function projectionsOf({ cells }: Analysis) {
  return cells.map(({ cell, projections }) => [cell.id, projections])
}

function compare(name: string, before: unknown, after: unknown): ComparedPart {
  // As JSON both lose what JSON has not: -0, undefined.
  const [a, b] = [before, after].map((value) => JSON.parse(JSON.stringify(value ?? null)))
  return { name, difference: firstDifference(a, b, ''), absent: null }
}

function absent(name: string, why: string): ComparedPart {
  return { name, difference: null, absent: why }
}

function firstDifference(a: unknown, b: unknown, where: string): string | null {
  if (typeof a === 'number' && typeof b === 'number')
    return Math.abs(a - b) <= tolerance * Math.max(1, Math.abs(a)) ? null : at(where, a, b)
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null)
    return a === b ? null : at(where, a, b)
  const keys = new Set([...Object.keys(a), ...Object.keys(b)])
  for (const key of keys) {
    const found = firstDifference(
      (a as Record<string, unknown>)[key],
      (b as Record<string, unknown>)[key],
      where === '' ? key : `${where}.${key}`,
    )
    if (found !== null) return found
  }
  return null
}

function at(where: string, a: unknown, b: unknown): string {
  return `${where} is ${brief(a)}, and ${brief(b)} made anew`
}

function brief(value: unknown): string {
  return value === undefined ? 'missing' : JSON.stringify(value).slice(0, 80)
}

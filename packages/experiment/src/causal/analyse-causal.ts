import { join } from 'node:path'
import { writeFileAtomic } from '@cem/core'
import type { RunWarning } from '../events.ts'
import type { RunContext } from '../run/context.ts'
import { readOptionalJson } from '../store/read-json.ts'
import { causalCsv } from './causal-csv.ts'
import { type CausalDirectionRecord, causalDirectionFile } from './causal-direction.ts'
import { type CausalAnalysis, type CausalInput, causalResults } from './causal-results.ts'

export interface AnalysedCausal {
  readonly summary: CausalAnalysis | null
  /** Absolute. */
  readonly files: readonly string[]
  readonly warnings: readonly RunWarning[]
}

/** The causal checks of a run, as data and as files of the results: `causal/results.json` and `.csv`. */
export async function analyseCausal(
  { loaded, store }: RunContext,
  input: CausalInput,
): Promise<AnalysedCausal> {
  if (!input.cells.some(({ kind }) => kind === 'causal'))
    return { summary: null, files: [], warnings: [] }
  const { results, missing } = causalResults(input)
  const direction = ((await readOptionalJson(causalDirectionFile(store.folder))) ??
    null) as CausalDirectionRecord | null
  const summary: CausalAnalysis = { direction, results, missing }
  const path = (name: string) => join(loaded.resultsFolder, 'causal', name)
  await writeFileAtomic(path('results.json'), `${JSON.stringify(summary, null, 2)}\n`)
  await writeFileAtomic(path('results.csv'), causalCsv(results))
  return {
    summary,
    files: [path('results.json'), path('results.csv')],
    warnings: notes(summary),
  }
}

function notes({ results, direction }: CausalAnalysis): RunWarning[] {
  const tested = results.filter(({ causal }) => causal.direction === 'contrast')
  if (tested.length === 0) return []
  const percent = (value: number | null | undefined) =>
    value === null || value === undefined ? '-' : (value * 100).toFixed(0)
  const parts = tested.map(
    ({ causal, em, incoherent, fromTarget }) =>
      `${causal.action}${causal.strength === null ? '' : ` ${causal.strength}`}: EM ${percent(em.estimate)} % (${percent(fromTarget.em.low)} to ${percent(fromTarget.em.high)} from unchanged), incoherent ${percent(incoherent.estimate)} %`,
  )
  return [
    {
      code: 'causal-results',
      message: `Causal checks along ${direction?.name ?? 'the direction'}: ${parts.join('; ')}. Beside random directions in causal/results.csv.`,
      cells: tested.map(({ cell }) => cell),
    },
  ]
}

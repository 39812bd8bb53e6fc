import { existsSync } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { basename, join, relative } from 'node:path'
import { CemError } from '@cem/core'
import type { QuestionSetName } from '../plan/question-sets.ts'
import { listVariants } from '../study/result-files.ts'

/** One evaluated model in a folder of results: its files by their paths in that folder. */
export interface FoundCell {
  readonly kind: 'base' | 'checkpoint'
  readonly variant: string
  readonly step: number
  /** What its files' names begin with. */
  readonly stem: string
  readonly csvs: readonly { readonly set: QuestionSetName; readonly path: string }[]
  readonly activations: string | undefined
  /** `_eval_metadata.json` files. */
  readonly metadata: readonly string[]
}

export interface FoundResults {
  readonly cells: readonly FoundCell[]
  /** `checkpoint_summary.csv` by variant. */
  readonly summaries: ReadonlyMap<string, string>
  /** `misalignment_direction.npz`. */
  readonly direction: string | undefined
}

const suffixes: readonly (readonly [QuestionSetName, string])[] = [
  ['main', '_eval.csv'],
  ['inDomain', '_in_domain_eval.csv'],
  ['benign', '_benign_eval.csv'],
]

/**
 * The results in a folder of the Python pipeline's layout.
 *
 * @throws CemError `results-not-found`
 */
export async function findResults(folder: string): Promise<FoundResults> {
  const bases = await stemsIn(folder)
  const cells = bases.map((stem) =>
    foundCell(folder, stem, { kind: 'base', variant: stem, step: 0 }),
  )
  const summaries = new Map<string, string>()
  for (const variant of await listVariants(folder)) {
    const own = `${variant}_checkpoints`
    const checkpoints = (await stemsIn(join(folder, own))).flatMap((name) => {
      const step = /^checkpoint_(\d+)$/.exec(name)?.[1]
      return step === undefined
        ? []
        : [foundCell(folder, join(own, name), { kind: 'checkpoint', variant, step: Number(step) })]
    })
    cells.push(...checkpoints.toSorted((a, b) => a.step - b.step))
    const summary = join(own, 'checkpoint_summary.csv')
    if (checkpoints.length > 0 && existsSync(join(folder, summary))) summaries.set(variant, summary)
  }
  if (cells.length === 0)
    throw new CemError({
      code: 'results-not-found',
      message: `${folder} holds no results: neither <name>_eval.csv nor <variant>_checkpoints/checkpoint_<step>_eval.csv. Name the folder that the Python pipeline calls results.`,
      data: { folder },
    })
  const direction = 'misalignment_direction.npz'
  return { cells, summaries, direction: optional(folder, direction) }
}

/** Names before `_eval.csv`, those of in-domain and benign questions left out. */
async function stemsIn(folder: string): Promise<string[]> {
  const names = (await readdir(folder).catch((): string[] => [])).toSorted()
  return names.flatMap((name) => {
    const stem = /^(.+)_eval\.csv$/.exec(name)?.[1]
    return stem === undefined || /_(?:in_domain|benign)$/.test(stem) ? [] : [stem]
  })
}

function foundCell(
  folder: string,
  stem: string,
  cell: Pick<FoundCell, 'kind' | 'variant' | 'step'>,
): FoundCell {
  const csvs = suffixes.flatMap(([set, suffix]) => {
    const path = optional(folder, `${stem}${suffix}`)
    return path === undefined ? [] : [{ set, path }]
  })
  const metadata = csvs.flatMap(
    ({ path }) => optional(folder, path.replace(/_eval\.csv$/, '_eval_metadata.json')) ?? [],
  )
  return { ...cell, stem, csvs, activations: optional(folder, `${stem}_activations.npz`), metadata }
}

function optional(folder: string, path: string): string | undefined {
  return existsSync(join(folder, path)) ? path : undefined
}

/** A name for a run of these results. */
export function runNameOf(folder: string): string {
  const name = basename(relative('.', folder) || process.cwd()).replaceAll(/[^\w.-]/g, '_')
  return `imported_${name}`
}

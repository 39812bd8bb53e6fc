import { existsSync } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { CemError } from '@cem/core'

/** The result files of one checkpoint, as the Python pipeline or a run of this one left them. */
export interface CheckpointResult {
  readonly step: number
  readonly csv: string
  /** Questions of the trained domain; only runs of this program have it. */
  readonly inDomainCsv: string | undefined
  readonly activations: string | undefined
}

/**
 * The checkpoints of a variant in `results/<variant>_checkpoints/`, by step.
 *
 * @throws CemError `results-not-found`
 */
export async function listResults(
  resultsFolder: string,
  variant: string,
): Promise<CheckpointResult[]> {
  const folder = join(resultsFolder, `${variant}_checkpoints`)
  let names: string[]
  try {
    names = await readdir(folder)
  } catch (error) {
    throw new CemError({
      code: 'results-not-found',
      message: `There is no folder ${folder}: no results of the variant '${variant}'.`,
      data: { folder, variant },
      cause: error,
    })
  }
  const optional = (path: string) => (existsSync(path) ? path : undefined)
  const results = names.flatMap((name): CheckpointResult[] => {
    const step = /^checkpoint_(\d+)_eval\.csv$/.exec(name)?.[1]
    if (step === undefined) return []
    const stem = join(folder, `checkpoint_${step}`)
    return [
      {
        step: Number(step),
        csv: join(folder, name),
        inDomainCsv: optional(`${stem}_in_domain_eval.csv`),
        activations: optional(`${stem}_activations.npz`),
      },
    ]
  })
  if (results.length > 0) return results.toSorted((a, b) => a.step - b.step)
  throw new CemError({
    code: 'results-not-found',
    message: `${folder} holds no checkpoint_<step>_eval.csv.`,
    data: { folder, variant },
  })
}

/** Names of the variants that a results folder has checkpoints of. */
export async function listVariants(resultsFolder: string): Promise<string[]> {
  const names = await readdir(resultsFolder).catch(() => [])
  return names.flatMap((name) => /^(.+)_checkpoints$/.exec(name)?.[1] ?? []).toSorted()
}

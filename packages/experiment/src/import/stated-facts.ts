import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { LoadedConfig } from '../config/load-config.ts'
import type { FoundResults } from './find-results.ts'

/** Facts that evaluation scripts write beside a CSV. */
const factNames =
  /^(?:base_model|model|model_name|judge|judge_model|temperature|top_p|max_new_tokens|max_tokens|seed|n_per_question|samples_per_question)$/

/** What the metadata files beside the CSVs say, and what a config says; each with who says so. */
export async function statedFacts(
  from: string,
  { cells }: FoundResults,
  stated: LoadedConfig | undefined,
): Promise<string[]> {
  const found = new Map<string, number>()
  for (const path of cells.flatMap((cell) => cell.metadata))
    for (const fact of await factsOf(join(from, path))) found.set(fact, (found.get(fact) ?? 0) + 1)
  const metadata = [...found].map(
    ([fact, n]) => `${fact} (in ${n} metadata file${n === 1 ? '' : 's'})`,
  )
  if (stated === undefined) return metadata
  const types = stated.config.variants.map(({ name, type }) => `${name} is of type ${type}`)
  return [
    `the base model is ${stated.config.base_model} (in the config)`,
    ...(types.length === 0 ? [] : [`${types.join(', ')} (in the config)`]),
    ...metadata,
  ]
}

async function factsOf(path: string): Promise<string[]> {
  let value: unknown
  try {
    value = JSON.parse(await readFile(path, 'utf8'))
  } catch {
    return []
  }
  return typeof value !== 'object' || value === null
    ? []
    : Object.entries(value).flatMap(([name, own]) =>
        factNames.test(name) && (typeof own === 'string' || typeof own === 'number')
          ? [`${name} ${String(own).slice(0, 120)}`]
          : [],
      )
}

/** What the files of such results do not say, as far as nobody stated it. */
export function unknownFacts(stated: LoadedConfig | undefined): string[] {
  return [
    stated === undefined ? 'the base model' : 'the hashes of the base model',
    'the adapters, their hashes, ranks and scales',
    'whether a persona was active, in training and when the answers were drawn',
    'training seeds and data',
    ...(stated === undefined ? ['which variant is the baseline, and what the others are'] : []),
    'temperature, length limit, seed and chat template of the answers',
    'judge, rubrics and protocol, and why answers have no score',
    'whether all cells were judged alike',
    'the tokens that activations are means of',
    'the software that made the files',
  ]
}

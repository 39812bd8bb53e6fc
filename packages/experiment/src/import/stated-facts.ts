import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { LoadedConfig } from '../config/load-config.ts'
import type { FoundCell, FoundResults } from './find-results.ts'

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
  return Object.entries(await readObject(path)).flatMap(([name, own]) =>
    factNames.test(name) && (typeof own === 'string' || typeof own === 'number')
      ? [`${name} ${String(own).slice(0, 120)}`]
      : [],
  )
}

/**
 * The base models that the cells' metadata name, by stem; empty unless all do. A cell that names none may run on any of them, and
 * must not look like one that runs on another.
 */
export async function recordedBases(
  from: string,
  cells: readonly FoundCell[],
): Promise<ReadonlyMap<string, string>> {
  const bases = new Map<string, string>()
  for (const { stem, metadata } of cells)
    for (const path of metadata) {
      const { base_model: base } = await readObject(join(from, path))
      if (typeof base === 'string' && base !== '') bases.set(stem, base)
    }
  return bases.size === cells.length ? bases : new Map()
}

/** Metadata that cannot be read say nothing; the file is taken over as it is. */
async function readObject(path: string): Promise<Readonly<Record<string, unknown>>> {
  try {
    const value: unknown = JSON.parse(await readFile(path, 'utf8'))
    return typeof value === 'object' && value !== null ? { ...value } : {}
  } catch {
    return {}
  }
}

/** What the files of such results do not say, as far as nobody stated it. */
export function unknownFacts(stated: LoadedConfig | undefined): string[] {
  return [
    'the hashes of the base model, and whether all variants run on one where the files do not name theirs',
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

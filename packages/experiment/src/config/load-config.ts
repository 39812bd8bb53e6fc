import { resolve } from 'node:path'
import { checkConfigData, configName, configRoot, readYamlConfig } from '@cem/training'
import { judgeProblems } from './judge-schema.ts'
import { configSchema, type ExperimentConfig } from './schema.ts'

/** A config that was read and checked, with the folders that its paths start from. */
export interface LoadedConfig {
  readonly config: ExperimentConfig
  /** Name of the run. */
  readonly name: string
  /** Relative paths in the config start here. */
  readonly root: string
  /** Where results go, absolute. */
  readonly resultsFolder: string
  /** The file, where there was one. */
  readonly file: string | undefined
}

export interface LoadConfigOptions {
  /** Values that replace those of the file, as command-line flags do; nested like the file. */
  readonly overrides?: Readonly<Record<string, unknown>>
  /** @default process.cwd() */
  readonly workingFolder?: string
}

/**
 * Reads and checks a YAML config.
 *
 * @throws CemError `config-unreadable`, `config-invalid` with every problem, each naming the key, its value and what is allowed
 */
export async function loadConfig(
  file: string,
  options: LoadConfigOptions = {},
): Promise<LoadedConfig> {
  return checkConfig(await readYamlConfig(file), { ...options, file })
}

/** Checks a config that is there as data, such as one made from command-line flags. */
export function checkConfig(
  input: unknown,
  {
    overrides = {},
    workingFolder = process.cwd(),
    file,
  }: LoadConfigOptions & { readonly file?: string } = {},
): LoadedConfig {
  const merged = isObject(input) ? mergeDeep(input, overrides) : input
  const config = checkConfigData({
    schema: configSchema,
    input: merged,
    file,
    problemsOf: (data) => [...duplicateNames(data), ...judgeProblems(data.judge)],
  })
  return {
    config,
    name: config.name ?? configName(file) ?? 'run',
    root: configRoot(config.root, { file, workingFolder }),
    resultsFolder: resolve(workingFolder, config.resultsFolder),
    file,
  }
}

function duplicateNames({ variants, base_output_name }: ExperimentConfig): string[] {
  const seen = new Set([base_output_name])
  return variants.flatMap(({ name }, i) => {
    const isTaken = seen.has(name)
    seen.add(name)
    return isTaken ? [`variants[${i}].name is "${name}": another output has that name already`] : []
  })
}

/** Objects are merged, everything else is replaced; undefined replaces nothing. */
function mergeDeep(base: unknown, over: unknown): unknown {
  if (over === undefined) return base
  if (!isObject(base) || !isObject(over)) return over
  const merged: Record<string, unknown> = { ...base }
  for (const [key, value] of Object.entries(over)) merged[key] = mergeDeep(base[key], value)
  return merged
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

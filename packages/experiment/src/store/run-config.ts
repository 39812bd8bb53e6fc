import { join } from 'node:path'
import { writeFileAtomic } from '@cem/core'
import { configSchema, type ExperimentConfig } from '../config/schema.ts'
import { readOptionalJson } from './read-json.ts'
import type { RunStore } from './run-store.ts'

const configFile = ({ folder }: RunStore) => join(folder, 'config.json')

/** Keeps the config that the run was analysed with, so that the analysis can be repeated where its file is not. */
export async function writeRunConfig(store: RunStore, config: ExperimentConfig): Promise<void> {
  const { judge } = config
  const safe = { ...config, judge: { ...judge, ...withoutLogin(judge.baseUrl) } }
  await writeFileAtomic(configFile(store), `${JSON.stringify(safe, null, 2)}\n`)
}

/** The config of the last analysis, or undefined where the run is from before it was kept, or by another version. */
export async function readRunConfig(store: RunStore): Promise<ExperimentConfig | undefined> {
  const result = configSchema.safeParse(await readOptionalJson(configFile(store)))
  return result.success ? result.data : undefined
}

/** A name and password in an address are secrets. */
function withoutLogin(baseUrl: string | undefined): { baseUrl?: string } {
  if (baseUrl === undefined) return {}
  const url = new URL(baseUrl)
  url.username = ''
  url.password = ''
  return { baseUrl: url.href }
}

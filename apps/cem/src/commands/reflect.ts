import { loadReflectionConfig, runReflectionData } from '@cem/training'
import { makeData } from './make-data.ts'

export interface ReflectFlags {
  readonly maxCostUsd?: number
  readonly output?: string
  readonly restartChanged?: boolean
  readonly json?: boolean
}

/** `cem reflect CONFIG` */
export async function reflectCommand(file: string, flags: ReflectFlags): Promise<number> {
  const { maxCostUsd, output, restartChanged, json = false } = flags
  const loaded = await loadReflectionConfig(file, { overrides: { maxCostUsd, output } })
  const onChange = restartChanged === true ? 'restart' : 'refuse'
  return makeData((signal) => runReflectionData({ loaded, onChange, signal }), json)
}

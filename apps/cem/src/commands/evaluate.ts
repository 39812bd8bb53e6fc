import { basename, resolve } from 'node:path'
import { checkConfig } from '@cem/experiment'
import { type EvaluationFlags, overridesOf } from '../flag-overrides.ts'
import { type RunFlags, runLoaded } from './run.ts'

interface EvaluateFlags extends EvaluationFlags, RunFlags {
  readonly baseModel: string
}

/** `cem evaluate-checkpoints`: one variant, without the base. */
export async function evaluateCheckpoints(
  flags: EvaluateFlags & { readonly modelDir: string },
): Promise<number> {
  const name = basename(resolve(flags.modelDir))
  const input = {
    name,
    base_model: flags.baseModel,
    evaluate_base: false,
    variants: [{ name, path: flags.modelDir }],
  }
  return runLoaded(checkConfig(input, { overrides: overridesOf(flags) }), flags)
}

/** `cem evaluate-base`: the base model alone. */
export async function evaluateBase(
  flags: EvaluateFlags & { readonly outputName: string },
): Promise<number> {
  const input = {
    name: flags.outputName,
    base_model: flags.baseModel,
    base_output_name: flags.outputName,
  }
  return runLoaded(checkConfig(input, { overrides: overridesOf(flags) }), flags)
}

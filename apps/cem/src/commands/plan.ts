import { loadConfig, planRun, RunStore } from '@cem/experiment'
import { isTrainingConfig, readYamlConfig } from '@cem/training'
import { exitCodes } from '../exit-codes.ts'
import { type EvaluationFlags, overridesOf } from '../flag-overrides.ts'
import { planLines } from '../plain/plan-lines.ts'
import { runFolder } from '../run-folder.ts'
import { miniatureConfig } from './run.ts'

export interface PlanFlags extends EvaluationFlags {
  /** A run, or its folder. */
  readonly from?: string
  readonly probe?: boolean
  readonly difference?: number
  readonly margin?: number
  readonly json?: boolean
}

/** `cem plan [CONFIG]`: what a run will do and can show, or what trainings take. Without a config, that of the miniature. */
export async function planCommand(config: string | undefined, flags: PlanFlags): Promise<number> {
  if (config !== undefined && isTrainingConfig(await readYamlConfig(config))) {
    const { planTrainings } = await import('./plan-trainings.ts')
    return planTrainings(config, flags)
  }
  const overrides = {
    ...overridesOf(flags),
    plan: { difference: flags.difference },
    analysis: { equivalenceMargin: flags.margin },
  }
  const loaded = await loadConfig(config ?? (await miniatureConfig()), { overrides })
  const from = flags.from === undefined ? undefined : runFolder(flags.from, loaded.resultsFolder)
  const stop = new AbortController()
  const onSignal = () => stop.abort(new Error('stopped by SIGINT'))
  process.once('SIGINT', onSignal)
  try {
    const plan = await planRun({
      loaded,
      pilot: from === undefined ? undefined : new RunStore(from.resultsFolder, from.run),
      probe: flags.probe,
      signal: stop.signal,
    })
    const text = flags.json === true ? JSON.stringify(plan, null, 2) : planLines(plan).join('\n')
    process.stdout.write(`${text}\n`)
    return exitCodes.complete
  } catch (error) {
    if (stop.signal.aborted) return exitCodes.stopped
    throw error
  } finally {
    process.off('SIGINT', onSignal)
  }
}

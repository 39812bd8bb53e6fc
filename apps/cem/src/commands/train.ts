import { dirname, resolve } from 'node:path'
import {
  loadTrainingFile,
  planTraining,
  runTrainings,
  type TrainingJob,
  type TrainingPlan,
  trainingJobs,
} from '@cem/training'
import { exitCodes } from '../exit-codes.ts'
import { trainingLines, trainingPlanLines, trainingTotalLines } from '../plain/training-lines.ts'
import { abortOnSignals } from './abort-on-signals.ts'
import { makeCorpora } from './make-corpora.ts'

export interface TrainFlags {
  readonly plan?: boolean
  /** `--no-probe` */
  readonly probe: boolean
  readonly only?: readonly string[]
  readonly restartChanged?: boolean
  readonly threads?: number
  /** `--no-run` */
  readonly run: boolean
  readonly json?: boolean
}

/** `cem train CONFIG` */
export async function trainCommand(file: string, flags: TrainFlags): Promise<number> {
  const loaded = await loadTrainingFile(file)
  const jobs = trainingJobs(loaded, flags.only)
  using signals = abortOnSignals()
  const { signal } = signals
  try {
    await makeCorpora(loaded)
    if (flags.plan === true) return await plan(jobs, loaded.config.experiment, flags, signal)
    const lines = trainingLines()
    const onChange = flags.restartChanged === true ? 'restart' : 'refuse'
    const { threads } = flags
    for await (const event of runTrainings({ jobs, onChange, threads, signal })) {
      const out =
        flags.json === true
          ? [JSON.stringify({ time: new Date().toISOString(), ...event })]
          : lines(event, Date.now())
      for (const line of out) process.stdout.write(`${line}\n`)
    }
  } catch (error) {
    if (!signal.aborted) throw error
    process.stderr.write('stopped; the same command goes on from the last checkpoint\n')
    return exitCodes.stopped
  }
  const { experiment } = loaded.config
  if (experiment === undefined || !flags.run || flags.only !== undefined) return exitCodes.complete
  return runExperimentAfter(resolve(dirname(file), experiment), flags)
}

/** What the trainings are for. */
async function runExperimentAfter(config: string, { json }: TrainFlags): Promise<number> {
  const { runCommand } = await import('./run.ts')
  return runCommand(config, { json })
}

async function plan(
  jobs: readonly TrainingJob[],
  experiment: string | undefined,
  { probe, threads, json }: TrainFlags,
  signal: AbortSignal,
): Promise<number> {
  const plans: TrainingPlan[] = []
  for (const job of jobs) {
    const planned = await planTraining({ job, probe, threads, signal })
    plans.push(planned)
    const lines = json === true ? [JSON.stringify(planned)] : trainingPlanLines(planned)
    process.stdout.write(`${lines.join('\n')}\n`)
  }
  if (json !== true)
    for (const line of trainingTotalLines(plans, experiment)) process.stdout.write(`${line}\n`)
  return exitCodes.complete
}

import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { CemError } from '@cem/core'
import type { TrainingJob } from '../config/training-jobs.ts'
import { trainDpo } from './train-dpo.ts'
import { trainSft } from './train-sft.ts'
import type { TrainerOpener } from './trainer-request.ts'
import type { TrainingEvent } from './training-events.ts'
import { metadataFile } from './training-metadata.ts'

export interface RunTrainingsOptions {
  readonly jobs: readonly TrainingJob[]
  /** @default 'refuse' */
  readonly onChange?: 'refuse' | 'restart' | undefined
  /** Instead of what the jobs say. */
  readonly threads?: number | undefined
  readonly cache?: string | undefined
  readonly signal?: AbortSignal | undefined
  readonly trainer?: TrainerOpener | undefined
}

/** An event of one of several trainings. */
export type NamedTrainingEvent = TrainingEvent & { readonly job: string }

/**
 * Runs trainings one after the other; those that are done are passed over, and one that was interrupted goes on.
 *
 * @throws CemError as `trainSft`; `training-missing` where one begins with the result of another that was not made
 */
export async function* runTrainings({
  jobs,
  onChange,
  threads,
  cache,
  signal,
  trainer,
}: RunTrainingsOptions): AsyncGenerator<NamedTrainingEvent, void> {
  for (const { name: job, objective, options, needs } of jobs) {
    for (const need of needs) checkMade(join(options.output, '..', need), job)
    const all = {
      ...options,
      onChange: onChange ?? options.onChange,
      threads: threads ?? options.threads,
      cache: cache ?? options.cache,
      trainer: trainer ?? options.trainer,
      signal,
    }
    const events = objective === 'dpo' ? trainDpo(all) : trainSft(all)
    for await (const event of events) yield { job, ...event }
  }
}

function checkMade(folder: string, training: string): void {
  if (existsSync(join(folder, metadataFile))) return
  throw new CemError({
    code: 'training-missing',
    message: `${training} begins with the result of another training, and ${folder} is not there yet. Make that one first (without --only, both are made).`,
    data: { training, folder },
  })
}

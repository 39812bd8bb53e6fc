import { join, resolve } from 'node:path'
import { CemError, nearest } from '@cem/core'
import type { DpoTrainingOptions } from '../run/training-options.ts'
import type { LoadedTrainingFile } from './load-training-file.ts'
import { modelPath } from './model-path.ts'
import type { TrainingConfig } from './training-schema.ts'

/** One training with one seed. */
export interface TrainingJob {
  /** Name of its folder. */
  readonly name: string
  readonly objective: 'sft' | 'dpo'
  readonly options: DpoTrainingOptions
  /** Jobs of the same file whose results it begins with. */
  readonly needs: readonly string[]
  /**
   * Where `base` is another job's result: the model that this one began with, so that sizes can be told before it is made. Absent
   * where `base` is there already.
   */
  readonly originBase?: string
}

/**
 * The trainings of a file, each with each of its seeds, in their order. `{seed}` in names and paths is the seed; a training with
 * several seeds and no `{seed}` in its name gets `_seed<n>` at its end.
 *
 * @param only names of trainings (or of jobs); @default all
 * @throws CemError `config-invalid`
 */
export function trainingJobs(
  loaded: LoadedTrainingFile,
  only: readonly string[] = [],
): TrainingJob[] {
  const { config, file } = loaded
  const jobs: TrainingJob[] = []
  const names = new Map<string, readonly number[]>()
  for (const training of config.trainings) {
    const seeds = training.seeds ?? [training.seed]
    if (names.has(training.name))
      throw invalid(file, `two trainings have the name ${training.name}`)
    for (const seed of seeds) jobs.push(jobOf(training, seed, { loaded, names }))
    names.set(training.name, seeds)
  }
  const twice = jobs.find(({ name }, i) => jobs.findIndex((job) => job.name === name) !== i)
  if (twice !== undefined) throw invalid(file, `two trainings write the folder ${twice.name}`)
  return choose(jobs, names, only, file)
}

interface JobContext {
  readonly loaded: LoadedTrainingFile
  /** The trainings before this one, with their seeds. */
  readonly names: ReadonlyMap<string, readonly number[]>
}

function jobOf(training: TrainingConfig, seed: number, context: JobContext): TrainingJob {
  const { loaded } = context
  const needs: string[] = []
  const place = (value: string | { readonly training: string }, isModel = false): string => {
    if (typeof value !== 'string') {
      const name = nameOfMade(value.training, seed, training, context)
      needs.push(name)
      return outputOf(loaded, name)
    }
    const reference = withSeed(value, seed)
    return isModel ? modelPath(loaded.root, reference) : resolve(loaded.root, reference)
  }
  const {
    name: _,
    objective,
    base,
    persona,
    initialFrom,
    data,
    seeds: _seeds,
    packing: _packing,
    ...rest
  } = training
  const name = jobName(training, seed)
  const options: DpoTrainingOptions = {
    ...rest,
    seed,
    name,
    output: outputOf(loaded, name),
    base: place(base, true),
    data: data.map((source) => ({ ...source, path: withSeed(source.path, seed) })),
    dataRoot: loaded.root,
    ...(persona && { persona: { ...persona, adapter: place(persona.adapter) } }),
    ...(initialFrom !== undefined && { initialFrom: place(initialFrom) }),
  }
  const originBase = originOf(base, seed, loaded)
  return { name, objective, options, needs, ...(originBase !== undefined && { originBase }) }
}

/** The model at the beginning of a chain of trainings; undefined for a base that is none of theirs. */
function originOf(
  base: TrainingConfig['base'],
  seed: number,
  { config, root }: LoadedTrainingFile,
): string | undefined {
  const before = new Set<string>()
  let origin = base
  while (typeof origin !== 'string' && !before.has(origin.training)) {
    const { training: name } = origin
    before.add(name)
    origin = config.trainings.find((one) => one.name === name)?.base ?? origin
  }
  return typeof base === 'string' || typeof origin !== 'string'
    ? undefined
    : modelPath(root, withSeed(origin, seed))
}

function jobName({ name, seeds }: TrainingConfig, seed: number): string {
  if (name.includes('{seed}')) return withSeed(name, seed)
  return seeds !== undefined && seeds.length > 1 ? `${name}_seed${seed}` : name
}

/** The job of another training that belongs to this seed: the one with the same seed, or the only one. */
function nameOfMade(
  name: string,
  seed: number,
  by: TrainingConfig,
  { loaded, names }: JobContext,
): string {
  const seeds = names.get(name)
  const other = loaded.config.trainings.find((one) => one.name === name)
  if (seeds === undefined || other === undefined) {
    const meant = nearest(name, [...names.keys()])
    throw invalid(
      loaded.file,
      `${by.name} begins with the training '${name}', which ${other === undefined ? 'is not there' : 'comes after it'}${meant === undefined ? '' : `; did you mean '${meant}'?`}`,
    )
  }
  const own = seeds.includes(seed) ? seed : seeds.length === 1 ? seeds[0] : undefined
  if (own === undefined)
    throw invalid(
      loaded.file,
      `${by.name} with seed ${seed} begins with the training '${name}', which has the seeds ${seeds.join(', ')}`,
    )
  return jobName(other, own)
}

function choose(
  jobs: readonly TrainingJob[],
  names: ReadonlyMap<string, readonly number[]>,
  only: readonly string[],
  file: string,
): TrainingJob[] {
  if (only.length === 0) return [...jobs]
  const isOf = (job: TrainingJob, name: string) =>
    job.name === name ||
    (names.get(name) ?? []).some((seed) =>
      [withSeed(name, seed), `${name}_seed${seed}`].includes(job.name),
    )
  for (const name of only)
    if (!jobs.some((job) => isOf(job, name)))
      throw invalid(file, `there is no training ${name}; there are ${[...names.keys()].join(', ')}`)
  return jobs.filter((job) => only.some((name) => isOf(job, name)))
}

function outputOf({ root, config }: LoadedTrainingFile, name: string): string {
  return join(resolve(root, config.outputs), name)
}

function withSeed(text: string, seed: number): string {
  return text.replaceAll('{seed}', String(seed))
}

function invalid(file: string, reason: string): CemError {
  return new CemError({
    code: 'config-invalid',
    message: `${file} is not valid: ${reason}.`,
    data: { file },
  })
}

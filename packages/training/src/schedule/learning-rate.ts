import { CemError } from '@cem/core'

export const schedules = ['linear', 'cosine', 'constant'] as const
export type ScheduleName = (typeof schedules)[number]

export interface ScheduleOptions {
  /** @default 'linear' */
  readonly schedule?: ScheduleName | undefined
  /** The highest rate. */
  readonly learningRate: number
  readonly nSteps: number
  /** Steps in which the rate rises from 0. @default 0 */
  readonly warmupSteps?: number | undefined
  /** Instead of `warmupSteps`: a share of the steps, rounded up. */
  readonly warmupRatio?: number | undefined
  /** Where `cosine` ends, as a share of the highest rate. @default 0 */
  readonly minimumRatio?: number | undefined
}

/** A schedule's warm-up in steps. */
export function warmupStepsOf({ nSteps, warmupSteps, warmupRatio }: ScheduleOptions): number {
  return warmupSteps ?? Math.ceil((warmupRatio ?? 0) * nSteps)
}

/**
 * The learning rate of a step, as `get_scheduler` of Transformers 5 gives it for `linear`, `cosine` (`cosine_with_min_lr` with a
 * minimum ratio) and `constant_with_warmup`. With a warm-up the first step has the rate 0, as there.
 *
 * @param step from 1
 */
export function learningRateAt(options: ScheduleOptions, step: number): number {
  const { schedule = 'linear', learningRate, nSteps, minimumRatio = 0 } = options
  const warmup = warmupStepsOf(options)
  const done = step - 1
  if (done < warmup) return learningRate * (done / Math.max(1, warmup))
  if (schedule === 'constant') return learningRate
  const rest = Math.max(1, nSteps - warmup)
  if (schedule === 'linear') return learningRate * Math.max(0, (nSteps - done) / rest)
  const factor = Math.max(0, 0.5 * (1 + Math.cos(Math.PI * ((done - warmup) / rest))))
  return learningRate * (factor * (1 - minimumRatio) + minimumRatio)
}

/** @throws CemError `invalid-request` */
export function checkSchedule(options: ScheduleOptions): void {
  const { schedule = 'linear', learningRate, minimumRatio, warmupSteps, warmupRatio } = options
  const problem = !schedules.includes(schedule)
    ? `schedule is '${schedule}'; it must be one of ${schedules.join(', ')}`
    : !(learningRate > 0 && Number.isFinite(learningRate))
      ? `learningRate is ${learningRate}; it must be above 0`
      : warmupSteps !== undefined && warmupRatio !== undefined
        ? 'warmupSteps and warmupRatio are both given; give one of them'
        : minimumRatio !== undefined && schedule !== 'cosine'
          ? `minimumRatio is given, and only cosine has one (schedule is '${schedule}')`
          : undefined
  if (problem === undefined) return
  throw new CemError({
    code: 'invalid-request',
    message: `The schedule cannot be used: ${problem}.`,
  })
}

import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import {
  checkSchedule,
  learningRateAt,
  type ScheduleName,
  type ScheduleOptions,
  warmupStepsOf,
} from './learning-rate.ts'

interface Golden {
  readonly schedule: ScheduleName
  readonly learningRate: number
  readonly nSteps: number
  readonly warmupSteps: number
  readonly minimumRatio?: number
  readonly rates: readonly number[]
}
const golden = JSON.parse(
  readFileSync(new URL('../../test/golden/schedules.json', import.meta.url), 'utf8'),
) as Golden[]

test.each(golden)('$schedule over $nSteps steps gives the rates of Transformers', (options) => {
  const rates = options.rates.map((_, i) => learningRateAt(options, i + 1))
  for (const [i, rate] of rates.entries())
    expect(Math.abs(rate - (options.rates[i] ?? 0))).toBeLessThan(1e-15)
})

test('a warm-up ratio is a share of the steps, rounded up', () => {
  expect(warmupStepsOf({ learningRate: 1, nSteps: 338, warmupRatio: 0.1 })).toBe(34)
})

test('settings that do not go together are refused', () => {
  const refuse = (over: Partial<ScheduleOptions>, text: string) =>
    expect(() => checkSchedule({ learningRate: 1e-5, nSteps: 5, ...over })).toThrow(text)
  refuse({ learningRate: 0 }, 'learningRate is 0')
  refuse({ learningRate: Number.NaN }, 'learningRate is NaN')
  refuse({ warmupSteps: 1, warmupRatio: 0.1 }, 'both given')
  refuse({ minimumRatio: 0.1 }, 'only cosine')
  refuse({ schedule: 'exponential' as ScheduleName }, "schedule is 'exponential'")
})

import { CemError } from '@cem/core'
import type { RateLimiterOptions } from './rate-limiter.ts'

const integers = ['concurrency', 'initialConcurrency'] as const
const budgets = ['requestsPerMinute', 'tokensPerMinute'] as const

/** @throws CemError `bad-chat-option` */
export function checkLimiterOptions(options: RateLimiterOptions): void {
  for (const name of integers) {
    const value = options[name]
    if (value !== undefined && !(Number.isInteger(value) && value >= 1))
      throw badOption(name, value, 'an integer of at least 1')
  }
  for (const name of budgets) {
    const value = options[name]
    if (value !== undefined && !(Number.isFinite(value) && value >= 1))
      throw badOption(name, value, 'a number of at least 1, or leave it out for no limit of ours')
  }
}

export function badOption(name: string, value: unknown, allowed: string): CemError {
  return new CemError({
    code: 'bad-chat-option',
    message: `${name} is ${JSON.stringify(value) ?? String(value)}: give ${allowed}.`,
    data: { option: name, value },
  })
}

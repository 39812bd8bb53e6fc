import { CemError } from '@cem/core'

/** @throws CemError `chat-malformed-response` */
export function objectAt(value: unknown, where: string): Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw malformed(`${where} is not an object`)
  return value as Record<string, unknown>
}

export function arrayAt(value: unknown, where: string): unknown[] {
  if (!Array.isArray(value)) throw malformed(`${where} is not a list`)
  return value
}

export function optionalString(value: unknown, where: string): string | undefined {
  if (isAbsent(value)) return undefined
  if (typeof value !== 'string') throw malformed(`${where} is not text`)
  return value
}

export function isAbsent(value: unknown): value is null | undefined {
  return value === undefined || value === null
}

export function malformed(what: string): CemError {
  return new CemError({
    code: 'chat-malformed-response',
    message: `the answer is not as the protocol has it: ${what}`,
  })
}

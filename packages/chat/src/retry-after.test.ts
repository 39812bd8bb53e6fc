import { expect, test } from 'vitest'
import { retryAfterOf } from './retry-after.ts'

const now = Date.UTC(2026, 0, 1, 12, 0, 0)
const read = (headers: Record<string, string>) => retryAfterOf(new Headers(headers), now)

test('seconds, milliseconds and HTTP dates are read, and milliseconds lead', () => {
  expect(read({ 'retry-after': '3' })).toBe(3000)
  expect(read({ 'retry-after': ' 1.5 ' })).toBe(1500)
  expect(read({ 'retry-after-ms': '250' })).toBe(250)
  expect(read({ 'retry-after-ms': '250', 'retry-after': '9' })).toBe(250)
  expect(read({ 'retry-after': 'Thu, 01 Jan 2026 12:00:07 GMT' })).toBe(7000)
  expect(read({ 'retry-after': 'Thursday, 01-Jan-26 12:00:07 GMT' })).toBe(7000)
})

test('a date in the past asks for no wait', () => {
  expect(read({ 'retry-after': 'Thu, 01 Jan 2026 11:00:00 GMT' })).toBe(0)
})

test('what is no number and no date is as if it were absent', () => {
  for (const value of ['', '-5', 'soon', '1e9', 'NaN', '0x10', '2026-01-01', 'Infinity'])
    expect(read({ 'retry-after': value })).toBeUndefined()
  expect(read({})).toBeUndefined()
  expect(read({ 'retry-after-ms': 'x', 'retry-after': '2' })).toBe(2000)
})

import { expect, test } from 'vitest'
import { durationInMs } from './duration.ts'

test.each([
  ['1s', 1000],
  ['6m0s', 360_000],
  ['120ms', 120],
  ['1h2m3.5s', 3_723_500],
  ['2m59.56s', 179_560],
  ['1d', 86_400_000],
  ['500us', 0.5],
  [' 7.66s ', 7660],
  ['12', 12_000],
  ['0s', 0],
])('%s is %d ms', (text, expected) => {
  expect(durationInMs(text)).toBeCloseTo(expected, 9)
})

test.each([
  '',
  's',
  '-1s',
  '1 s',
  '1s2',
  '1x',
  'soon',
  '1e9s',
  'Infinity',
  '1712345678901234567890s',
])('%j is no duration', (text) => {
  expect(durationInMs(text)).toBeUndefined()
})

import { expect, test } from 'vitest'
import { intervalText, modelText, percentText, pointsText, pText } from './number-text.ts'

test('numbers are written with their unit, and a p is never 0', () => {
  expect([percentText(0.1234), percentText(null)]).toEqual(['12.3 %', 'none'])
  expect([pointsText(-0.00001), pointsText(0.05), pointsText(-0.25)]).toEqual([
    '0.0 points',
    '+5.0 points',
    '-25.0 points',
  ])
  expect([pText(0.00009), pText(0.0123)]).toEqual(['below 0.0001', '0.012'])
})

test('an interval that covers less than it promises says so, and one that is missing says why', () => {
  const estimate = {
    estimate: 0.5,
    low: 0.4,
    high: 0.6,
    n: 10,
    method: 'm',
    absent: null,
    warnings: [],
  }
  const reliability = {
    isReliable: false,
    coverage: { lowest: 0.8, highest: 1 },
    settings: null,
    absent: null,
  }
  expect(intervalText(estimate, percentText)).toBe('40.0 % to 60.0 %')
  expect(intervalText({ ...estimate, reliability }, percentText)).toBe(
    '40.0 % to 60.0 %; covers 80.0 % at worst in simulation',
  )
  expect(
    intervalText({ ...estimate, low: null, high: null, absent: 'one question' }, percentText),
  ).toBe('no interval: one question')
})

test('of a path only the name of the model is told', () => {
  expect(
    ['/home/me/models/qwen', './models/tiny/', 'C:\\models\\x', 'Qwen/Qwen2.5-7B-Instruct'].map(
      modelText,
    ),
  ).toEqual(['qwen', 'tiny', 'x', 'Qwen/Qwen2.5-7B-Instruct'])
})

import type { LayerTest, SelfTestReport } from '@cem/inference'
import { expect, test } from 'vitest'
import { selfTestAlarms, storedSelfTestAlarms } from './self-test-alarms.ts'

const layer = (over: Partial<LayerTest> = {}): LayerTest => ({
  role: 'persona',
  mode: 'merged',
  path: 'p',
  effect: 0.1,
  status: 'active',
  ...over,
})
const report = (layers: LayerTest[], error: number | null = null): SelfTestReport => ({
  layers,
  merged: error === null ? null : { error, lostShare: 0.1 },
})
const codes = (of: SelfTestReport) => selfTestAlarms('a/0', of).map(({ code }) => code)

test('an effect well above what rounding does is sound, at whatever share of the weights it lost', () => {
  expect(codes(report([layer()], 0.02))).toEqual([])
  expect(codes(report([layer({ mode: 'stacked', effect: 1e-4 })]))).toEqual([])
  expect(codes(report([]))).toEqual([])
})

test('an effect that is no larger than twice the rounding is rounding', () => {
  expect(codes(report([layer({ effect: 0.04 })], 0.02))).toEqual(['rounding-lost'])
  expect(codes(report([layer({ effect: 0 })], 0))).toEqual(['rounding-lost'])
})

test('stacked layers beside a merged one are not held against its rounding', () => {
  const stacked = layer({ mode: 'stacked', role: 'em', effect: 0.001 })
  expect(codes(report([layer(), stacked], 0.02))).toEqual([])
})

test('an adapter of zeros is untrained, and not also rounded away', () => {
  const zero = layer({ effect: 0, status: 'untrained' })
  expect(codes(report([zero], 0.001))).toEqual(['untrained-adapter'])
})

test('the last self-test of a cell counts', () => {
  const event = (unit: string, of: SelfTestReport) => ({
    type: 'self-test' as const,
    unit,
    report: of,
    time: '',
    writer: 'w',
  })
  const lost = report([layer({ effect: 0 })], 0.1)
  expect(
    storedSelfTestAlarms([
      event('generate:a/0', lost),
      event('generate:b/0', lost),
      event('generate:a/0', report([layer()], 0.01)),
    ]),
  ).toMatchObject([{ code: 'rounding-lost', cells: ['b/0'] }])
})

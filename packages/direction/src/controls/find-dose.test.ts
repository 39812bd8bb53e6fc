import { expect, test } from 'vitest'
import { type AdapterEffect, findDose } from './find-dose.ts'

/** KL grows with the square of the dose, displacement linearly: as small changes do. */
const model = async (dose: number): Promise<AdapterEffect> => ({
  kl: 0.02 * dose ** 2,
  displacement: 3 * dose,
})
const target = { kl: 0.5, displacement: 40 }

test('the dose of a known effect is found, for KL and for displacement', async () => {
  // 0.02 d^2 = 0.5 at d = 5; 3 d = 40 at d = 13.33.
  const byKl = await findDose({ measure: model, target, tolerance: 0.001 })
  expect(byKl.dose).toBeCloseTo(5, 2)
  expect(byKl.isMatched).toBe(true)
  expect(byKl.ratios).toMatchObject({
    kl: expect.closeTo(1, 2),
    displacement: expect.closeTo(15 / 40, 2),
  })
  const byDisplacement = await findDose({
    measure: model,
    target,
    match: 'displacement',
    tolerance: 0.001,
    start: 100,
  })
  expect(byDisplacement.dose).toBeCloseTo(40 / 3, 1)
})

test('measurements are asked for one after another, within the limit, and told', async () => {
  let nRunning = 0
  const asked: number[] = []
  const measure = async (dose: number) => {
    expect(++nRunning).toBe(1)
    await Promise.resolve()
    nRunning--
    asked.push(dose)
    return model(dose)
  }
  const { measurements, text } = await findDose({ measure, target })
  // 1 -> 0.02, 4 -> 0.32, 16 -> 5.12; then bisection between 4 and 16: 8 -> 1.28, sqrt(32), ...
  expect(asked.slice(0, 4)).toEqual([1, 4, 16, 8])
  expect(measurements.map(({ dose }) => dose)).toEqual(asked)
  expect(text).toMatch(
    /^random adapter: dose [\d.]+ matches kl 0\.5 with [\d.]+; displacement [\d.]+ against 40; \d+ measurements$/,
  )
  const few = await findDose({ measure: model, target, maxMeasurements: 2 })
  expect(few).toMatchObject({ dose: 4, isMatched: false, text: expect.stringContaining('nearest') })
})

test('an effect that jumps over the target gives the nearest dose and says that it does not match', async () => {
  const step = async (dose: number) => ({ kl: dose < 7 ? 0.1 : 0.6, displacement: 1 })
  const result = await findDose({ measure: step, target })
  expect(result).toMatchObject({ isMatched: false, effect: { kl: 0.6 } })
  expect(result.measurements).toHaveLength(24)
})

test('no effect at any dose is an absence, a target of 0 and broken measurements are errors', async () => {
  const inert = async () => ({ kl: 0, displacement: 0 })
  const result = await findDose({ measure: inert, target, maxMeasurements: 3 })
  expect(result.dose).toEqual({ absent: 'none of 3 doses had an effect on kl' })
  expect(result.isMatched).toBe(false)
  await expect(findDose({ measure: model, target: { kl: 0, displacement: 1 } })).rejects.toThrow(
    'target.kl is 0',
  )
  const broken = async () => ({ kl: Number.NaN, displacement: 1 })
  await expect(findDose({ measure: broken, target })).rejects.toMatchObject({
    code: 'bad-measurement',
    message: expect.stringContaining('kl of dose 1 is NaN'),
  })
})

test('an abort stops the search with its reason, also before the first measurement', async () => {
  const reason = new Error('stop')
  const aborted = AbortSignal.abort(reason)
  await expect(findDose({ measure: model, target, signal: aborted })).rejects.toBe(reason)
  const controller = new AbortController()
  let n = 0
  const measure = async (dose: number) => {
    if (++n === 2) controller.abort(reason)
    return model(dose)
  }
  await expect(findDose({ measure, target, signal: controller.signal })).rejects.toBe(reason)
  expect(n).toBe(2)
})

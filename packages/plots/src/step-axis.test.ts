import { expect, test } from 'vitest'
import { type StepScale, stepAxis } from './step-axis.ts'

const steps = [0, 10, 20, 40, 80, 160]
const options = { kind: 'symlog', width: 200, inset: 10, fontSize: 10 } as const

test('symlog puts a step at log(1 + step / first step), between the insets', () => {
  const axis = stepAxis(steps, options)
  expect(axis.scale).toMatchObject({ type: 'symlog', constant: 10 })
  expect(axis.pixel(0)).toBeCloseTo(10, 9)
  // ln 2 / ln 17 of 180 px, and ln 5 / ln 17.
  expect(axis.pixel(10)).toBeCloseTo(10 + 180 * 0.244651, 3)
  expect(axis.pixel(40)).toBeCloseTo(10 + 180 * 0.568061, 3)
  expect(axis.pixel(160)).toBeCloseTo(190, 9)
})

test('ordinal spacing is equal, linear as the steps are', () => {
  const ordinal = stepAxis(steps, { ...options, kind: 'ordinal' })
  expect(steps.map((step) => ordinal.pixel(step))).toEqual([10, 46, 82, 118, 154, 190])
  expect(ordinal.ticks).toEqual([0, 1, 2, 3, 4, 5])
  const linear = stepAxis(steps, { ...options, kind: 'linear' })
  expect(linear.pixel(80)).toBe(100)
  expect(linear.smallestGap).toBeCloseTo(180 / 16, 9)
})

test.each<StepScale>(['symlog', 'ordinal', 'linear'])(
  'on a %s axis a shift in px comes back through the scale that the spec gets',
  (kind) => {
    const axis = stepAxis(steps, { ...options, kind })
    const [low, high] = axis.scale.domain.map((v) => scaled(v, axis.scale)) as [number, number]
    for (const step of steps)
      for (const shift of [-10, -3, 0, 4]) {
        const value = scaled(axis.position(step, shift), axis.scale)
        expect((200 * (value - low)) / (high - low)).toBeCloseTo(axis.pixel(step) + shift, 4)
      }
  },
)

/** Vega's symlog: sign(x) log(1 + |x| / constant). */
function scaled(value: number, scale: { type: string; constant?: number }): number {
  if (scale.type === 'linear') return value
  return Math.sign(value) * Math.log1p(Math.abs(value) / (scale.constant ?? 1))
}

test('one step alone stands in the middle', () => {
  for (const kind of ['symlog', 'ordinal', 'linear'] as const)
    for (const step of [0, 40]) expect(stepAxis([step], { ...options, kind }).pixel(step)).toBe(100)
})

test('labels that would touch are left out, first and last stay', () => {
  const many = Array.from({ length: 41 }, (_, i) => 25 * i)
  const { labelled, ticks } = stepAxis(many, { ...options, kind: 'linear' })
  expect(ticks).toHaveLength(41)
  expect(labelled[0]).toBe(0)
  expect(labelled.at(-1)).toBe(1000)
  expect(labelled.length).toBeLessThan(10)
  expect(stepAxis([998, 999, 1000], { ...options, kind: 'linear', width: 60 }).labelled).toEqual([
    998, 1000,
  ])
})

test('an unknown spacing is refused with those that exist', () => {
  expect(() => stepAxis(steps, { ...options, kind: 'log' as 'linear' })).toThrow(
    'stepScale is "log"; it has to be one of symlog, ordinal, linear.',
  )
})

import { expect, test } from 'vitest'
import { golden } from '../../golden/golden.ts'
import { meanActivation } from './mean-activation.ts'
import { meanDirection, meanDirections } from './mean-direction.ts'

const activations = (...rows: readonly (readonly number[])[]) => ({
  rows: Float32Array.from(rows.flat()),
  dModel: rows[0]?.length ?? 0,
})
const empty = [Number.NaN, Number.NaN]

test('the direction is the unit vector from the mean without EM to the mean with it', () => {
  // Means (1, 1) and (4, 5): displacement (3, 4), norm 5.
  const direction = meanDirection({
    without: activations([0, 2], [2, 0]),
    with: activations([4, 5]),
  })
  expect(Array.from(direction.vector)).toEqual([Math.fround(0.6), Math.fround(0.8)])
  expect(direction).toMatchObject({ displacementNorm: 5, nWith: 1, nWithout: 2, nSkipped: 0 })
})

test('it agrees with numpy', () => {
  const given = golden.directions
  const direction = meanDirection({
    without: activations(...given.without),
    with: activations(...given.with),
  })
  for (const [i, value] of given.vector.entries()) expect(direction.vector[i]).toBeCloseTo(value, 6)
  expect(direction.displacementNorm).toBeCloseTo(given.displacementNorm, 6)
})

test('sums are float64: a million small numbers beside a large one are not lost', () => {
  // In float32, 2^24 + 1 is 2^24: a float32 sum would stay there.
  const rows = new Float32Array(1001).fill(1)
  rows[0] = 2 ** 24
  const { mean } = meanActivation({ rows, dModel: 1 })
  expect(mean[0]).toBe((2 ** 24 + 1000) / 1001)
})

test('empty answers are left out and counted', () => {
  const direction = meanDirection({
    without: activations(empty, [0, 0], empty),
    with: activations([0, 2], empty),
  })
  expect(direction).toMatchObject({ nWith: 1, nWithout: 1, nSkipped: 3, displacementNorm: 2 })
})

test('a partly NaN row and an infinity are errors that name the row', () => {
  const good = activations([1, 2])
  expect(() =>
    meanDirection({ without: good, with: activations([0, 0], [1, Number.NaN]) }),
  ).toThrow('Row 1 of those with EM is NaN in 1 of 2 places')
  expect(() =>
    meanDirection({ without: activations([Number.POSITIVE_INFINITY, 0]), with: good }),
  ).toThrow('Row 0 of the activations without EM holds Infinity at position 0')
})

test('equal means give no direction, however small a difference would have been', () => {
  expect(() => meanDirection({ without: activations([1, 2]), with: activations([1, 2]) })).toThrow(
    expect.objectContaining({ code: 'zero-direction' }),
  )
  const tiny = meanDirection({ without: activations([0, 0]), with: activations([0, 1e-30]) })
  expect(Array.from(tiny.vector)).toEqual([0, 1])
})

test('only empty answers, no rows, and other shapes are errors', () => {
  const good = activations([1, 2])
  expect(() => meanDirection({ without: good, with: activations(empty) })).toThrow(
    'no mean of those with EM: 1 rows, all of them empty',
  )
  const none = { rows: new Float32Array(), dModel: 2 }
  expect(() => meanDirection({ without: none, with: good })).toThrow(
    expect.objectContaining({ code: 'no-rows' }),
  )
  expect(() => meanDirection({ without: good, with: activations([1, 2, 3]) })).toThrow(
    'have shape [1, 2], those with EM [1, 3]',
  )
  for (const dModel of [0, -2, 1.5, Number.NaN, 4])
    expect(() => meanDirection({ without: { ...good, dModel }, with: good })).toThrow(
      expect.objectContaining({ code: 'shape-mismatch' }),
    )
})

test('layers go together, in ascending order, and an error names its layer', () => {
  const up = activations([0, 1])
  const right = activations([1, 0])
  const directions = meanDirections({
    without: new Map([
      [20, up],
      [3, right],
    ]),
    with: new Map([
      [3, up],
      [20, right],
    ]),
  })
  expect([...directions.keys()]).toEqual([3, 20])
  const half = Math.fround(Math.SQRT1_2)
  expect(Array.from(directions.get(20)?.vector ?? [])).toEqual([half, -half])
  expect(() => meanDirections({ without: new Map([[7, up]]), with: new Map([[7, up]]) })).toThrow(
    '(layer 7)',
  )
  expect(() => meanDirections({ without: new Map([[7, up]]), with: new Map([[8, up]]) })).toThrow(
    'layers [7], those with EM [8]',
  )
  expect(() => meanDirections({ without: new Map(), with: new Map() })).toThrow('at least one')
})

import { expect, test } from 'vitest'
import { plantedRows, sideOf } from '../../test/contrast-rows.ts'
import { checkContrastRows } from '../directions/contrast-rows.ts'
import { sampleOf } from '../directions/sample.ts'
import { norm } from '../directions/vectors.ts'
import { normals } from './normals.ts'
import { randomDirections, shuffledDirections } from './random-directions.ts'
import { labelShuffler } from './shuffled-labels.ts'

test('normal numbers have the mean, variance and fourth moment of the normal distribution', () => {
  const n = 20_001
  const values = normals({ low: 1, high: 2 }, n)
  const moment = (power: number) => values.reduce((sum, v) => sum + v ** power, 0) / n
  // Five standard errors: of the mean 1 / sqrt n, of the square sqrt(2 / n), of the fourth power sqrt(96 / n).
  expect(Math.abs(moment(1))).toBeLessThan(0.0354)
  expect(Math.abs(moment(2) - 1)).toBeLessThan(0.05)
  expect(Math.abs(moment(4) - 3)).toBeLessThan(0.347)
})

test('labels are exchanged within questions: numbers on each side stay, one-sided questions too', () => {
  const rows = {
    without: sideOf([
      ['a', [1]],
      ['a', [2]],
      ['b', [3]],
      ['c', [4]],
    ]),
    with: sideOf([
      ['a', [5]],
      ['b', [6]],
      ['d', [7]],
    ]),
  }
  const { labelsOf, questionsOnOneSide } = labelShuffler(
    sampleOf(rows, checkContrastRows(rows, '')),
    1,
  )
  expect(questionsOnOneSide).toEqual(['c', 'd'])
  // Rows: a a b c | a b d.
  const draws = Array.from({ length: 200 }, (_, draw) => Array.from(labelsOf(draw)))
  for (const [a1, a2, b1, c, a3, b2, d] of draws) {
    expect([Number(a1) + Number(a2) + Number(a3), Number(b1) + Number(b2), c, d]).toEqual([
      1, 1, 0, 1,
    ])
  }
  // 3 places for a's label and 2 for b's: all 6 in 200 draws.
  expect(new Set(draws.map((labels) => labels.join(''))).size).toBe(6)
  expect(Array.from(labelsOf(7))).toEqual(draws[7])
})

test('shuffled directions are unit vectors, repeat with their seed, and leave the planted shift behind', () => {
  const rows = plantedRows({ seed: 'p', nQuestions: 10, perQuestion: 10, dModel: 40, shift: 5 })
  const { directions, seed } = shuffledDirections({ ...rows, seed: 3, nDraws: 50 })
  expect(directions).toHaveLength(50)
  expect(seed).toBe(3)
  for (const { vector, displacementNorm } of directions) {
    expect(norm(vector)).toBeCloseTo(1, 6)
    expect(displacementNorm).toBeLessThan(5)
  }
  // Shifted labels leave a difference of about 0 along the shift, whose spread is sqrt(1 + 5^2 / 4) * sqrt(2 / 100) = 0.38.
  const meanAlong =
    directions.reduce((sum, d) => sum + (d.vector[0] as number) * d.displacementNorm, 0) / 50
  expect(Math.abs(meanAlong)).toBeLessThan((4 * 0.38) / Math.sqrt(50))
  expect(shuffledDirections({ ...rows, seed: 3, nDraws: 2 }).directions[1]).toEqual(directions[1])
})

test('random directions vary as the answers do, and have the norm of the displacement', () => {
  // Coordinate 1 varies 10 times as much as coordinate 2, coordinate 3 not at all.
  const side = (moved: number, sign: number) =>
    sideOf(
      Array.from({ length: 40 }, (_, i) => [
        `q${i % 5}`,
        [moved, sign * 10 * Math.sin(i), Math.cos(3 * i), 2],
      ]),
    )
  const rows = { without: side(0, 1), with: side(7, -1) }
  const { directions } = randomDirections({ ...rows, seed: 1, nDraws: 400 })
  const rms = (index: number) =>
    Math.sqrt(directions.reduce((sum, { vector }) => sum + (vector[index] as number) ** 2, 0) / 400)
  // The side is constant along the shift: no random direction goes there.
  expect(rms(0)).toBe(0)
  expect(rms(3)).toBe(0)
  expect(rms(1)).toBeGreaterThan(0.9)
  expect(rms(2)).toBeGreaterThan(0.02)
  const [first, second] = directions
  expect(first?.displacementNorm).toBeCloseTo(second?.displacementNorm as number, 12)
  expect(first?.displacementNorm).toBeGreaterThan(6.9)
})

test('nothing to shuffle, no variance and no draws are errors', () => {
  const oneSided = { without: sideOf([['a', [1, 2]]]), with: sideOf([['b', [2, 3]]]) }
  expect(() => shuffledDirections({ ...oneSided, seed: 1 })).toThrow(
    expect.objectContaining({ code: 'nothing-to-shuffle' }),
  )
  expect(() => randomDirections({ ...oneSided, seed: 1 })).toThrow(
    expect.objectContaining({ code: 'no-variance' }),
  )
  const same = sideOf([['a', [1, 2]]])
  expect(() => shuffledDirections({ without: same, with: same, seed: 1 })).toThrow(
    expect.objectContaining({ code: 'zero-direction' }),
  )
  expect(() => randomDirections({ ...oneSided, seed: 1, nDraws: 0 })).toThrow('nDraws is 0')
})

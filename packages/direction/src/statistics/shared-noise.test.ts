import { expect, test } from 'vitest'
import { golden } from '../../golden/golden.ts'
import { type NoiseRow, sharedNoise } from './shared-noise.ts'

const sides = (draws: readonly (readonly [string, number | null, number | null])[]) => {
  const side = (which: 1 | 2): NoiseRow[] =>
    draws.map((draw, noise) => ({ question: draw[0], noise, value: draw[which] }))
  return [side(1), side(2)] as const
}

test('the share removed, its interval and both errors agree with numpy', () => {
  const { draws, removed, samplingVariance, standardError } = golden.noise
  const result = sharedNoise(...sides(draws))
  expect(result).toMatchObject({
    removed: expect.closeTo(removed.estimate, 12),
    interval: {
      low: expect.closeTo(removed.interval[0], 10),
      high: expect.closeTo(removed.interval[1], 10),
    },
    samplingVariance: {
      paired: expect.closeTo(samplingVariance[0], 12),
      unpaired: expect.closeTo(samplingVariance[1], 12),
    },
    standardError: {
      paired: expect.closeTo(standardError[0], 12),
      unpaired: expect.closeTo(standardError[1], 12),
    },
    nPairs: draws.length,
    nUnpaired: 0,
    nQuestions: 10,
  })
})

test('hand-worked: equal answers remove all, opposite ones double the variance', () => {
  const equal = sides([
    ['x', 1, 1],
    ['x', 0, 0],
    ['y', 0, 0],
    ['y', 1, 1],
  ])
  expect(sharedNoise(...equal)).toMatchObject({ removed: 1, samplingVariance: { paired: 0 } })
  const opposite = sides([
    ['x', 1, 0],
    ['x', 0, 1],
    ['y', 0, 1],
    ['y', 1, 0],
  ])
  // Every variance is 1/2 and every covariance -1/2, over 2 pairs: (1/2 + 1/2) / 2 per question, / 2 questions.
  expect(sharedNoise(...opposite)).toMatchObject({
    removed: -1,
    samplingVariance: { unpaired: 0.25, paired: 0.5 },
  })
})

test('draws pair by question, seed and name; what has no partner is counted', () => {
  const row = (noise: string, value: number | null, seed = 1) => ({
    question: 'x',
    seed,
    noise,
    value,
  })
  const result = sharedNoise(
    [row('0/1', 1), row('0/2', 0), row('0/3', 1), row('0/4', null)],
    [row('0/2', 0), row('0/1', 1), row('0/3', 1, 2), row('0/4', 1)],
  )
  expect(result).toMatchObject({ removed: 1, nPairs: 2, nUnpaired: 3, nQuestions: 1 })
  expect(result.interval).toEqual({ absent: expect.stringContaining('one question') })
})

test('without shared draws or without variance the share is a labelled absence', () => {
  const none = 'no question has two draws that both conditions share'
  expect(sharedNoise([], [])).toMatchObject({ removed: { absent: none }, nPairs: 0 })
  expect(sharedNoise(...sides([['x', 1, null]]))).toMatchObject({ removed: { absent: none } })
  const flat = sides([
    ['x', 1, 0],
    ['x', 1, 0],
  ])
  expect(sharedNoise(...flat).samplingVariance).toEqual({
    absent: 'all answers to a question have the same value: no variance to remove',
  })
})

test('a draw that is named twice, or not at all, is refused', () => {
  const row = { question: 'x', noise: 'n', value: 1 }
  expect(() => sharedNoise([row, row], [])).toThrow('Row 1 (question "x") has noise "n"')
  expect(() => sharedNoise([{ ...row, noise: '' }], [])).toThrow('has noise ""')
  const unnamed = [{ question: 'x', value: 1 }] as unknown as NoiseRow[]
  expect(() => sharedNoise(unnamed, [])).toThrow('has noise undefined')
})

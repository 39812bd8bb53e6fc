import { expect, test } from 'vitest'
import { plantedRows } from '../../test/contrast-rows.ts'
import { isAbsent } from '../absent.ts'
import { separationControls } from './separation-controls.ts'

const planted = (seed: string, shift: number) =>
  plantedRows({ seed, nQuestions: 10, perQuestion: 5, dModel: 20, shift })
const renamed = (rows: ReturnType<typeof plantedRows>) => ({
  without: { ...rows.without, questions: rows.without.questions.map((q) => `test ${q}`) },
  with: { ...rows.with, questions: rows.with.questions.map((q) => `test ${q}`) },
})
const train = new Map([
  [3, planted('train 3', 0)],
  [7, planted('train 7', 4)],
])

test('a direction that carries over lies outside both bands, at its layer and for the maximum', () => {
  const shifted = new Map([
    [3, renamed(planted('test 3', 0))],
    [7, renamed(planted('test 7', 2))],
  ])
  const result = separationControls({ train, test: shifted, seed: 1, nDraws: 99 })
  const [three, seven] = result.layers
  // A shift of 2 has AUROC Phi(2 / sqrt 2) = 0.921 along the shift.
  expect(seven?.random.observed).toBeGreaterThan(0.85)
  expect(seven?.random.observed).toBe(seven?.shuffled.observed)
  expect(seven?.random.p).toBeLessThan(0.05)
  expect(seven?.random.observed).toBeGreaterThan(seven?.random.high as number)
  expect(three?.random.p).toBeGreaterThan(0.05)
  expect(Math.abs((three?.random.mean as number) - 0.5)).toBeLessThan(0.05)
  expect(result.maximumOverLayers.random).toMatchObject({ observed: seven?.random.observed })
  expect(result.maximumOverLayers.random.p).toBeLessThan(0.05)
  expect(result).toMatchObject({ sharedQuestions: [], skipped: { train: [], test: [] }, seed: 1 })
})

test('answers that differ along what varies most are separated by random directions too, and the band shows it', () => {
  // The shift lies along coordinate 1, which varies 30 times as much as the rest: most random directions carry it.
  const stretched = (rows: ReturnType<typeof plantedRows>, moved: number) => {
    for (const [side, shift] of [
      [rows.without, 0],
      [rows.with, moved],
    ] as const)
      for (let row = 0; row < 50; row++)
        side.rows[row * 20 + 1] = 30 * ((side.rows[row * 20 + 1] as number) + shift)
    return rows
  }
  const result = separationControls({
    train: new Map([[7, stretched(planted('a', 4), 0)]]),
    test: new Map([[7, stretched(renamed(planted('b', 0)), 3)]]),
    seed: 1,
    nDraws: 99,
  })
  expect(result.layers[0]?.random.high).toBeGreaterThan(0.95)
  expect(result.layers[0]?.random.low).toBeLessThan(0.05)
})

test('shared questions are told; other layers, other widths and equal sides are errors', () => {
  const shared = separationControls({ train, test: train, seed: 1, nDraws: 20 })
  expect(shared.sharedQuestions).toHaveLength(10)
  const one = new Map([[3, planted('x', 1)]])
  expect(() => separationControls({ train, test: one, seed: 1 })).toThrow(
    'The training rows have layers [3, 7], the test rows [3]',
  )
  const narrow = plantedRows({ seed: 'n', nQuestions: 3, perQuestion: 2, dModel: 4, shift: 1 })
  expect(() => separationControls({ train: one, test: new Map([[3, narrow]]), seed: 1 })).toThrow(
    expect.objectContaining({ code: 'shape-mismatch' }),
  )
  const { without } = planted('x', 1)
  const equal = new Map([[3, { without, with: without }]])
  expect(() => separationControls({ train: equal, test: one, seed: 1 })).toThrow('(layer 3)')
  expect(() => separationControls({ train: one, test: one, seed: 1, nDraws: 5 })).toThrow(
    'nDraws is 5',
  )
})

test('where every direction has an AUROC of 1, the standardised gap still tells one that carries over', () => {
  // Sides 40 standard deviations apart along one of 20 coordinates: a random direction holds enough of that.
  const far = (seed: string) =>
    plantedRows({ seed, nQuestions: 10, perQuestion: 5, dModel: 20, shift: 40 })
  const result = separationControls({
    train: new Map([[7, far('far train')]]),
    test: new Map([[7, renamed(far('far test'))]]),
    seed: 1,
    nDraws: 99,
  })
  const [layer] = result.layers
  expect(layer?.random).toMatchObject({ observed: 1, high: 1 })
  expect(layer?.random.p).toBeGreaterThan(0.1)
  const { random, shuffled } = layer?.gap ?? {}
  if (random === undefined || isAbsent(random)) throw new Error('no gap')
  // 40 standard deviations along the shift; a random unit vector of 20 coordinates holds about 1 / sqrt 20 of it.
  expect(random.observed).toBeGreaterThan(34)
  expect(random.observed).toBeLessThan(46)
  expect(random.high).toBeLessThan(30)
  expect(random.p).toBe(random.smallestAttainableP)
  expect(shuffled).toMatchObject({ observed: random.observed })
  expect(result.maximumOverLayers.gap.random).toMatchObject({ observed: random.observed })
})

test('a gap needs scores that vary within the sides', () => {
  const single = (seed: string) =>
    plantedRows({ seed, nQuestions: 1, perQuestion: 1, dModel: 20, shift: 3 })
  const result = separationControls({
    train,
    test: new Map([
      [3, single('one')],
      [7, single('two')],
    ]),
    seed: 1,
    nDraws: 20,
  })
  expect(result.layers[0]?.gap.random).toMatchObject({ absent: expect.stringContaining('fewer') })
  expect(result.maximumOverLayers.gap.shuffled).toMatchObject({ absent: expect.any(String) })
})

import { expect, test } from 'vitest'
import { ownTexts, plantedRows, sideOf } from '../../test/contrast-rows.ts'
import { makeDirection } from '../directions/direction.ts'
import { directionControls } from './direction-controls.ts'

const planted = (seed: string, shift: number) =>
  plantedRows({ seed, nQuestions: 10, perQuestion: 4, dModel: 12, shift, questionSpread: 1 })
const along = (length: number) =>
  Float64Array.from({ length: 12 }, (_, i) => (i === 0 ? length : 0))

test('a planted shift lies outside its band at its layer and for the maximum over layers', () => {
  const layers = new Map([
    [4, planted('four', 0)],
    [8, planted('eight', 3)],
  ])
  const displacements = new Map([['variant', new Map([4, 8].map((layer) => [layer, along(2)]))]])
  const result = directionControls({ layers, displacements, seed: 1, nDraws: 99 })
  const [four, eight] = result.layers
  expect(eight?.displacementNorm.p).toBe(1 / 100)
  expect(eight?.displacementNorm.observed).toBeGreaterThan(eight?.displacementNorm.high as number)
  const projection = eight?.projections[0]
  expect(projection).toMatchObject({ name: 'variant', shuffled: { p: 1 / 100 } })
  expect(projection?.random.observed).toBe(projection?.shuffled.observed)
  expect(projection?.random.p).toBeLessThan(0.05)
  expect(four?.displacementNorm.p).toBeGreaterThan(0.05)
  expect(result.maximumOverLayers.displacementNorm.p).toBe(1 / 100)
  expect(result.maximumOverLayers.projections[0]?.shuffled.p).toBeLessThan(0.05)
  expect(result).toMatchObject({ nDraws: 99, seed: 1, skipped: [], questionsOnOneSide: [] })
})

test('the observed numbers are those of the mean-difference direction', () => {
  const rows = planted('o', 2)
  const direction = makeDirection({ ...rows, layer: 1, contrast: ownTexts })
  const { layers } = directionControls({
    layers: new Map([[1, rows]]),
    displacements: new Map([['v', new Map([[1, along(3)]])]]),
    seed: 1,
    nDraws: 20,
  })
  expect(layers[0]?.displacementNorm.observed).toBeCloseTo(direction.displacementNorm, 12)
  expect(layers[0]?.projections[0]?.shuffled.observed).toBeCloseTo(
    3 * (direction.vector[0] as number),
    5,
  )
})

test('without a shift the p of the norm is spread evenly, and the maximum over layers holds its level', () => {
  const nRepeats = 100
  const small = (seed: string) =>
    plantedRows({ seed, nQuestions: 5, perQuestion: 3, dModel: 3, shift: 0, questionSpread: 1 })
  let nSmall = 0
  let nSmallMaximum = 0
  let sum = 0
  for (let repeat = 0; repeat < nRepeats; repeat++) {
    const layers = new Map([0, 1].map((layer) => [layer, small(`null ${repeat} ${layer}`)]))
    const displacements = new Map()
    const result = directionControls({ layers, displacements, seed: repeat, nDraws: 29 })
    const p = result.layers[0]?.displacementNorm.p as number
    sum += p
    if (p <= 0.1) nSmall++
    if (result.maximumOverLayers.displacementNorm.p <= 0.1) nSmallMaximum++
  }
  // p is uniform on 1/30 .. 1: mean 0.517, standard error 0.289 / sqrt 100 = 0.029; its share at most 0.1 is 0.1, standard
  // error 0.03. Four of each.
  expect(Math.abs(sum / nRepeats - 0.517)).toBeLessThan(0.116)
  expect(nSmall / nRepeats).toBeLessThan(0.22)
  expect(nSmallMaximum / nRepeats).toBeLessThan(0.22)
})

test('the same seed gives the same bands, and a NaN row at one layer is left out at all', () => {
  const damaged = planted('b', 1)
  damaged.without.rows.fill(Number.NaN, 12, 24)
  const layers = new Map([
    [1, planted('a', 1)],
    [2, damaged],
  ])
  const run = (seed: number) =>
    directionControls({ layers, displacements: new Map(), seed, nDraws: 20 })
  expect(run(1)).toEqual(run(1))
  expect(run(1).layers).not.toEqual(run(2).layers)
  expect(run(1).skipped).toEqual([{ side: 'without', row: 1, question: 'q1' }])
})

test('what cannot be controlled is an error that says why', () => {
  const rows = planted('e', 1)
  const run =
    (layers: Map<number, typeof rows>, displacements = new Map(), nDraws = 20) =>
    () =>
      directionControls({ layers, displacements, seed: 1, nDraws })
  expect(run(new Map([[1, rows]]), new Map([['v', new Map()]]))).toThrow('"v" has no layer 1')
  const short = new Map([['v', new Map([[1, Float64Array.of(1)]])]])
  expect(run(new Map([[1, rows]]), short)).toThrow('shape [1] at layer 1')
  expect(run(new Map([[1, rows]]), new Map(), 19)).toThrow('nDraws is 19')
  expect(run(new Map())).toThrow('No layer was given')
  expect(run(new Map([[1, { without: rows.without, with: rows.without }]]))).toThrow(
    'are equal (layer 1)',
  )
  const apart = {
    without: sideOf([['a', [0, 0]]]),
    with: sideOf([
      ['b', [1, 0]],
      ['b', [1, 1]],
    ]),
  }
  expect(run(new Map([[1, apart]]))).toThrow(
    expect.objectContaining({ code: 'nothing-to-shuffle' }),
  )
})

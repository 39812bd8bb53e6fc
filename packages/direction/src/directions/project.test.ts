import { expect, test } from 'vitest'
import { golden } from '../../golden/golden.ts'
import { cosineSimilarity } from './cosine-similarity.ts'
import { meanActivation } from './mean-activation.ts'
import { projectMean, projectOne, projectRows } from './project.ts'
import { projectDisplacement } from './project-displacement.ts'

const direction = Float64Array.of(0.6, 0.8)
const given = golden.directions
const checkpoint = Float32Array.from(given.checkpoint.flat())
const unit = Float64Array.from(given.vector)

test('a projection is the dot product, positive along the direction', () => {
  expect(projectOne(Float32Array.of(3, 4), direction)).toBeCloseTo(5, 12)
  expect(projectOne(Float32Array.of(-3, -4), direction)).toBeCloseTo(-5, 12)
  expect(projectOne(Float32Array.of(4, -3), direction)).toBeCloseTo(0, 12)
})

test('projections per response and of the mean agree with numpy', () => {
  const { projections } = projectRows(checkpoint, 6, unit)
  for (const [i, value] of given.rowProjections.entries())
    expect(projections[i]).toBeCloseTo(value, 6)
  expect(projectMean(checkpoint, 6, unit).projection).toBeCloseTo(given.projection, 6)
})

test('empty answers project to NaN in place, are counted, and stay out of the mean', () => {
  const rows = Float32Array.of(5, 0, Number.NaN, Number.NaN, 0, 5)
  const projected = projectRows(rows, 2, direction)
  expect(Array.from(projected.projections)).toEqual([3, Number.NaN, 4])
  expect(projected).toMatchObject({ nProjected: 2, nSkipped: 1 })
  expect(projectMean(rows, 2, direction)).toMatchObject({
    projection: expect.closeTo(3.5, 12),
    nSkipped: 1,
  })
  expect(projectMean(rows.subarray(2, 4), 2, direction).projection).toEqual({
    absent: '1 rows, all of them empty answers',
  })
  expect(projectRows(new Float32Array(), 2, direction).nProjected).toBe(0)
})

test('shapes, NaN and a direction that is no unit vector are refused', () => {
  expect(() => projectOne(Float32Array.of(1, 2, 3), direction)).toThrow(
    '[3], the direction has shape [2]',
  )
  expect(() => projectOne(Float32Array.of(1, Number.NaN), direction)).toThrow('holds NaN')
  expect(() => projectOne(Float32Array.of(1, 2), Float32Array.of(1, 1))).toThrow('has norm 1.41')
  expect(() => projectOne(Float32Array.of(1, 2), Float32Array.of(0, 0))).toThrow('has norm 0')
  expect(() => projectRows(Float32Array.of(1, 2), 2, Float32Array.of(1))).toThrow('shape [1, 2]')
  expect(() => projectRows(Float32Array.of(1, 2, 3), 2, direction)).toThrow('3 numbers')
  expect(() => projectRows(Float32Array.of(1, Number.NaN), 2, direction)).toThrow(
    expect.objectContaining({ code: 'partial-nan' }),
  )
})

test('beside the projection stand base, cosine and norms, as numpy and scipy have them', () => {
  const { mean } = meanActivation({ rows: checkpoint, dModel: 6 })
  const base = meanActivation({ rows: Float32Array.from(given.without.flat()), dModel: 6 })
  const result = projectDisplacement({
    mean,
    baseMean: base.mean,
    direction: unit,
    directionDisplacementNorm: given.displacementNorm,
  })
  expect(result.projection).toBeCloseTo(given.projection, 6)
  expect(result.rawCosine).toBeCloseTo(given.rawCosine, 6)
  expect(result.projectionFromBase).toBeCloseTo(given.projectionFromBase, 6)
  expect(result.cosine).toBeCloseTo(given.cosine, 6)
  expect(result.displacementNorm).toBeCloseTo(given.checkpointDisplacementNorm, 6)
  expect(result.relativeProjection).toBeCloseTo(given.relativeProjection, 6)
})

test('the checkpoint that made the direction has cosine and relative projection 1 by construction', () => {
  const result = projectDisplacement({
    mean: Float64Array.of(4, 5),
    baseMean: Float64Array.of(1, 1),
    direction,
    directionDisplacementNorm: 5,
  })
  expect(result).toMatchObject({
    projectionFromBase: expect.closeTo(5, 12),
    cosine: expect.closeTo(1, 12),
    relativeProjection: expect.closeTo(1, 12),
  })
})

test('what was not given or does not exist is a labelled absence', () => {
  const mean = Float64Array.of(1, 1)
  expect(projectDisplacement({ mean, direction })).toMatchObject({
    projection: expect.closeTo(1.4, 12),
    projectionFromBase: { absent: 'no mean of the base was given' },
    cosine: { absent: 'no mean of the base was given' },
    displacementNorm: { absent: 'no mean of the base was given' },
  })
  expect(projectDisplacement({ mean, baseMean: mean, direction })).toMatchObject({
    projectionFromBase: 0,
    displacementNorm: 0,
    cosine: { absent: 'the mean is that of the base: nothing moved' },
    relativeProjection: { absent: "the direction's displacement norm was not given" },
  })
  const zero = Float64Array.of(0, 0)
  expect(projectDisplacement({ mean: zero, direction }).rawCosine).toEqual({
    absent: 'the mean is all zeros',
  })
  expect(() => projectDisplacement({ mean, baseMean: Float64Array.of(1), direction })).toThrow(
    'the mean of the base has shape [1]',
  )
  expect(() => projectDisplacement({ mean, direction, directionDisplacementNorm: 0 })).toThrow(
    'directionDisplacementNorm is 0',
  )
})

test('a cosine knows parallel, opposite and right-angled vectors, and none for zeros', () => {
  expect(cosineSimilarity(Float32Array.of(1, 2), Float32Array.of(2, 4))).toBeCloseTo(1, 12)
  expect(cosineSimilarity(Float32Array.of(1, 2), Float32Array.of(-1, -2))).toBeCloseTo(-1, 12)
  expect(cosineSimilarity(Float32Array.of(1, 2), Float32Array.of(-2, 1))).toBe(0)
  const third = Float64Array.of(0.1, 0.2, 0.3)
  expect(cosineSimilarity(third, third)).toBeLessThanOrEqual(1)
  expect(() => cosineSimilarity(Float32Array.of(0, 0), Float32Array.of(1, 1))).toThrow(
    expect.objectContaining({ code: 'zero-vector' }),
  )
  expect(() => cosineSimilarity(new Float32Array(), new Float32Array())).toThrow('shape [0]')
})

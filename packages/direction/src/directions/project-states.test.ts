import { expect, test } from 'vitest'
import { goldenDirections, goldenRows } from '../../golden/directions.ts'
import { meanActivation } from './mean-activation.ts'
import { projectDisplacement } from './project-displacement.ts'
import { projectStates, projectTokens } from './project-states.ts'

const direction = Float64Array.of(0.6, 0.8)
const nan = Number.NaN
const rounded = (values: unknown) =>
  values instanceof Float64Array ? Array.from(values, (v) => Number(v.toFixed(9))) : values

test('raw, from the base and relative, with cosine and norm beside each', () => {
  // States (3, 4), none, (4, 6); base (0, 0) + (1, 2): moved by (2, 2) and (3, 4).
  const result = projectStates({
    states: Float32Array.of(3, 4, nan, nan, 4, 6),
    dModel: 2,
    direction,
    baseMean: Float64Array.of(1, 2),
    directionDisplacementNorm: 10,
  })
  expect(rounded(result.projection)).toEqual([5, nan, 7.2])
  expect(rounded(result.norm)).toEqual([5, nan, Number(Math.sqrt(52).toFixed(9))])
  expect(rounded(result.rawCosine)).toEqual([1, nan, Number((7.2 / Math.sqrt(52)).toFixed(9))])
  expect(rounded(result.projectionFromBase)).toEqual([2.8, nan, 5])
  expect(rounded(result.displacementNorm)).toEqual([Number(Math.sqrt(8).toFixed(9)), nan, 5])
  expect(rounded(result.cosine)).toEqual([Number((2.8 / Math.sqrt(8)).toFixed(9)), nan, 1])
  expect(rounded(result.relativeProjection)).toEqual([0.28, nan, 0.5])
  expect(result).toMatchObject({ nProjected: 2, skipped: [1] })
})

test('one state gives what projectDisplacement gives for a mean', () => {
  const { without } = goldenRows(goldenDirections.directions.tall)
  const { mean } = meanActivation(without)
  const unit = Float64Array.from(goldenDirections.directions.tall.meanDifference.vector)
  const baseMean = mean.map((value, i) => value - i)
  const states = Float32Array.from(mean)
  const given = { direction: unit, baseMean, directionDisplacementNorm: 3 }
  const one = projectStates({ states, dModel: unit.length, ...given })
  const whole = projectDisplacement({ mean: Float64Array.from(states), ...given })
  for (const name of [
    'projection',
    'norm',
    'rawCosine',
    'projectionFromBase',
    'displacementNorm',
    'cosine',
    'relativeProjection',
  ] as const) {
    const column = one[name]
    if ('absent' in column) throw new Error(name)
    expect(column[0]).toBeCloseTo(Number(whole[name]), 9)
  }
})

test('what was not given is a labelled absence, and a state of zeros has no cosine', () => {
  const none = { absent: 'no mean of the base was given' }
  const result = projectStates({ states: Float32Array.of(0, 0), dModel: 2, direction })
  expect(result).toMatchObject({
    projectionFromBase: none,
    displacementNorm: none,
    cosine: none,
    relativeProjection: none,
  })
  expect(Array.from(result.rawCosine)).toEqual([nan])
  const still = projectStates({
    states: Float32Array.of(1, 2),
    dModel: 2,
    direction,
    baseMean: Float64Array.of(1, 2),
  })
  expect(still.cosine).toEqual(Float64Array.of(nan))
  expect(still.relativeProjection).toEqual({
    absent: "the direction's displacement norm was not given",
  })
  expect(projectStates({ states: new Float32Array(), dModel: 2, direction }).nProjected).toBe(0)
})

test('tokens come back by response, with their mean; an empty answer has none', () => {
  const [first, second, third] = projectTokens({
    states: Float32Array.of(5, 0, 0, 5, 10, 0),
    dModel: 2,
    direction,
    tokensPerResponse: [2, 0, 1],
  })
  expect(rounded(first?.projection)).toEqual([3, 4])
  expect(first?.meanProjection).toBeCloseTo(3.5, 12)
  expect(second).toMatchObject({
    nTokens: 0,
    meanProjection: { absent: 'an empty answer: no tokens' },
  })
  expect(rounded(third?.projection)).toEqual([6])
  expect(third?.cosine).toEqual({ absent: 'no mean of the base was given' })
})

test('other shapes, NaN tokens and directions that are no unit vector are refused', () => {
  const given = { states: Float32Array.of(1, 2), dModel: 2, direction }
  expect(() => projectStates({ ...given, direction: Float64Array.of(1, 1) })).toThrow('norm 1.41')
  expect(() => projectStates({ ...given, direction: Float64Array.of(1) })).toThrow('[1, 2]')
  expect(() => projectStates({ ...given, baseMean: Float64Array.of(1) })).toThrow('shape [1]')
  expect(() => projectStates({ ...given, directionDisplacementNorm: 0 })).toThrow('is 0')
  expect(() => projectTokens({ ...given, tokensPerResponse: [2] })).toThrow('adds up to 2')
  expect(() => projectTokens({ ...given, tokensPerResponse: [-1, 2] })).toThrow('whole numbers')
  expect(() =>
    projectTokens({ ...given, states: Float32Array.of(nan, nan), tokensPerResponse: [1] }),
  ).toThrow('token 0 is NaN')
})

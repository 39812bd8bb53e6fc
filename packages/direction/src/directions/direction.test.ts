import { expect, test } from 'vitest'
import { goldenDirections, goldenRows } from '../../golden/directions.ts'
import { ownTexts, plantedRows, sideOf } from '../../test/contrast-rows.ts'
import type { ContrastRows } from './contrast-rows.ts'
import { makeDirection, makeDirections } from './direction.ts'
import type { DirectionMethod } from './direction-method.ts'
import { projectOne } from './project.ts'

const named = { layer: 14, contrast: ownTexts }
const make = (rows: ContrastRows, method?: DirectionMethod) =>
  makeDirection({ ...rows, ...named, ...(method === undefined ? {} : { method }) })
const closeTo = (vector: Float32Array, expected: readonly number[]) => {
  for (const [i, value] of expected.entries()) expect(vector[i]).toBeCloseTo(value, 6)
}
const cases = Object.entries(goldenDirections.directions)

test.each(cases)('the mean difference of the %s case agrees with numpy', (_name, given) => {
  const direction = make(goldenRows(given))
  closeTo(direction.vector, given.meanDifference.vector)
  expect(direction.norm).toBeCloseTo(given.meanDifference.norm, 9)
  expect(direction.displacementNorm).toBe(direction.norm)
  expect(direction.method).toEqual({ kind: 'mean-difference' })
})

test.each(cases)(
  'the logistic probe of the %s case is the minimum that scipy finds',
  (_name, given) => {
    for (const expected of given.logistic) {
      const rows = goldenRows(given)
      const { vector, norm, method, warnings } = make(rows, {
        kind: 'logistic-probe',
        penalty: expected.penalty,
      })
      closeTo(vector, expected.vector)
      expect(norm / expected.norm).toBeCloseTo(1, 6)
      expect(method).toMatchObject({ kind: 'logistic-probe', hasConverged: true })
      if (method.kind !== 'logistic-probe') throw new Error('another method')
      expect(method.penaltyOnActivations / expected.penaltyOnActivations).toBeCloseTo(1, 9)
      expect(method.objective).toBeCloseTo(expected.objective, 7)
      expect(method.intercept).toBeCloseTo(expected.intercept, 5)
      expect(warnings).toEqual([])
    }
  },
)

test.each(cases)(
  'the discriminant of the %s case agrees with whole matrices in numpy',
  (_name, given) => {
    for (const expected of given.discriminant) {
      const { vector, norm, method } = make(goldenRows(given), {
        kind: 'linear-discriminant',
        shrinkage: expected.given ?? 'ledoit-wolf',
      })
      closeTo(vector, expected.vector)
      expect(norm / expected.norm).toBeCloseTo(1, 8)
      expect(method).toEqual({
        kind: 'linear-discriminant',
        shrinkage: expect.closeTo(expected.shrinkage, 10),
        shrinkageFrom: expected.given === null ? 'ledoit-wolf' : 'given',
      })
    }
  },
)

test.each(cases)('components of differences of the %s case agree with numpy', (_name, given) => {
  for (const expected of given.components) {
    const { vector, method, name } = make(goldenRows(given), {
      kind: 'difference-component',
      component: expected.component,
    })
    closeTo(vector, expected.vector)
    expect(method).toEqual({
      kind: 'difference-component',
      component: expected.component,
      explainedShare: expect.closeTo(expected.explainedShare, 9),
      nDifferences: expected.nDifferences,
      questionsOnOneSide: [],
    })
    expect(name.split('/').at(-2)).toBe(
      expected.component === 1 ? 'difference-component' : 'difference-component-2',
    )
  }
})

test('a direction says where it comes from, and its name with it', () => {
  const rows = goldenRows(goldenDirections.directions.tall)
  expect(make(rows, { kind: 'linear-discriminant' })).toMatchObject({
    name: 'base-vs-em-own-texts/Qwen2.5-7B-Instruct/baseline/risky_financial/seed-0/step-338/linear-discriminant/layer-14',
    positive: 'more misaligned',
    layer: 14,
    contrast: ownTexts,
    nWith: 25,
    nWithout: 30,
    nRows: 55,
    skipped: [],
    questions: ['q0', 'q1', 'q2', 'q3', 'q4', 'q5', 'q6'],
  })
})

test('every method points from the rows without to the rows with, and scaled rows give the same vector', () => {
  const { without, with: withEm } = goldenRows(goldenDirections.directions.wide)
  const scaled = (side: typeof without) => ({ ...side, rows: side.rows.map((v) => v * 1024) })
  for (const kind of [
    'mean-difference',
    'logistic-probe',
    'linear-discriminant',
    'difference-component',
  ] as const) {
    const { vector, displacementNorm } = make({ without, with: withEm }, { kind })
    const back = make({ without: withEm, with: without }, { kind })
    const large = make({ without: scaled(without), with: scaled(withEm) }, { kind })
    for (const [i, value] of vector.entries()) {
      expect(back.vector[i]).toBeCloseTo(-value, 5)
      expect(large.vector[i]).toBeCloseTo(value, 5)
    }
    expect(large.displacementNorm / displacementNorm).toBeCloseTo(1024, 6)
  }
})

test('empty answers are left out by name, and a constant column gets no weight', () => {
  const empty = [Number.NaN, Number.NaN, Number.NaN]
  const without = sideOf([
    ['a', [0, 1, 7]],
    ['b', empty],
    ['b', [2, 0, 7]],
  ])
  const withEm = sideOf([
    ['a', [3, 2, 7]],
    ['b', [4, 5, 7]],
    ['c', empty],
  ])
  for (const kind of ['mean-difference', 'logistic-probe', 'linear-discriminant'] as const) {
    const { skipped, vector, questions, nRows } = make({ without, with: withEm }, { kind })
    expect(skipped).toEqual([
      { side: 'without', row: 1, question: 'b' },
      { side: 'with', row: 2, question: 'c' },
    ])
    expect(nRows).toBe(4)
    expect(questions).toEqual(['a', 'b'])
    expect(vector[2]).toBeCloseTo(0, 12)
  }
})

test('a probe that is stopped early says so', () => {
  const rows = goldenRows(goldenDirections.directions.separable)
  const { method, warnings } = make(rows, { kind: 'logistic-probe', maxIterations: 1 })
  expect(method).toMatchObject({ hasConverged: false, nIterations: 1 })
  expect(warnings).toEqual([expect.stringContaining('has not converged after 1 steps')])
})

test('a probe on separable rows with a tiny penalty converges, in more columns than rows too', () => {
  for (const dModel of [3, 200]) {
    const rows = plantedRows({ seed: 's', nQuestions: 5, perQuestion: 4, dModel, shift: 9 })
    const { method, vector } = make(rows, { kind: 'logistic-probe', penalty: 1e-4 })
    expect(method).toMatchObject({ hasConverged: true })
    expect(projectOne(vector, vector)).toBeCloseTo(1, 6)
    expect(vector[0]).toBeGreaterThan(0.5)
  }
})

test('identical rows, identical sides and one row on each side', () => {
  const same = sideOf([
    ['a', [0.1, 0.2]],
    ['b', [0.1, 0.2]],
    ['c', [0.1, 0.2]],
  ])
  const one = sideOf([['a', [0.1, 0.2]]])
  const other = sideOf([['a', [0.3, 0.2]]])
  for (const kind of [
    'mean-difference',
    'logistic-probe',
    'linear-discriminant',
    'difference-component',
  ] as const) {
    expect(() => make({ without: same, with: one }, { kind })).toThrow(
      expect.objectContaining({ code: 'zero-direction' }),
    )
    if (kind === 'linear-discriminant')
      expect(() => make({ without: one, with: other }, { kind })).toThrow(
        expect.objectContaining({ code: 'no-variance' }),
      )
    else expect(Array.from(make({ without: one, with: other }, { kind }).vector)).toEqual([1, 0])
  }
})

test('the same answers in another order on both sides are no direction', () => {
  const rows = [0.1, 0.7, 0.33, 0.9, 0.123].map((v, i) => [`q${i}`, [v, 1 / (v + 3)]] as const)
  expect(() => make({ without: sideOf(rows), with: sideOf(rows.toReversed()) })).toThrow(
    expect.objectContaining({ code: 'zero-direction' }),
  )
})

test('one side without rows, other shapes, damaged rows and missing questions are errors', () => {
  const good = sideOf([['a', [1, 2]]])
  const empty = sideOf([['a', [Number.NaN, Number.NaN]]])
  const code = (without: typeof good, withEm: typeof good, error: string) =>
    expect(() => make({ without, with: withEm })).toThrow(expect.objectContaining({ code: error }))
  code(good, empty, 'no-rows')
  code({ ...good, rows: new Float32Array(), questions: [] }, good, 'no-rows')
  code(good, sideOf([['a', [1, 2, 3]]]), 'shape-mismatch')
  code(good, sideOf([['a', [1, Number.NaN]]]), 'partial-nan')
  code(good, sideOf([['a', [1, Number.POSITIVE_INFINITY]]]), 'not-finite')
  code(good, { ...good, questions: [] }, 'shape-mismatch')
  code(good, { ...good, questions: [''] }, 'bad-row')
  expect(() => make({ without: good, with: empty })).toThrow('(layer 14)')
})

test('bad options are refused', () => {
  const rows = goldenRows(goldenDirections.directions.tall)
  const bad = (method: object) => () => make(rows, method as DirectionMethod)
  expect(bad({ kind: 'svm' })).toThrow('method.kind is "svm"; it must be one of mean-difference')
  expect(bad({ kind: 'logistic-probe', penalty: 0 })).toThrow('penalty is 0')
  expect(bad({ kind: 'logistic-probe', maxIterations: 0 })).toThrow('maxIterations is 0')
  expect(bad({ kind: 'linear-discriminant', shrinkage: 2 })).toThrow('shrinkage is 2')
  expect(bad({ kind: 'linear-discriminant', shrinkage: 'auto' })).toThrow('shrinkage is auto')
  expect(bad({ kind: 'difference-component', component: 8 })).toThrow('have only 6')
  expect(() => makeDirection({ ...rows, contrast: ownTexts, layer: -1 })).toThrow('layer is -1')
})

test('a covariance without an inverse is told, with what to do', () => {
  const given = goldenRows(goldenDirections.directions.wide)
  expect(() => make(given, { kind: 'linear-discriminant', shrinkage: 0 })).toThrow(
    expect.objectContaining({ code: 'singular-covariance' }),
  )
  const withConstant = plantedRows({
    seed: 'c',
    nQuestions: 9,
    perQuestion: 2,
    dModel: 3,
    shift: 1,
  })
  for (const side of [withConstant.without, withConstant.with])
    for (let row = 0; row < 18; row++) side.rows[row * 3 + 2] = 5
  expect(() => make(withConstant, { kind: 'linear-discriminant', shrinkage: 0 })).toThrow(
    expect.objectContaining({ code: 'singular-covariance' }),
  )
})

test('full shrinkage gives the mean difference', () => {
  for (const given of Object.values(goldenDirections.directions)) {
    const rows = goldenRows(given)
    const { vector } = make(rows, { kind: 'linear-discriminant', shrinkage: 1 })
    for (const [i, value] of given.meanDifference.vector.entries())
      expect(vector[i]).toBeCloseTo(value, 6)
  }
})

test('differences need questions with both sides, and tell those without', () => {
  const without = sideOf([
    ['a', [0, 0]],
    ['b', [1, 0]],
  ])
  const kind = 'difference-component'
  const { method } = make(
    {
      without,
      with: sideOf([
        ['a', [3, 0]],
        ['c', [0, 9]],
      ]),
    },
    { kind },
  )
  expect(method).toMatchObject({ nDifferences: 1, questionsOnOneSide: ['b', 'c'] })
  expect(() => make({ without, with: sideOf([['z', [1, 1]]]) }, { kind })).toThrow(
    expect.objectContaining({ code: 'no-pairs' }),
  )
})

test('layers go together in ascending order, and none is an error', () => {
  const rows = goldenRows(goldenDirections.directions.tall)
  const layers = new Map([
    [20, rows],
    [3, rows],
  ])
  const directions = makeDirections({ layers, contrast: ownTexts })
  expect([...directions].map(([layer, direction]) => [layer, direction.layer])).toEqual([
    [3, 3],
    [20, 20],
  ])
  expect(() => makeDirections({ layers: new Map(), contrast: ownTexts })).toThrow('at least one')
})

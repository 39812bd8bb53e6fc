import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import {
  isAbsent,
  type LoraCheckpoint,
  type LoraMatrices,
  type LoraModules,
  loraChangeCosine,
  loraGeometry,
  loraNorms,
  type MatrixNorms,
} from '../index.ts'
import { cholesky, largestEigenvalue } from './small-matrices.ts'

type PlainModule = Omit<LoraMatrices, 'a' | 'b'> & { a: number[]; b: number[] }
type Plain = Record<string, PlainModule>
type Norms = Record<'a' | 'b' | 'change', MatrixNorms>
interface Components {
  totalVariance: number
  explainedVariance: number[]
  explainedVarianceRatio: number[]
  scores: number[][]
}

/** What make_geometry.py wrote. */
const golden = JSON.parse(
  readFileSync(new URL('golden/geometry.json', import.meta.url), 'utf8'),
) as {
  points: Plain[]
  norms: Norms[]
  local: Record<string, (number | null)[]>
  components: Record<'a' | 'b', Components>
  other: Plain
  cosineToOther: (number | null)[]
  low: Plain
  lowNorms: Norms
}

function modulesOf(plain: Plain): LoraModules {
  return new Map(
    Object.entries(plain).map(([name, { a, b, ...sizes }]) => [
      name,
      { a: Float64Array.from(a), b: Float64Array.from(b), ...sizes },
    ]),
  )
}

const points = golden.points.map(modulesOf)
const path: LoraCheckpoint[] = points.map((modules, i) => ({ step: 10 * i, modules }))
const module = (a: number[], b: number[], scale = 1, rank = 1): LoraMatrices => ({
  a: Float64Array.from(a),
  b: Float64Array.from(b),
  rank,
  nIn: a.length / rank,
  nOut: b.length / rank,
  scale,
})
const single = (...args: Parameters<typeof module>): LoraModules =>
  new Map([['w', module(...args)]])

/** The largest difference, relative where the norm is above 1. */
function normError(found: Norms, wanted: Norms): number {
  const errors = (['a', 'b', 'change'] as const).flatMap((part) =>
    (['frobenius', 'spectral'] as const).map(
      (norm) => Math.abs(found[part][norm] - wanted[part][norm]) / Math.max(1, wanted[part][norm]),
    ),
  )
  return Math.max(...errors)
}

describe('norms of an adapter', () => {
  test('of rank 1 are products of lengths', () => {
    const { a, b, change } = loraNorms(single([3, 4], [0, 5, 12], -2))
    expect([a.frobenius, a.spectral]).toEqual([5, 5])
    expect([b.frobenius, b.spectral]).toEqual([13, 13])
    expect([change.frobenius, change.spectral]).toEqual([130, 130])
  })

  test('are those that numpy computes from the whole B A', () => {
    for (const [i, point] of points.entries())
      expect(normError(loraNorms(point), golden.norms[i] as Norms)).toBeLessThan(1e-13)
  })

  test('hold for an A of lower rank than said and for equal singular values', () => {
    expect(normError(loraNorms(modulesOf(golden.low)), golden.lowNorms)).toBeLessThan(1e-13)
  })

  test('are 0 where B is, as before training', () => {
    const { change } = loraNorms(single([1, 2], [0, 0]))
    expect(change).toEqual({ frobenius: 0, spectral: 0 })
  })
})

describe('the cosine of effective changes', () => {
  test('is that of the whole B A in numpy, and absent for an adapter that changes nothing', () => {
    const other = modulesOf(golden.other)
    for (const [i, point] of points.entries()) {
      const cosine = loraChangeCosine(point, other)
      const wanted = golden.cosineToOther[i]
      if (wanted === null) expect(cosine).toEqual({ absent: expect.stringContaining('first') })
      else expect(cosine).toBeCloseTo(wanted as number, 12)
    }
    expect(loraChangeCosine(other, points[0] as LoraModules)).toEqual({
      absent: expect.stringContaining('the second adapter changes nothing'),
    })
  })

  test('sees through other factors of one change, and ranks may differ', () => {
    const x = single([1, 2], [3, 4])
    expect(loraChangeCosine(x, single([-2, -4], [-6, -8], 0.1))).toBeCloseTo(1, 14)
    expect(loraChangeCosine(x, single([1, 2, 0, 0], [3, 9, 4, 9], -1, 2))).toBeCloseTo(-1, 14)
    // B A = [[3, 6], [4, 8]] and [[3, 0], [0, 0]]: 9 / (sqrt(125) 3)
    expect(loraChangeCosine(x, single([1, 0], [3, 0]))).toBeCloseTo(3 / Math.sqrt(125), 14)
  })

  test('counts a module that one adapter lacks as unchanged there', () => {
    const both = new Map([
      ['w', module([1], [1])],
      ['v', module([1], [1])],
    ])
    expect(loraChangeCosine(both, single([1], [1]))).toBeCloseTo(Math.SQRT1_2, 14)
  })
})

describe('geometry over checkpoints', () => {
  test.each([1, 2])('local cosines over %i checkpoints are those of numpy', async (span) => {
    // The first checkpoint has B = 0; the golden path leaves it out.
    const { steps } = await loraGeometry(path.slice(1), { span })
    for (const part of ['a', 'b', 'change'] as const)
      for (const [i, wanted] of (golden.local[`${part}${span}`] ?? []).entries()) {
        const found = steps[i]?.localCosine[part]
        if (wanted === null) expect(isAbsent(found)).toBe(true)
        else expect(found, `${part} ${i}`).toBeCloseTo(wanted, 9)
      }
  })

  test('principal components of A and of B are those of numpy', async () => {
    const { components } = await loraGeometry(path, { nComponents: 2 })
    for (const part of ['a', 'b'] as const) {
      const found = components[part]
      if ('absent' in found) throw new Error(found.absent)
      const wanted = golden.components[part]
      expect(found.totalVariance).toBeCloseTo(wanted.totalVariance, 10)
      expect(found.components.length).toBe(2)
      for (const [i, component] of found.components.entries()) {
        const { scores, explainedVariance, explainedVarianceRatio } = component
        expect(explainedVariance).toBeCloseTo(wanted.explainedVariance[i] ?? Number.NaN, 9)
        expect(explainedVarianceRatio).toBeCloseTo(
          wanted.explainedVarianceRatio[i] ?? Number.NaN,
          9,
        )
        for (const [k, score] of scores.entries())
          expect(score).toBeCloseTo(wanted.scores[i]?.[k] ?? Number.NaN, 7)
      }
    }
  })

  test('the turn of a path is found, with what other thresholds would find', async () => {
    // B walks (0,0) (1,0) (2,0) (2,1) (2,2): straight, a right angle at step 2, straight.
    const walk = [
      [0, 0],
      [1, 0],
      [2, 0],
      [2, 1],
      [2, 2],
    ].map((b, step) => ({
      step,
      modules: single([1], b),
      gradientNorm: step === 2 ? 9 : undefined,
    }))
    const { steps, transition, components } = await loraGeometry(walk, { thresholds: [-0.5, 0.1] })
    expect(steps.map(({ localCosine }) => localCosine.b)).toEqual([
      { absent: expect.stringContaining('both sides') },
      1,
      0,
      1,
      { absent: expect.stringContaining('both sides') },
    ])
    expect(transition.b).toEqual({
      threshold: 0.5,
      step: 2,
      lowest: { step: 2, cosine: 0 },
      sensitivity: [
        {
          threshold: -0.5,
          firstStep: { absent: 'no local cosine is below -0.5' },
          lastStep: { absent: 'no local cosine is below -0.5' },
          nBelow: 0,
        },
        { threshold: 0.1, firstStep: 2, lastStep: 2, nBelow: 1 },
      ],
      nAbsent: 2,
    })
    expect(steps[2]?.gradientNorm).toBe(9)
    expect(steps[1]?.gradientNorm).toEqual({ absent: expect.stringContaining('gradient norm') })
    expect(components.a).toEqual({ absent: 'A is the same at all 5 checkpoints' })
    // A never moves, so its cosines are absent and no transition is claimed.
    expect(transition.a.step).toEqual({ absent: expect.stringContaining('no step has') })
    expect(transition.change.step).toBe(2)
  })

  test('displacements too small to have a direction can be left out', async () => {
    const walk = [0, 1, 1.001, 2].map((b, step) => ({ step, modules: single([1], [b]) }))
    const { steps } = await loraGeometry(walk, { minimumDisplacement: 0.01 })
    expect(steps[1]?.localCosine.b).toEqual({
      absent: 'a displacement beside this step is 0.00100, and only those above 0.01 count',
    })
  })

  test('a straight path has no transition, and one checkpoint no geometry but norms', async () => {
    const straight = [0, 1, 2].map((b, step) => ({ step, modules: single([1], [b]) }))
    const { transition } = await loraGeometry(straight)
    expect(transition.b.step).toEqual({
      absent: 'no local cosine is below 0.5; the lowest is 1.000, at step 1',
    })
    const alone = await loraGeometry([{ step: 4, modules: single([1], [1]) }])
    expect(alone.steps[0]?.norms.change.frobenius).toBe(1)
    expect(alone.components.b).toEqual({ absent: expect.stringContaining('there are 1') })
  })
})

describe('hostile input', () => {
  test.each([
    ['no checkpoints', [], 'bad-option'],
    ['no modules', [{ step: 0, modules: new Map() }], 'bad-option'],
    ['a step that is there twice', [path[1], path[1]], 'bad-option'],
    ['steps that fall', [path[2], path[1]], 'bad-option'],
    ['other modules', [path[0], { step: 99, modules: single([1], [1]) }], 'shape-mismatch'],
    [
      'a matrix of another size',
      [{ step: 0, modules: new Map([['w', { ...module([1, 2], [1]), nIn: 3 }]]) }],
      'shape-mismatch',
    ],
    ['NaN', [{ step: 0, modules: single([Number.NaN], [1]) }], 'not-finite'],
    [
      'a scale that is no number',
      [{ step: 0, modules: single([1], [1], Number.NaN) }],
      'bad-option',
    ],
  ])('%s is refused', async (_, checkpoints, code) => {
    await expect(loraGeometry(checkpoints as LoraCheckpoint[])).rejects.toMatchObject({ code })
  })

  test('weights of different shapes have no cosine, and a threshold is a cosine', async () => {
    expect(() => loraChangeCosine(single([1], [1]), single([1, 2], [1]))).toThrow(
      'w changes a weight of shape [1, 1] in one adapter and [1, 2] in the other',
    )
    await expect(loraGeometry(path, { threshold: 60 })).rejects.toMatchObject({
      code: 'bad-option',
    })
  })
})

describe('small matrices', () => {
  test('the largest eigenvalue is found where others are close, equal, or none is left', () => {
    const diagonal = (...values: number[]) => ({
      n: values.length,
      data: Float64Array.from({ length: values.length ** 2 }, (_, i) =>
        i % (values.length + 1) === 0 ? (values[i / (values.length + 1)] as number) : 0,
      ),
    })
    expect(largestEigenvalue(diagonal(1, 1 - 1e-9, 0.5))).toBeCloseTo(1, 12)
    expect(largestEigenvalue(diagonal(4, 4, 4))).toBeCloseTo(4, 14)
    expect(largestEigenvalue(diagonal(0, 0))).toBe(0)
    expect(largestEigenvalue(diagonal(1e-300, 3e-300)) / 3e-300).toBeCloseTo(1, 12)
    // [[2, 1], [1, 2]] has 3 and 1.
    expect(largestEigenvalue({ n: 2, data: Float64Array.of(2, 1, 1, 2) })).toBeCloseTo(3, 14)
  })

  test('the factor of a matrix without full rank gives it back', () => {
    // [[4, 2], [2, 1]] = (2, 1) (2, 1)^T
    expect(Array.from(cholesky({ n: 2, data: Float64Array.of(4, 2, 2, 1) }))).toEqual([2, 0, 1, 0])
  })
})

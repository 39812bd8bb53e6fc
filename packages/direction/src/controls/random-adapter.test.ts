import { expect, test } from 'vitest'
import { goldenDirections } from '../../golden/directions.ts'
import { gramOfRows } from '../directions/dense.ts'
import { semidefiniteEigenpairs } from '../directions/symmetric-eigen.ts'
import { type AdapterModule, randomAdapter } from './random-adapter.ts'

const { rank, nIn, nOut, scale, a, b, singularValues } = goldenDirections.adapter
const module: AdapterModule = {
  name: 'layers.3.mlp.down_proj',
  a: Float32Array.from(a),
  b: Float32Array.from(b),
  rank,
  scale,
}
const [control] = randomAdapter({ modules: [module], seed: 1 })
const make = (given: AdapterModule, dose = 1) => [
  ...randomAdapter({ modules: [given], seed: 1, dose }),
]

/** Singular values of scale * B A, from the whole matrix and not through the factors. */
function wholeSpectrum(given: AdapterModule): number[] {
  const inputs = given.a.length / given.rank
  const outputs = given.b.length / given.rank
  const change = new Float64Array(outputs * inputs)
  for (let row = 0; row < outputs; row++)
    for (let r = 0; r < given.rank; r++)
      for (let column = 0; column < inputs; column++)
        change[row * inputs + column] =
          (change[row * inputs + column] as number) +
          given.scale *
            (given.b[row * given.rank + r] as number) *
            (given.a[r * inputs + column] as number)
  return semidefiniteEigenpairs(gramOfRows(change, outputs, inputs), outputs).map(({ value }) =>
    Math.sqrt(value),
  )
}

test('the singular values are those of numpy, and the control has them too', () => {
  if (control === undefined) throw new Error('no module')
  const spectrum = wholeSpectrum(control)
  for (const [i, value] of singularValues.entries()) {
    expect((control.singularValues[i] as number) / value).toBeCloseTo(1, 5)
    expect(Math.abs((spectrum[i] as number) - value)).toBeLessThan(
      1e-6 * (singularValues[0] as number),
    )
  }
  expect(control).toMatchObject({ name: module.name, rank, scale })
  expect([control.a.length, control.b.length]).toEqual([rank * nIn, nOut * rank])
})

test('the dose multiplies the spectrum; 0 gives zeros', () => {
  const spectrum = wholeSpectrum(make(module, 3)[0] as AdapterModule)
  expect((spectrum[0] as number) / (singularValues[0] as number)).toBeCloseTo(3, 5)
  const none = make(module, 0)[0]
  expect(none?.b.every((value) => value === 0)).toBe(true)
})

test('a seed repeats its adapter; other seeds and other modules get other directions', () => {
  expect(make(module)[0]).toEqual(control)
  const [other] = randomAdapter({ modules: [module], seed: 2 })
  expect(other?.a).not.toEqual(control?.a)
  expect(make({ ...module, name: 'layers.4.mlp.down_proj' })[0]?.a).not.toEqual(control?.a)
})

test('an untrained module stays untrained, and one narrower than its rank works', () => {
  const untrained = make({ ...module, b: new Float32Array(nOut * rank) })[0]
  expect(untrained?.singularValues).toEqual(new Float64Array(rank))
  expect(untrained?.b.every((value) => value === 0)).toBe(true)
  const narrow = { ...module, b: Float32Array.of(1, 2, 3, 4, 0, 1, 0, 2) }
  const made = make(narrow)[0]
  expect(made?.singularValues.filter((value) => value > 1e-6)).toHaveLength(2)
  const spectrum = wholeSpectrum(made as AdapterModule)
  for (const [i, value] of wholeSpectrum(narrow).entries())
    expect((spectrum[i] as number) / value).toBeCloseTo(1, 5)
})

test('random singular vectors are orthonormal and differ between the sides', () => {
  // With singular values 1 and scale 1 the rows of A are the right vectors.
  const identity = (n: number) =>
    Float32Array.from({ length: n * n }, (_, i) => (i % (n + 1) === 0 ? 1 : 0))
  const [made] = make({ name: 'm', a: identity(5), b: identity(5), rank: 5, scale: 1 })
  const gram = gramOfRows(Float64Array.from(made?.a ?? []), 5, 5)
  for (const [i, value] of gram.entries()) expect(value).toBeCloseTo(i % 6 === 0 ? 1 : 0, 6)
  expect(made?.a).not.toEqual(made?.b)
})

test('shapes that do not fit, bad scales and numbers that are not finite are errors', () => {
  expect(() => make({ ...module, rank: 5 })).toThrow('rank 5, A of 36 and B of 28')
  expect(() => make({ ...module, rank: 0 })).toThrow('rank 0')
  expect(() => make({ ...module, scale: 0 })).toThrow('scale of layers.3.mlp.down_proj is 0')
  expect(() => make(module, -1)).toThrow('dose is -1')
  expect(() => [...randomAdapter({ modules: [module, module], seed: 1 })]).toThrow('Two modules')
  const bad = module.a.slice()
  bad[3] = Number.NaN
  expect(() => make({ ...module, a: bad })).toThrow('A of module layers.3.mlp.down_proj')
})

import { expect, test } from 'vitest'
import { golden } from '../../golden/golden.ts'
import { principalComponents } from './principal-components.ts'

test('components, variances and scores agree with numpy', async () => {
  const expected = golden.components
  const result = await principalComponents(expected.vectors.map((row) => Float64Array.from(row)))
  expect(result).toMatchObject({ rank: 5, nVectors: 6 })
  for (const [i, component] of result.components.entries()) {
    expect(component.explainedVariance).toBeCloseTo(expected.explainedVariance[i] as number, 9)
    expect(component.explainedVarianceRatio).toBeCloseTo(
      expected.explainedVarianceRatio[i] as number,
      9,
    )
    for (const [j, value] of (expected.components[i] ?? []).entries())
      expect(component.vector[j]).toBeCloseTo(value, 7)
    for (const [j, value] of (expected.scores[i] ?? []).entries())
      expect(component.scores[j]).toBeCloseTo(value, 7)
  }
})

test('vectors on a line have one component, with a fixed sign, whatever their scale', async () => {
  for (const scale of [1e-20, 1, 1e15]) {
    const vectors = [1, 2, 6].map((t) => Float64Array.of(-3 * t * scale, 4 * t * scale))
    const { components, rank, totalVariance } = await principalComponents(vectors)
    expect(rank).toBe(1)
    expect(components[0]?.vector[0]).toBeCloseTo(-0.6, 9)
    expect(components[0]?.vector[1]).toBeCloseTo(0.8, 9)
    // t has mean 3 and variance (4 + 1 + 9) / 2 = 7; lengths are 5 t.
    expect(totalVariance / scale ** 2).toBeCloseTo(175, 6)
    expect(Array.from(components[0]?.scores ?? [], (s) => Math.round(s / scale))).toEqual([
      -10, -5, 15,
    ])
  }
})

test('fewer components can be asked for; the shares stay shares of everything', async () => {
  const vectors = golden.components.vectors.map((row) => Float32Array.from(row))
  const { components, rank } = await principalComponents(vectors, { nComponents: 2 })
  expect(components).toHaveLength(2)
  expect(rank).toBe(5)
  const share = components.reduce((sum, c) => sum + c.explainedVarianceRatio, 0)
  const [first = 0, second = 0] = golden.components.explainedVarianceRatio
  expect(share).toBeCloseTo(first + second, 5)
})

test('equal vectors, too few, too many, other shapes and NaN are refused', async () => {
  const one = Float32Array.of(1, 2)
  await expect(principalComponents([one, one])).rejects.toThrow('All 2 vectors are equal')
  await expect(principalComponents([])).rejects.toThrow('there are 0')
  await expect(principalComponents([one])).rejects.toThrow('there are 1')
  await expect(principalComponents(Array.from({ length: 513 }, () => one))).rejects.toThrow(
    'there are 513',
  )
  await expect(principalComponents([one, Float32Array.of(1)])).rejects.toThrow(
    'vector 1 has shape [1]',
  )
  await expect(principalComponents([one, Float32Array.of(1, Number.NaN)])).rejects.toThrow(
    'vector 1 holds NaN',
  )
  await expect(principalComponents([one, one], { nComponents: 0 })).rejects.toThrow(
    'nComponents is 0',
  )
})

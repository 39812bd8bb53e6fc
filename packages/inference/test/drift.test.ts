import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { quantile, relativeError, tokenDivergence } from '../src/drift/divergence.ts'
import { loadModel, type Model, measureDrift, openModel, withPrecision } from '../src/index.ts'
import { fixtures, layerRequests, modelNamed, temporaryFolder } from './golden.ts'

vi.setConfig({ testTimeout: 180_000, hookTimeout: 180_000 })

describe('divergence of two distributions', () => {
  test('is the sum of p log(p / q) over tokens, in nats', () => {
    // p = (1/2, 1/4, 1/4), q = (1/4, 1/2, 1/4): 1/2 log 2 - 1/4 log 2 = 0.25 log 2.
    const p = Float32Array.of(Math.log(2), 0, 0)
    const q = Float32Array.of(5, 5 + Math.log(2), 5)
    const { kl, hasSameTop } = tokenDivergence(p, q)
    expect(kl).toBeCloseTo(0.25 * Math.log(2), 6)
    expect(hasSameTop).toBe(false)
  })

  test('is nothing for the same distribution, and finite where tokens are all but impossible', () => {
    const logits = Float32Array.of(3, -1, 0.5)
    const shifted = logits.map((x) => x + 4)
    const same = tokenDivergence(logits, shifted)
    expect(same.hasSameTop).toBe(true)
    expect(same.kl).toBeLessThan(1e-14)
    const { kl } = tokenDivergence(Float32Array.of(0, -2000), Float32Array.of(-100, 0))
    expect(kl).toBeCloseTo(100, 4)
  })

  test('errors are lengths over lengths, and quantiles are values that occur', () => {
    expect(relativeError(Float32Array.of(3, 4), Float32Array.of(3, 3))).toBeCloseTo(0.2, 12)
    expect(relativeError(Float32Array.of(0, 0), Float32Array.of(0, 0))).toBe(0)
    expect(relativeError(Float32Array.of(0, 0), Float32Array.of(0, 1))).toBe(
      Number.POSITIVE_INFINITY,
    )
    const hundred = Array.from({ length: 100 }, (_, i) => 100 - i)
    expect([0.95, 1, 0].map((share) => quantile(hundred, share))).toEqual([95, 100, 1])
    expect(quantile([], 0.5)).toBeNaN()
  })
})

describe('drift of a model', () => {
  const golden = modelNamed('gqa-6-2-tied')
  const options = { base: join(fixtures, golden.folder), baseAliases: [golden.repository] }
  let cache: string
  let reference: Model
  let model: Model
  beforeAll(async () => {
    cache = await temporaryFolder()
    reference = await loadModel({ ...options, cache })
    model = await openModel(withPrecision(reference.composition, 'int8'), { cache })
  })
  afterAll(async () => {
    await reference[Symbol.asyncDispose]()
    await model[Symbol.asyncDispose]()
    await rm(cache, { recursive: true, force: true })
  })

  test('is what the logits and states of the two say, worked out apart', async () => {
    const tokenIds = [5, 9, 33, 77, 120]
    const report = await measureDrift({ reference, model, sequences: [{ id: 's', tokenIds }] })
    const { vocabSize, dModel, nLayers } = model.architecture
    const all = { start: 0, end: 5 }
    const read = async (from: Model) => {
      const sequence = { id: 's', tokenIds, logits: all, states: all }
      for await (const scored of from.score({ sequences: [sequence] })) return scored
      throw new Error('nothing was scored')
    }
    const [a, b] = [await read(reference), await read(model)]
    const softmax = (logits: Float32Array) => {
      const weights = Array.from(logits, Math.exp)
      const total = weights.reduce((x, y) => x + y)
      return weights.map((weight) => weight / total)
    }
    const kls = tokenIds.map((_, i) => {
      const [p, q] = [a, b].map(({ logits }) =>
        softmax((logits as Float32Array).subarray(i * vocabSize, (i + 1) * vocabSize)),
      ) as [number[], number[]]
      return p.reduce((sum, x, j) => sum + x * Math.log(x / (q[j] as number)), 0)
    })
    expect(report.nPositions).toBe(5)
    expect(report.kl.mean).toBeCloseTo(kls.reduce((x, y) => x + y) / 5, 8)
    expect(report.kl.max).toBeCloseTo(Math.max(...kls), 8)
    expect(report.kl.mean).toBeGreaterThan(1e-6)
    const last = (nLayers - 1) * dModel
    const errors = tokenIds.map((_, i) => {
      const start = i * nLayers * dModel + last
      const norm = (x: number[]) => Math.hypot(...x)
      const [x, y] = [a, b].map(({ states }) =>
        Array.from((states as Float32Array).subarray(start, start + dModel)),
      ) as [number[], number[]]
      return norm(x.map((value, j) => value - (y[j] as number))) / norm(x)
    })
    expect(report.layers.map(({ layer }) => layer)).toEqual([0, 1, 2])
    expect(report.layers[2]?.maxError).toBeCloseTo(Math.max(...errors), 8)
  })

  test('is measured on fixed texts, adapters and all, and is nothing between equals', async () => {
    const layers = layerRequests(golden, [{ adapter: 'plain', mode: 'stacked' }])
    await reference.switchTo(layers)
    await model.switchTo(layers)
    const report = await measureDrift({ reference, model })
    expect(report).toMatchObject({ precision: 'int8', nSequences: 8, nPositions: 8 * 48 })
    expect(report.composition).toBe((await model.composition.record()).sha256)
    expect(report.kl.p95).toBeGreaterThanOrEqual(report.kl.mean)
    expect(report.sameTopShare).toBeGreaterThan(0.5)
    const none = await measureDrift({ reference, model: reference })
    expect([none.kl.max, none.sameTopShare, none.layers[2]?.maxError]).toEqual([0, 1, 0])
  })

  test('is refused between models that differ in more than precision, and without tokens', async () => {
    await reference.switchTo([])
    await model.switchTo(layerRequests(golden, [{ adapter: 'plain', mode: 'stacked' }]))
    await expect(measureDrift({ reference, model })).rejects.toMatchObject({
      code: 'composition-invalid',
    })
    await model.switchTo([])
    await expect(measureDrift({ reference: model, model })).rejects.toMatchObject({
      code: 'composition-invalid',
    })
    await expect(measureDrift({ reference, model, sequences: [] })).rejects.toMatchObject({
      code: 'invalid-request',
    })
    await expect(
      measureDrift({ reference, model, sequences: [{ id: 'x', tokenIds: [] }] }),
    ).rejects.toMatchObject({ code: 'invalid-request' })
  })
})

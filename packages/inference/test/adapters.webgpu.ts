import { rm } from 'node:fs/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Model } from '../src/index.ts'
import { forwardDrifts } from './forward-drifts.ts'
import { layerRequests, modelNamed, readGolden, temporaryFolder } from './golden.ts'
import { loadOnWebgpu } from './load-on-webgpu.ts'

/** As on the CPU. */
const tolerance = 2e-4

let cache: string
beforeAll(async () => {
  cache = await temporaryFolder()
})
afterAll(() => rm(cache, { recursive: true, force: true }))

describe('adapters on WebGPU against PEFT', () => {
  const golden = modelNamed('gqa-6-2-tied')
  let model: Model
  beforeAll(async () => {
    model = await loadOnWebgpu(golden, cache)
  })
  afterAll(() => model[Symbol.asyncDispose]())

  const cases = [
    ...golden.adapters.map((adapter) => ({
      name: `the adapter ${adapter.name}`,
      layers: [{ adapter: adapter.name, mode: 'stacked' as const }],
      file: adapter.golden,
    })),
    // Before the merged ones, which load other weights.
    { name: 'the base again, every layer off', layers: [], file: golden.golden },
    ...golden.compositions.map(({ name, layers, golden: file }) => ({ name, layers, file })),
  ]
  test.each(cases)('$name', async ({ layers, file }) => {
    await model.switchTo(layerRequests(golden, layers))
    const drifts = await forwardDrifts(model, golden, await readGolden(golden, file))
    expect(drifts.length).toBeGreaterThan(golden.nLayers + 1)
    expect(drifts.filter(({ value }) => !(value <= tolerance))).toEqual([])
  })
})

test('attention with a cap, which the operator of WebGPU leaves out, is computed from plain operators', async () => {
  await using model = await loadOnWebgpu(modelNamed('gemma2'), cache)
  expect(model.placement?.plainAttentionLayers).toEqual([0, 1, 2])
})

import { rm } from 'node:fs/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Model } from '../src/index.ts'
import { forwardDrifts } from './forward-drifts.ts'
import {
  drift,
  type GoldenModel,
  manifest,
  modelNamed,
  readGolden,
  temporaryFolder,
} from './golden.ts'
import { loadOnWebgpu } from './load-on-webgpu.ts'

/** As on the CPU. */
const tolerance = 2e-4

let cache: string
beforeAll(async () => {
  cache = await temporaryFolder()
})
afterAll(() => rm(cache, { recursive: true, force: true }))

// Every family; of the Qwen2 models, which differ in what loads them, one with shards. A gate on a software device, where each takes half
// a minute, asks for the first of every `model_type` (configs/webgpu/test-webgpu.mjs).
const all = [...manifest.families, modelNamed('gqa-4-1-untied')]
const familyOf = ({ family = 'qwen2' }: GoldenModel) => family
const models =
  process.env['CEM_WEBGPU_MODELS'] === 'one-per-family'
    ? all.filter((one, i) => all.findIndex((other) => familyOf(other) === familyOf(one)) === i)
    : all
describe.each(models)('$name on WebGPU against Transformers and PEFT', (golden) => {
  let model: Model
  beforeAll(async () => {
    model = await loadOnWebgpu(golden, cache)
  })
  afterAll(() => model[Symbol.asyncDispose]())

  test('gives the same logits, hidden states of every layer, and log-probabilities', async () => {
    const drifts = await forwardDrifts(model, golden, await readGolden(golden, golden.golden))
    expect(drifts.length).toBeGreaterThan(golden.nLayers + 1)
    expect(drifts.filter(({ value }) => !(value <= tolerance))).toEqual([])
  })

  test('continues every prompt greedily with the same tokens, whose mean states are the same', async () => {
    const prompts = await readGolden(golden, golden.golden)
    const completions = model.generate({
      prompts: prompts.map(({ name, ids }) => ({ id: name, tokenIds: ids })),
      temperature: 0,
      maxNewTokens: golden.greedyLength ?? manifest.greedyLength,
      stopTokenIds: [],
      seed: 0,
      capture: {},
    })
    const found = new Map<string, readonly number[]>()
    for await (const { promptId, tokenIds, activations } of completions) {
      found.set(promptId, tokenIds)
      const expected = prompts.find((prompt) => prompt.name === promptId)?.greedyMeans ?? []
      expect(drift(activations?.content ?? [], expected)).toBeLessThanOrEqual(tolerance)
    }
    expect(Object.fromEntries(found)).toEqual(
      Object.fromEntries(prompts.map(({ name, greedyIds }) => [name, greedyIds])),
    )
  })

  test('computes nothing on the CPU but the noise of sampling, sizes and token ids', () => {
    expect(model.device.provider).toBe('webgpu')
    expect(model.placement?.nNodes['WebGpuExecutionProvider']).toBeGreaterThan(50)
    expect(model.placement?.onCpu.filter(({ reason }) => reason === 'fallback')).toEqual([])
  })
})

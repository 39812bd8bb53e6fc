import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { loadModel, type Model } from '../src/index.ts'
import { forwardDrifts } from './forward-drifts.ts'
import {
  drift,
  fixtures,
  type GoldenModel,
  manifest,
  modelNamed,
  readGolden,
  temporaryFolder,
} from './golden.ts'

/** As on the CPU. */
const tolerance = 2e-4

let cache: string
beforeAll(async () => {
  cache = await temporaryFolder()
})
afterAll(() => rm(cache, { recursive: true, force: true }))

function loadOnWebgpu(golden: GoldenModel): Promise<Model> {
  const base = join(fixtures, golden.folder)
  return loadModel({ base, baseAliases: [golden.repository], cache, provider: 'webgpu' })
}

// Every family; of the Qwen2 models, which differ in what loads them, one with shards.
const models = [...manifest.families, modelNamed('gqa-4-1-untied')]
describe.each(models)('$name on WebGPU against Transformers and PEFT', (golden) => {
  let model: Model
  beforeAll(async () => {
    model = await loadOnWebgpu(golden)
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

import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { loadModel, type Model } from '../src/index.ts'
import { forwardDrifts } from './forward-drifts.ts'
import {
  drift,
  fixtures,
  type GoldenPrompt,
  layerRequests,
  manifest,
  readGolden,
  temporaryFolder,
} from './golden.ts'

vi.setConfig({ testTimeout: 60_000 })

/** Largest difference, as a share of the largest value of the layer: the parity that the engine promises on CPU in f32. */
const tolerance = 2e-4

let cache: string
beforeAll(async () => {
  cache = await temporaryFolder()
})
afterAll(() => rm(cache, { recursive: true, force: true }))

const models = [...manifest.models, ...manifest.families]
describe.each(models)('$name against Transformers and PEFT', (golden) => {
  const maxNewTokens = golden.greedyLength ?? manifest.greedyLength
  let model: Model
  beforeAll(async () => {
    model = await loadModel({
      base: join(fixtures, golden.folder),
      baseAliases: [golden.repository],
      cache,
    })
  })
  afterAll(() => model[Symbol.asyncDispose]())

  const cases = [
    { name: 'the base', layers: [], file: golden.golden },
    ...golden.adapters.map((a) => ({
      name: `the adapter ${a.name}`,
      layers: [{ adapter: a.name, mode: 'stacked' as const }],
      file: a.golden,
    })),
    ...golden.compositions.map((c) => ({ name: c.name, layers: c.layers, file: c.golden })),
    { name: 'the base again, every layer off', layers: [], file: golden.golden },
  ]

  describe.each(cases)('$name', ({ layers, file }) => {
    let prompts: GoldenPrompt[]
    beforeAll(async () => {
      prompts = await readGolden(golden, file)
      await model.switchTo(layerRequests(golden, layers))
    })

    test('gives the same logits, hidden states of every layer, and log-probabilities', async () => {
      const drifts = await forwardDrifts(model, golden, prompts)
      expect(drifts.length).toBeGreaterThan(golden.nLayers + 1)
      expect(drifts.filter(({ value }) => !(value <= tolerance))).toEqual([])
    })

    test('continues every prompt greedily with the same tokens', async () => {
      const found = new Map<string, readonly number[]>()
      const request = {
        prompts: prompts.map(({ name, ids }) => ({ id: name, tokenIds: ids })),
        temperature: 0,
        maxNewTokens,
        stopTokenIds: [],
        seed: 0,
      }
      for await (const completion of model.generate(request))
        found.set(completion.promptId, completion.tokenIds)
      expect(Object.fromEntries(found)).toEqual(
        Object.fromEntries(prompts.map(({ name, greedyIds }) => [name, greedyIds])),
      )
    })
  })

  test('the mean states gathered while generating are those of the tokens that were fed', async () => {
    await model.switchTo([])
    const prompts = await readGolden(golden, golden.golden)
    const request = {
      prompts: prompts.map(({ name, ids }) => ({ id: name, tokenIds: ids })),
      temperature: 0,
      maxNewTokens,
      stopTokenIds: [],
      seed: 0,
      capture: {},
    }
    let n = 0
    for await (const { promptId, activations } of model.generate(request)) {
      const expected = prompts.find((p) => p.name === promptId)?.greedyMeans
      expect(drift(activations?.content ?? [], expected ?? [])).toBeLessThanOrEqual(tolerance)
      n += 1
    }
    expect(n).toBe(prompts.length)
  })
})

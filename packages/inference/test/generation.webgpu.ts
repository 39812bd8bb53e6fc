import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Completion, type GenerateOptions, loadModel, type Model } from '../src/index.ts'
import { drift, fixtures, layerRequests, modelNamed, temporaryFolder } from './golden.ts'

const golden = modelNamed('gqa-6-2-tied')
let cache: string
let onCpu: Model
let onWebgpu: Model
beforeAll(async () => {
  cache = await temporaryFolder()
  const options = {
    base: join(fixtures, golden.folder),
    baseAliases: [golden.repository],
    layers: layerRequests(golden, [{ adapter: 'plain', mode: 'stacked' }]),
    cache,
  }
  onCpu = await loadModel({ ...options, provider: 'cpu' })
  onWebgpu = await loadModel({ ...options, provider: 'webgpu' })
})
afterAll(async () => {
  await onCpu[Symbol.asyncDispose]()
  await onWebgpu[Symbol.asyncDispose]()
  await rm(cache, { recursive: true, force: true })
})

const prompts = [
  { id: 'a', tokenIds: [5, 9, 33], samples: 5 },
  // Longer than what one run of the attention operator takes on some devices.
  { id: 'b', tokenIds: Array.from({ length: 50 }, (_, i) => (i * 37) % 300), samples: 3 },
  { id: 'c', tokenIds: [42], samples: 2 },
]

async function collect(model: Model, options: Omit<GenerateOptions, 'prompts'>) {
  const found = new Map<string, Completion>()
  for await (const completion of model.generate({ prompts, ...options }))
    found.set(`${completion.promptId}:${completion.sample}`, completion)
  return found
}

describe('a batch on WebGPU whose slots are refilled and which then shrinks', () => {
  test('draws the samples that the CPU draws, with the same means and log-probabilities', async () => {
    const options = {
      seed: 3,
      maxNewTokens: 10,
      // Some answers stop early, so that slots become free at different times.
      stopTokenIds: [3, 17, 40, 90, 120, 200, 250, 300],
      capture: { layers: [0, 2], spans: ['content', 'turn'] as const },
      logprobs: true,
      batchSize: 4,
    }
    const expected = await collect(onCpu, options)
    const found = await collect(onWebgpu, options)
    expect(found.size).toBe(10)
    const outline = (completions: Map<string, Completion>) =>
      Object.fromEntries(
        Array.from(completions, ([key, c]) => [key, [c.finishReason, ...c.tokenIds]]),
      )
    expect(outline(found)).toEqual(outline(expected))
    for (const [key, { tokenIds, logprobs, activations }] of found) {
      const other = expected.get(key)
      expect(drift(logprobs ?? [], other?.logprobs ?? [])).toBeLessThan(1e-4)
      for (const span of ['content', 'turn'] as const) {
        const means = activations?.[span] ?? []
        if (tokenIds.length === 0) expect(means.every(Number.isNaN)).toBe(true)
        else expect(drift(means, other?.activations?.[span] ?? [])).toBeLessThan(1e-4)
      }
    }
  })
})

test('sequences that are scored in pieces on WebGPU give what the CPU gives in one run', async () => {
  const sequences = [
    {
      id: 'long',
      tokenIds: Array.from({ length: 90 }, (_, i) => (i * 37) % 300),
      spans: { middle: { start: 10, end: 80 } },
      logprobs: { start: 1, end: 90 },
    },
  ]
  const results = []
  for (const [model, tokenBudget] of [
    [onCpu, 512],
    [onWebgpu, 16],
  ] as const)
    for await (const scored of model.score({ sequences, tokenBudget })) results.push(scored)
  const [whole, pieces] = results
  expect(drift(pieces?.means['middle'] ?? [], whole?.means['middle'] ?? [])).toBeLessThan(1e-4)
  expect(drift(pieces?.logprobs ?? [], whole?.logprobs ?? [])).toBeLessThan(1e-4)
})

test('an abort stops WebGPU within a step, and the next request runs', async () => {
  const stop = new AbortController()
  const running = (async () => {
    const options = { prompts, seed: 0, maxNewTokens: 100, stopTokenIds: [], signal: stop.signal }
    for await (const _ of onWebgpu.generate({
      ...options,
      onProgress: ({ nTokens }) => {
        if (nTokens > 3) stop.abort(new Error('enough'))
      },
    }));
  })()
  await expect(running).rejects.toThrow('enough')
  const after = await collect(onWebgpu, { seed: 3, maxNewTokens: 1, stopTokenIds: [] })
  expect(after.size).toBe(10)
})

test('rows of one batch on WebGPU run under different adapters as on the CPU', async () => {
  const base = { base: join(fixtures, golden.folder), baseAliases: [golden.repository], cache }
  const found: string[][] = []
  for (const provider of ['cpu', 'webgpu'] as const) {
    await using model = await loadModel({ ...base, lanes: true, provider })
    await model.addLane('em', layerRequests(golden, [{ adapter: 'plain', mode: 'stacked' }]))
    const tokenIds = [5, 9, 33]
    const rows: string[] = []
    for await (const { lane, tokenIds: sampled } of model.generate({
      prompts: [
        { id: 'q', tokenIds },
        { id: 'q', tokenIds, lane: 'em' },
      ],
      seed: 4,
      maxNewTokens: 6,
      stopTokenIds: [],
    }))
      rows.push(`${lane ?? 'the base'}: ${sampled.join(' ')}`)
    found.push(rows.toSorted())
  }
  expect(found[0]).toHaveLength(2)
  expect(found[1]).toEqual(found[0])
})

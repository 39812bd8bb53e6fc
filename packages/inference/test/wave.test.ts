import { join } from 'node:path'
import { randomKey } from '@cem/core'
import { describe, expect, test, vi } from 'vitest'
import type { GeneratedItem, GenerationSpec, ScoredItem } from '../src/engine/messages.ts'
import { score } from '../src/engine/score.ts'
import { generateInWaves } from '../src/engine/wave/generate-in-waves.ts'
import { waveRowBytes, waveRows } from '../src/engine/wave/wave-memory.ts'
import { WaveSession } from '../src/engine/wave/wave-session.ts'
import { loadModel } from '../src/index.ts'
import { resolveInterventions } from '../src/interventions/resolve-interventions.ts'
import { openModelFolder } from '../src/model/model-folder.ts'
import { drift, fixtures, manifest, modelNamed, readGolden } from './golden.ts'
import { golden as interventionGolden, readNumbers } from './intervention-golden.ts'

// The wave is CUDA's way, but its graph is no other: here the CPU runs it in 32-bit floats, with the flat graph's noise.

vi.setConfig({ testTimeout: 60_000 })

const tolerance = 2e-4
const options = { compute: 'float32', noise: 'xor', segment: 6, unroll: 3 } as const

async function openWave(name: string) {
  const { architecture, weights } = await openModelFolder(join(fixtures, modelNamed(name).folder))
  const spec = {
    architecture,
    weights,
    nTokens: architecture.vocabSize,
    threads: 2,
    hasLanes: false,
  }
  return WaveSession.open({ ...spec, provider: 'cpu' }, options)
}

function hooks<T>(items: T[]) {
  return {
    onItem: async (item: T) => {
      items.push(item)
    },
    onProgress: () => undefined,
    signal: new AbortController().signal,
  }
}

const request = {
  lanes: null,
  interventions: null,
  truncation: null,
  nTopLogprobs: 0,
  temperature: 0,
  stopTokenIds: [],
  batchSize: 3,
  wantsLogprobs: true,
} as const

describe.each([
  'gqa-6-2-tied',
  'gemma2',
  'gemma3',
  'qwen3',
  'llama-linear-biases',
  'mistral-window',
])('a wave of %s against Transformers', (name) => {
  const golden = modelNamed(name)

  test('continues prompts of different lengths greedily with the same tokens and mean states', async () => {
    await using wave = await openWave(name)
    const prompts = await readGolden(golden, golden.golden)
    const items: GeneratedItem[] = []
    const spec: GenerationSpec = {
      ...request,
      prompts: prompts.map(({ ids }) => Int32Array.from(ids)),
      items: prompts.map((_, promptIndex) => ({ promptIndex, noise: { low: 1, high: 2 } })),
      maxNewTokens: golden.greedyLength ?? manifest.greedyLength,
      capture: {
        layers: Array.from({ length: golden.nLayers }, (_, i) => i),
        closingTokenIds: [],
        wantsTurn: false,
        isBefore: false,
      },
    }
    await generateInWaves(wave, spec, hooks(items))
    expect(items.map((item) => Array.from(item.tokenIds))).toEqual(
      prompts.map(({ greedyIds }) => greedyIds),
    )
    for (const [i, { greedyMeans }] of prompts.entries())
      expect(drift(items[i]?.content ?? [], greedyMeans ?? [])).toBeLessThanOrEqual(tolerance)
  })

  test('scores given texts with the same states and log-probabilities', async () => {
    await using wave = await openWave(name)
    const prompts = (await readGolden(golden, golden.golden)).filter((p) => p.ids.length > 1)
    const scored: ScoredItem[] = []
    const items = prompts.map(({ ids }) => ({
      tokenIds: Int32Array.from(ids),
      spans: [],
      logprobs: { start: 1, end: ids.length },
      nTopLogprobs: 0,
      generated: null,
      logits: null,
      states: { start: 0, end: ids.length },
    }))
    const layers = Array.from({ length: golden.nLayers }, (_, i) => i)
    const none = { lanes: null, interventions: null, isBefore: false }
    await score(wave, { ...none, items, layers, tokenBudget: 16 }, hooks(scored))
    expect(scored).toHaveLength(prompts.length)
    for (const { index, logprobs, states } of scored) {
      const expected = prompts[index]
      expect(drift(logprobs ?? [], expected?.tokenLogprobs ?? [])).toBeLessThanOrEqual(tolerance)
      const { dModel } = wave.architecture
      for (const [layer, values] of expected?.layers.entries() ?? [])
        expect(drift(rowsOf(states, expected?.positions ?? [], layer), values)).toBeLessThanOrEqual(
          tolerance,
        )
      function rowsOf(all: Float32Array | null, positions: readonly number[], layer: number) {
        return positions.flatMap((position) => {
          const at = (position * golden.nLayers + layer) * dModel
          return Array.from(all?.subarray(at, at + dModel) ?? [])
        })
      }
    }
  })
})

test('rows that end in the middle leave the wave; answers, means and log-probabilities are those of the flat graph', async () => {
  const folder = join(fixtures, modelNamed('gqa-6-2-tied').folder)
  await using flat = await loadModel({ base: folder, provider: 'cpu' })
  await using wave = await openWave('gqa-6-2-tied')
  const ids = [[5, 6, 7, 8, 9, 10], [11, 12], [3], [20, 21, 22, 23, 24, 25, 26, 27, 28]]
  const stopTokenIds = [7, 9, 30, 31, 32, 33, 34, 35, 36, 37]
  const closingTokenIds = flat.tokenizer.closingTokenIds()
  const prompts = ids.map((tokenIds, i) => ({ id: `p${i}`, tokenIds, samples: 3 }))
  const expected = new Map<number, { tokenIds: readonly number[]; finishReason: string }>()
  const means = new Map<number, (Float32Array | null | undefined)[]>()
  for await (const answer of flat.generate({
    prompts,
    seed: 1,
    maxNewTokens: 20,
    stopTokenIds,
    logprobs: true,
    capture: { layers: [0, 1], spans: ['content', 'turn'] },
  })) {
    const at = Number(answer.promptId.slice(1)) * 3 + answer.sample
    const { tokenIds, finishReason, activations, logprobs } = answer
    expected.set(at, { tokenIds, finishReason })
    means.set(at, [activations?.content, activations?.turn, logprobs])
  }
  const found: GeneratedItem[] = []
  const spec: GenerationSpec = {
    prompts: ids.map((tokenIds) => Int32Array.from(tokenIds)),
    items: ids.flatMap((_, promptIndex) =>
      [0, 1, 2].map((sample) => ({
        promptIndex,
        noise: randomKey('sample', 1, 0, `p${promptIndex}`, 0, sample),
      })),
    ),
    ...request,
    temperature: 1,
    maxNewTokens: 20,
    stopTokenIds,
    batchSize: 12,
    capture: { layers: [0, 1], closingTokenIds, wantsTurn: true, isBefore: false },
  }
  await generateInWaves(wave, spec, hooks(found))
  expect(found).toHaveLength(12)
  const lengths = new Set<number>()
  for (const { index, tokenIds, finishReason, content, turn, logprobs } of found) {
    expect({ tokenIds: Array.from(tokenIds), finishReason }).toEqual(expected.get(index))
    lengths.add(tokenIds.length)
    const [meanContent, meanTurn, meanLogprobs] = means.get(index) ?? []
    expect(drift(logprobs ?? [], meanLogprobs ?? [])).toBeLessThan(1e-5)
    if (tokenIds.length === 0) {
      expect(content).toBeNull()
      continue
    }
    expect(drift(content ?? [], meanContent ?? [])).toBeLessThan(1e-5)
    expect(drift(turn ?? [], meanTurn ?? [])).toBeLessThan(1e-5)
  }
  // Empty answers, full ones, and such that end in other segments.
  expect(lengths.has(0)).toBe(true)
  expect(lengths.has(20)).toBe(true)
  expect(lengths.size).toBeGreaterThan(4)
})

describe.each(interventionGolden.models)('a wave of $name with interventions', (entry) => {
  const wanted = Array.from({ length: modelNamed(entry.name).nLayers }, (_, i) => i)

  test('continues as hooks in PyTorch do, each prompt with its own interventions, and one without', async () => {
    const numbers = await readNumbers(entry)
    await using wave = await openWave(entry.name)
    const prompt = Int32Array.from(entry.prompt)
    const lists = entry.cases.map(numbers.interventionsOf)
    for (const isBefore of [false, true]) {
      const items: GeneratedItem[] = []
      const spec: GenerationSpec = {
        ...request,
        // Not all at once: a part of a wave has the interventions of its own prompts.
        batchSize: Math.ceil(entry.cases.length / 2),
        interventions: resolveInterventions([...lists, []], wave.architecture),
        prompts: [...lists.map(() => prompt), prompt],
        items: [...lists, []].map((_, promptIndex) => ({
          promptIndex,
          noise: { low: 1, high: 2 },
        })),
        maxNewTokens: interventionGolden.nTokens,
        capture: { layers: wanted, closingTokenIds: [], wantsTurn: false, isBefore },
      }
      await generateInWaves(wave, spec, hooks(items))
      const plain: GeneratedItem[] = []
      const last = {
        ...spec,
        interventions: null,
        prompts: [prompt],
        items: spec.items.slice(0, 1),
      }
      await generateInWaves(wave, last, hooks(plain))
      for (const [i, { name }] of entry.cases.entries()) {
        expect(Array.from(items[i]?.tokenIds ?? [])).toEqual(numbers.integers(`${name}.greedy_ids`))
        const means = numbers.floats(`${name}.means_${isBefore ? 'before' : 'after'}`)
        expect(drift(items[i]?.content ?? [], means)).toBeLessThanOrEqual(tolerance)
      }
      expect(items.at(-1)?.tokenIds).toEqual(plain[0]?.tokenIds)
      expect(drift(items.at(-1)?.content ?? [], plain[0]?.content ?? [])).toBeLessThan(1e-5)
    }
  })

  test('scores given texts as hooks in PyTorch do', async () => {
    const numbers = await readNumbers(entry)
    await using wave = await openWave(entry.name)
    const texts = entry.cases.map(({ name }) => [
      ...entry.prompt,
      ...numbers.integers(`${name}.greedy_ids`),
    ])
    for (const isBefore of [false, true]) {
      const scored: ScoredItem[] = []
      const items = texts.map((ids) => ({
        tokenIds: Int32Array.from(ids),
        spans: [{ start: entry.prompt.length, end: ids.length }],
        logprobs: { start: 1, end: ids.length },
        nTopLogprobs: 0,
        generated: { start: entry.prompt.length, end: ids.length },
        logits: null,
        states: null,
      }))
      const lists = entry.cases.map(numbers.interventionsOf)
      const interventions = resolveInterventions(lists, wave.architecture)
      const how = { lanes: null, interventions, isBefore, layers: wanted, tokenBudget: 64 }
      await score(wave, { ...how, items }, hooks(scored))
      for (const { index, logprobs, means } of scored) {
        const name = entry.cases[index]?.name ?? ''
        const expected = numbers.floats(`${name}.means_${isBefore ? 'before' : 'after'}`)
        expect(drift(means, expected)).toBeLessThanOrEqual(tolerance)
        expect(drift(logprobs ?? [], numbers.floats(`${name}.token_logprobs`))).toBeLessThanOrEqual(
          tolerance,
        )
      }
    }
  })
})

test('the noise of CUDA draws each token, first and second, as often as its probability says', async () => {
  const { architecture, weights } = await openModelFolder(
    join(fixtures, modelNamed('gqa-6-2-tied').folder),
  )
  const spec = { architecture, weights, nTokens: architecture.vocabSize, threads: 2 }
  await using wave = await WaveSession.open(
    { ...spec, hasLanes: false, provider: 'cpu' },
    { ...options, noise: 'square' },
  )
  const n = 10_000
  const prompt = [5, 9, 33, 77]
  const found: GeneratedItem[] = []
  await generateInWaves(
    wave,
    {
      ...request,
      temperature: 1,
      prompts: [Int32Array.from(prompt)],
      items: Array.from({ length: n }, (_, sample) => ({
        promptIndex: 0,
        noise: randomKey('sample', 3, 0, 'p', 0, sample),
      })),
      maxNewTokens: 2,
      batchSize: n,
      capture: null,
    },
    hooks(found),
  )
  const probabilitiesAfter = async (tokenIds: readonly number[]) => {
    const scored: ScoredItem[] = []
    const last = { start: tokenIds.length - 1, end: tokenIds.length }
    const none = { spans: [], logprobs: null, nTopLogprobs: 0, generated: null, states: null }
    const items = [{ ...none, tokenIds: Int32Array.from(tokenIds), logits: last }]
    const how = { lanes: null, interventions: null, isBefore: false, layers: [], tokenBudget: 64 }
    await score(wave, { ...how, items }, hooks(scored))
    const powers = Array.from(scored[0]?.logits ?? [], Math.exp)
    const total = powers.reduce((a, b) => a + b, 0)
    return powers.map((power) => power / total)
  }
  const first = found.map(({ tokenIds }) => tokenIds[0] as number)
  expect(deviation(first, await probabilitiesAfter(prompt))).toBeLessThan(5)
  const commonest = mode(first)
  const second = found
    .filter(({ tokenIds }) => tokenIds[0] === commonest)
    .map(({ tokenIds }) => tokenIds[1] as number)
  expect(deviation(second, await probabilitiesAfter([...prompt, commonest]))).toBeLessThan(5)
})

function mode(values: readonly number[]): number {
  const counts = new Map<number, number>()
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1)
  return [...counts].reduce((best, entry) => (entry[1] > best[1] ? entry : best))[0]
}

/** Pearson's statistic in standard deviations from its mean: of k bins it has mean k - 1 and variance 2 (k - 1). */
function deviation(tokens: readonly number[], probabilities: readonly number[]): number {
  const counts = new Float64Array(probabilities.length)
  for (const token of tokens) counts[token] = (counts[token] as number) + 1
  let [statistic, bins, restExpected, restCount] = [0, 0, 0, 0]
  const add = (expected: number, count: number) => {
    statistic += (count - expected) ** 2 / expected
    bins += 1
  }
  for (const [token, probability] of probabilities.entries()) {
    const expected = probability * tokens.length
    if (expected >= 5) add(expected, counts[token] as number)
    else {
      restExpected += expected
      restCount += counts[token] as number
    }
  }
  if (restExpected >= 5) add(restExpected, restCount)
  expect(bins).toBeGreaterThan(5)
  return (statistic - (bins - 1)) / Math.sqrt(2 * (bins - 1))
}

test('top_k and top_p leave the tokens that the flat graph leaves, and draw the same', async () => {
  const folder = join(fixtures, modelNamed('gqa-6-2-tied').folder)
  await using flat = await loadModel({ base: folder, provider: 'cpu' })
  await using wave = await openWave('gqa-6-2-tied')
  const ids = [
    [5, 6, 7, 8],
    [11, 12, 13],
  ]
  for (const truncation of [
    { topK: 5, topP: 1 },
    { topK: 0, topP: 0.4 },
    { topK: 40, topP: 0.7 },
  ]) {
    const expected: (readonly number[])[] = []
    const prompts = ids.map((tokenIds, i) => ({ id: `p${i}`, tokenIds, samples: 4 }))
    const { topK, topP } = truncation
    const only = { topP, ...(topK === 0 ? {} : { topK }) }
    const asked = { prompts, seed: 2, temperature: 1.2, maxNewTokens: 10, stopTokenIds: [] }
    for await (const answer of flat.generate({ ...asked, ...only }))
      expected[Number(answer.promptId.slice(1)) * 4 + answer.sample] = answer.tokenIds
    const found: GeneratedItem[] = []
    const spec: GenerationSpec = {
      ...request,
      temperature: 1.2,
      truncation,
      batchSize: 8,
      maxNewTokens: 10,
      capture: null,
      prompts: ids.map((tokenIds) => Int32Array.from(tokenIds)),
      items: ids.flatMap((_, promptIndex) =>
        [0, 1, 2, 3].map((sample) => ({
          promptIndex,
          noise: randomKey('sample', 2, 0, `p${promptIndex}`, 0, sample),
        })),
      ),
    }
    await generateInWaves(wave, spec, hooks(found))
    expect(found.map((item) => Array.from(item.tokenIds))).toEqual(expected)
  }
})

test('as many rows are planned as the device holds beside the weights', async () => {
  const { architecture } = await openModelFolder(join(fixtures, modelNamed('gqa-6-2-tied').folder))
  const row = waveRowBytes(architecture, 100)
  // 95 % of the memory less 1.13 times the weights: room for ten rows and a half.
  const total = (10.5 * row + 1.13 * 1000) / 0.95
  expect(waveRows(architecture, 1000, 100, total)).toBe(10)
  expect(waveRows(architecture, 1000, 100, 500)).toBe(1)
})

test.each([['topLogprobs', { nTopLogprobs: 1 }]])(
  '%s are refused, not left out',
  async (name, more) => {
    await using wave = await openWave('gqa-6-2-tied')
    const spec = { ...request, prompts: [], items: [], maxNewTokens: 1, capture: null, ...more }
    await expect(generateInWaves(wave, spec, hooks<GeneratedItem>([]))).rejects.toMatchObject({
      code: 'provider-unsupported',
      message: expect.stringContaining(name) as string,
    })
  },
)

import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { randomKey } from '@cem/core'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import {
  type Completion,
  type GenerateOptions,
  loadModel,
  type Model,
  noiseKeys,
  tokenNoise,
} from '../src/index.ts'
import { drift, fixtures, layerRequests, modelNamed, temporaryFolder } from './golden.ts'

vi.setConfig({ testTimeout: 60_000 })

const golden = modelNamed('gqa-6-2-tied')
let cache: string
let model: Model
beforeAll(async () => {
  cache = await temporaryFolder()
  model = await loadModel({
    base: join(fixtures, golden.folder),
    baseAliases: [golden.repository],
    layers: layerRequests(golden, [{ adapter: 'plain', mode: 'stacked' }]),
    cache,
  })
})
afterAll(async () => {
  await model[Symbol.asyncDispose]()
  await rm(cache, { recursive: true, force: true })
})

const prompts = [
  { id: 'a', tokenIds: [5, 9, 33], samples: 7 },
  { id: 'b', tokenIds: [100, 3, 7, 8, 9, 20], samples: 5 },
  { id: 'c', tokenIds: [42], samples: 3 },
]

async function collect(options: GenerateOptions, from = model): Promise<Completion[]> {
  const found: Completion[] = []
  for await (const completion of from.generate(options)) found.push(completion)
  const key = (c: Completion) =>
    `${c.promptId}:${c.paraphrase}:${String(c.sample).padStart(6, '0')}`
  return found.toSorted((a, b) => (key(a) < key(b) ? -1 : 1))
}

describe('sampling', () => {
  test('takes the token with the largest logit plus temperature times the published noise', async () => {
    const seed = 11
    const temperature = 0.8
    const [first] = await collect({
      prompts: [{ id: 'q', tokenIds: [5, 9, 33, 77], samples: [3] }],
      seed,
      temperature,
      maxNewTokens: 12,
      stopTokenIds: [],
    })
    const sampled = first?.tokenIds ?? []
    const tokenIds = [5, 9, 33, 77, ...sampled]
    const range = { start: 3, end: tokenIds.length - 1 }
    for await (const { logits } of model.score({
      sequences: [{ id: 's', tokenIds, logits: range }],
    })) {
      const { vocabSize } = model.architecture
      const key = randomKey('sample', seed, 0, 'q', 0, 3)
      const chosen = sampled.map((_, position) => {
        const keys = noiseKeys(key, position)
        const row = Array.from(
          logits?.subarray(position * vocabSize, (position + 1) * vocabSize) ?? [],
        )
        const noisy = row.map((logit, token) => logit + temperature * tokenNoise(keys, token))
        return noisy.indexOf(Math.max(...noisy))
      })
      expect(sampled).toEqual(chosen)
    }
    expect(sampled.length).toBe(12)
  })

  test('draws the first token from the softmax of the logits', async () => {
    const tokenIds = [5, 9, 33, 77]
    const n = 4000
    const completions = await collect({
      prompts: [{ id: 'q', tokenIds, samples: n }],
      seed: 5,
      temperature: 1,
      maxNewTokens: 1,
      stopTokenIds: [],
    })
    const counts = new Map<number, number>()
    for (const {
      tokenIds: [token],
    } of completions)
      counts.set(token as number, (counts.get(token as number) ?? 0) + 1)
    for await (const { logits } of model.score({
      sequences: [{ id: 's', tokenIds, logits: { start: 3, end: 4 } }],
    })) {
      const weights = Array.from(logits ?? [], Math.exp)
      const total = weights.reduce((a, b) => a + b)
      // Pearson's chi-squared over tokens that are expected at least 5 times, the others as one cell.
      let statistic = 0
      let cells = 0
      let rest = { expected: 0, found: 0 }
      for (const [token, weight] of weights.entries()) {
        const expected = (n * weight) / total
        const found = counts.get(token) ?? 0
        if (expected < 5) rest = { expected: rest.expected + expected, found: rest.found + found }
        else {
          statistic += (found - expected) ** 2 / expected
          cells += 1
        }
      }
      statistic += (rest.found - rest.expected) ** 2 / rest.expected
      // Normal approximation of chi-squared with `cells` degrees of freedom; 4 standard deviations.
      expect(cells).toBeGreaterThan(10)
      expect(Math.abs(statistic - cells) / Math.sqrt(2 * cells)).toBeLessThan(4)
    }
  })

  test('does not depend on the batch, on other prompts, or on which samples are drawn', async () => {
    const options = {
      seed: 3,
      maxNewTokens: 20,
      capture: { spans: ['content', 'turn'] as const },
      logprobs: true,
    }
    const all = await collect({ ...options, prompts, batchSize: 1 })
    expect(all.length).toBe(15)
    for (const batchSize of [2, 3, 8, 50])
      expect(await collect({ ...options, prompts, batchSize })).toEqual(all)
    const [alone] = await collect({
      ...options,
      prompts: [{ id: 'b', tokenIds: [100, 3, 7, 8, 9, 20], samples: [4] }],
    })
    expect(alone).toEqual(all.find((c) => c.promptId === 'b' && c.sample === 4))
  })

  test('differs between seeds, replicates, paraphrases and samples', async () => {
    const texts: string[] = []
    const prompt = { id: 'a', tokenIds: [5, 9, 33] }
    for (const [seed, replicate, paraphrase, sample] of [
      [1, 0, 0, 0],
      [2, 0, 0, 0],
      [1, 1, 0, 0],
      [1, 0, 1, 0],
      [1, 0, 0, 1],
    ] as const) {
      const [completion] = await collect({
        prompts: [{ ...prompt, paraphrase, samples: [sample] }],
        seed,
        replicate,
        maxNewTokens: 24,
        stopTokenIds: [],
      })
      texts.push(String(completion?.tokenIds))
    }
    expect(new Set(texts).size).toBe(5)
  })

  test('never gives an id that the tokenizer lacks', async () => {
    await using odd = await loadModel({ base: join(fixtures, 'odd-sizes/model'), cache })
    expect(odd.architecture.vocabSize).toBe(331)
    const completions = await collect(
      {
        prompts: [{ id: 'a', tokenIds: [1, 2], samples: 40 }],
        temperature: 50,
        seed: 1,
        maxNewTokens: 30,
        stopTokenIds: [],
      },
      odd,
    )
    const largest = Math.max(...completions.flatMap((c) => c.tokenIds))
    expect(largest).toBeLessThan(320)
    expect(largest).toBeGreaterThan(300)
  })
})

describe('captured means and log-probabilities', () => {
  test('agree with a teacher-forced pass for both spans and both finish reasons', async () => {
    const completions = await collect({
      prompts,
      seed: 9,
      maxNewTokens: 16,
      // Frequent tokens, so that some answers stop and some are empty.
      stopTokenIds: frequentTokens(
        await collect({ prompts, seed: 9, maxNewTokens: 16, stopTokenIds: [] }),
      ),
      capture: { layers: [0, 2], spans: ['content', 'turn'] },
      logprobs: true,
    })
    const reasons = completions.filter((c) => c.tokenIds.length > 0).map((c) => c.finishReason)
    expect(new Set(reasons)).toEqual(new Set(['stop', 'length']))
    const closing = model.tokenizer.closingTokenIds()
    const sequences = completions.flatMap((c, i) => {
      if (c.tokenIds.length === 0) return []
      const start = c.promptTokenIds.length
      const end = start + c.tokenIds.length
      return [
        {
          id: String(i),
          tokenIds: [...c.promptTokenIds, ...c.tokenIds, ...closing],
          spans: { content: { start, end }, turn: { start, end: end + closing.length } },
          logprobs: { start, end },
        },
      ]
    })
    let n = 0
    for await (const scored of model.score({ sequences, layers: [0, 2] })) {
      const { activations, logprobs, tokenIds } = completions[Number(scored.id)] as Completion
      expect(drift(activations?.content ?? [], scored.means['content'] ?? [])).toBeLessThan(1e-5)
      expect(drift(activations?.turn ?? [], scored.means['turn'] ?? [])).toBeLessThan(1e-5)
      expect(
        drift(Array.from(logprobs ?? []).slice(0, tokenIds.length), scored.logprobs ?? []),
      ).toBeLessThan(1e-5)
      n += 1
    }
    expect(n).toBe(sequences.length)
  })

  test("an empty answer is a row of NaN, with the stop token's log-probability kept", async () => {
    const [greedy] = await collect({
      prompts: [{ id: 'a', tokenIds: [5] }],
      seed: 0,
      temperature: 0,
      maxNewTokens: 1,
      stopTokenIds: [],
    })
    const [empty] = await collect({
      prompts: [{ id: 'a', tokenIds: [5] }],
      seed: 0,
      temperature: 0,
      maxNewTokens: 4,
      stopTokenIds: greedy?.tokenIds ?? [],
      capture: { spans: ['content', 'turn'] },
      logprobs: true,
    })
    expect(empty).toMatchObject({ tokenIds: [], text: '', finishReason: 'stop' })
    const values = [...(empty?.activations?.content ?? [0]), ...(empty?.activations?.turn ?? [0])]
    expect(values.length).toBe(2 * 3 * 96)
    expect(values.every(Number.isNaN)).toBe(true)
    expect(empty?.logprobs?.length).toBe(1)
  })

  test('long sequences that are scored in pieces give what one run gives', async () => {
    const tokenIds = Array.from({ length: 90 }, (_, i) => (i * 37) % 300)
    const sequences = [
      {
        id: 'long',
        tokenIds,
        spans: { middle: { start: 10, end: 80 } },
        logprobs: { start: 1, end: 90 },
        states: { start: 60, end: 90 },
      },
    ]
    const results = []
    for (const tokenBudget of [512, 16])
      for await (const scored of model.score({ sequences, tokenBudget })) results.push(scored)
    const [whole, pieces] = results
    expect(drift(pieces?.means['middle'] ?? [], whole?.means['middle'] ?? [])).toBeLessThan(1e-5)
    expect(drift(pieces?.logprobs ?? [], whole?.logprobs ?? [])).toBeLessThan(1e-5)
    expect(drift(pieces?.states ?? [], whole?.states ?? [])).toBeLessThan(1e-5)
  })
})

describe('requests that make no sense', () => {
  const prompt = { id: 'a', tokenIds: [1] }
  test.each<[string, Partial<GenerateOptions>, RegExp]>([
    ['a negative temperature', { temperature: -1 }, /temperature is -1/],
    ['no new tokens', { maxNewTokens: 0 }, /maxNewTokens is 0/],
    ['an empty prompt', { prompts: [{ id: 'a', tokenIds: [] }] }, /prompt 'a' has no tokens/],
    [
      'a token beyond the vocabulary',
      { prompts: [{ id: 'a', tokenIds: [320] }] },
      /holds the token 320/,
    ],
    ['a layer beyond the last', { capture: { layers: [3] } }, /layer 3 does not exist/],
    ['a batch of nothing', { batchSize: 0 }, /batchSize is 0/],
  ])('%s is an error that names it', async (_, change, words) => {
    await expect(collect({ prompts: [prompt], seed: 0, ...change })).rejects.toMatchObject({
      code: 'invalid-request',
      message: expect.stringMatching(words),
    })
  })

  test("a sequence beyond the model's length", async () => {
    const { maxPositions } = model.architecture
    await expect(
      collect({
        prompts: [prompt],
        seed: 0,
        maxNewTokens: 8,
        stopTokenIds: [],
        batchSize: 1,
        temperature: 0,
      }),
    ).resolves.toHaveLength(1)
    const tokenIds = Array.from({ length: maxPositions }, () => 1)
    await expect(
      collect({ prompts: [{ id: 'long', tokenIds }], seed: 0, maxNewTokens: 8 }),
    ).rejects.toMatchObject({ code: 'sequence-too-long' })
  })

  test('no prompts give no answers', async () => {
    expect(await collect({ prompts: [], seed: 0 })).toEqual([])
    expect(await collect({ prompts: [{ id: 'a', tokenIds: [1], samples: 0 }], seed: 0 })).toEqual(
      [],
    )
  })
})

function frequentTokens(completions: readonly Completion[]): number[] {
  const counts = new Map<number, number>()
  for (const token of completions.flatMap((c) => c.tokenIds))
    counts.set(token, (counts.get(token) ?? 0) + 1)
  return [...counts]
    .toSorted((a, b) => b[1] - a[1])
    .slice(0, 10)
    .map(([token]) => token)
}

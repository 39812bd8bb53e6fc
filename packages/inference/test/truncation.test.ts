import { cp, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { randomKey } from '@cem/core'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import {
  type Completion,
  type GenerateOptions,
  loadModel,
  type Model,
  noiseKeys,
  openModelFolder,
  tokenNoise,
} from '../src/index.ts'
import { fixtures, modelNamed, temporaryFolder } from './golden.ts'

vi.setConfig({ testTimeout: 60_000 })

let cache: string
let model: Model
beforeAll(async () => {
  cache = await temporaryFolder()
  model = await loadModel({ base: join(fixtures, modelNamed('gqa-6-2-tied').folder), cache })
})
afterAll(async () => {
  await model[Symbol.asyncDispose]()
  await rm(cache, { recursive: true, force: true })
})

async function collect(options: Omit<GenerateOptions, 'stopTokenIds'>): Promise<Completion[]> {
  const found: Completion[] = []
  for await (const c of model.generate({ ...options, stopTokenIds: [] })) found.push(c)
  const key = (c: Completion) => `${c.promptId}:${String(c.sample).padStart(6, '0')}`
  return found.toSorted((a, b) => (key(a) < key(b) ? -1 : 1))
}

const tokenIds = [5, 9, 33, 77]

async function logitsAfter(ids: readonly number[]): Promise<number[]> {
  const logits = { start: ids.length - 1, end: ids.length }
  for await (const scored of model.score({ sequences: [{ id: 's', tokenIds: ids, logits }] }))
    return Array.from(scored.logits ?? [])
  return []
}

/** Token ids and probabilities that top_k and top_p leave, one token after another, in 64 bits. */
function distribution(logits: readonly number[], temperature: number, topK: number, topP: number) {
  const order = [...logits.keys()]
  order.sort((a, b) => (logits[b] as number) - (logits[a] as number))
  const allowed = order.slice(0, topK)
  const powers = allowed.map((id) => Math.exp((logits[id] as number) / temperature))
  const total = powers.reduce((a, b) => a + b, 0)
  const kept: { id: number; power: number }[] = []
  let mass = 0
  for (const [i, id] of allowed.entries()) {
    if (mass >= topP) break
    const power = powers[i] as number
    kept.push({ id, power })
    mass += power / total
  }
  const keptTotal = kept.reduce((sum, { power }) => sum + power, 0)
  return kept.map(({ id, power }) => ({ id, probability: power / keptTotal }))
}

describe('top_k and top_p', () => {
  test.each([
    { temperature: 1, topP: 0.8, topK: 320 },
    { temperature: 1.3, topP: 1, topK: 12 },
    { temperature: 0.8, topP: 0.7, topK: 40 },
  ])('draw the first token as often as $temperature, $topP, $topK say', async (settings) => {
    const n = 4000
    const prompts = [{ id: 'q', tokenIds, samples: n }]
    const completions = await collect({ prompts, seed: 5, maxNewTokens: 1, ...settings })
    const counts = Map.groupBy(completions, (c) => c.tokenIds[0] as number)
    const { temperature, topK, topP } = settings
    const expected = distribution(await logitsAfter(tokenIds), temperature, topK, topP)
    expect(expected.length).toBeGreaterThan(5)
    expect(expected.length).toBeLessThan(250)
    const allowed = new Set(expected.map(({ id }) => id))
    expect([...counts.keys()].filter((id) => !allowed.has(id))).toEqual([])
    // Pearson's chi-squared over the tokens that are expected 5 times or more, and the others as one cell.
    const often = expected.filter(({ probability }) => probability * n >= 5)
    const cells = often.map(({ id, probability }) => ({
      found: counts.get(id)?.length ?? 0,
      expected: probability * n,
    }))
    const rest = {
      found: n - cells.reduce((sum, { found }) => sum + found, 0),
      expected: n - cells.reduce((sum, cell) => sum + cell.expected, 0),
    }
    const all = rest.expected > 1 ? [...cells, rest] : cells
    const statistic = all.reduce((sum, c) => sum + (c.found - c.expected) ** 2 / c.expected, 0)
    // Normal approximation with cells - 1 degrees of freedom; 4 standard deviations.
    const degrees = all.length - 1
    expect(Math.abs(statistic - degrees) / Math.sqrt(2 * degrees)).toBeLessThan(4)
  })

  test('take the kept token with the largest logit plus temperature times the published noise', async () => {
    const [temperature, topK, topP] = [0.9, 30, 0.85]
    const [completion] = await collect({
      prompts: [{ id: 'q', tokenIds, samples: [3] }],
      seed: 11,
      maxNewTokens: 10,
      temperature,
      topK,
      topP,
    })
    const key = randomKey('sample', 11, 0, 'q', 0, 3)
    const sampled = completion?.tokenIds ?? []
    const best: number[] = []
    for (const position of sampled.keys()) {
      const logits = await logitsAfter([...tokenIds, ...sampled.slice(0, position)])
      const keys = noiseKeys(key, position)
      const noisy = distribution(logits, temperature, topK, topP).map(({ id }) => ({
        id,
        value: (logits[id] as number) + temperature * tokenNoise(keys, id),
      }))
      best.push(noisy.toSorted((a, b) => b.value - a.value)[0]?.id as number)
    }
    expect(sampled).toEqual(best)
    expect(sampled.length).toBe(10)
  })

  test('leave a sample alone where it is kept anyway, with its log-probability over all tokens', async () => {
    const prompts = [{ id: 'q', tokenIds, samples: 300 }]
    const options = { prompts, seed: 2, maxNewTokens: 1, logprobs: true }
    const plain = await collect(options)
    const truncated = await collect({ ...options, topP: 0.8 })
    const kept = distribution(await logitsAfter(tokenIds), 1, 320, 0.8)
    const isKept = new Set(kept.map(({ id }) => id))
    const same = plain.filter((c) => isKept.has(c.tokenIds[0] as number))
    expect(same.length).toBeGreaterThan(200)
    expect(same.length).toBeLessThan(300)
    expect(same.map((c) => truncated[c.sample])).toEqual(same)
  })

  test('do not make a sample depend on its batch', async () => {
    const prompts = [
      { id: 'a', tokenIds: [5, 9, 33], samples: 5 },
      { id: 'b', tokenIds: [100, 3, 7, 8], samples: 4 },
    ]
    const options = { prompts, seed: 3, maxNewTokens: 16, topK: 60, topP: 0.9, logprobs: true }
    const one = await collect({ ...options, batchSize: 1 })
    for (const batchSize of [2, 5, 50])
      expect(await collect({ ...options, batchSize })).toEqual(one)
  })

  test('change nothing where they keep every token, or where the largest logit is taken', async () => {
    const options = { prompts: [{ id: 'q', tokenIds, samples: 6 }], seed: 4, maxNewTokens: 8 }
    const plain = await collect(options)
    expect(await collect({ ...options, topK: 320, topP: 1 })).toEqual(plain)
    expect(await collect({ ...options, topK: 10_000 })).toEqual(plain)
    const greedy = await collect({ ...options, temperature: 0 })
    expect(await collect({ ...options, temperature: 0, topK: 2, topP: 0.1 })).toEqual(greedy)
    // One token left is the greedy one, at any temperature.
    const ids = greedy.map((c) => c.tokenIds)
    const single = { ...options, temperature: 3 }
    expect((await collect({ ...single, topK: 1 })).map((c) => c.tokenIds)).toEqual(ids)
    expect((await collect({ ...single, topP: 1e-9 })).map((c) => c.tokenIds)).toEqual(ids)
  })

  test.each([
    [{ topK: 0 }, /topK is 0; it must be a positive integer/],
    [{ topK: 2.5 }, /topK is 2.5/],
    [{ topK: Number.NaN }, /topK is NaN/],
    [{ topP: 0 }, /topP is 0; it must be more than 0 and at most 1/],
    [{ topP: 1.01 }, /topP is 1.01/],
    [{ topP: Number.NaN }, /topP is NaN/],
  ])('%o is refused', async (change, words) => {
    await expect(
      collect({ prompts: [{ id: 'q', tokenIds }], seed: 0, ...change }),
    ).rejects.toMatchObject({ code: 'invalid-request', message: expect.stringMatching(words) })
  })
})

describe('what generation_config.json recommends', () => {
  async function recommended(config: object) {
    const folder = join(await temporaryFolder(), 'model')
    await cp(join(fixtures, modelNamed('gqa-6-2-tied').folder), folder, { recursive: true })
    await writeFile(join(folder, 'generation_config.json'), JSON.stringify(config))
    const { recommendedSampling } = await openModelFolder(folder)
    await rm(folder, { recursive: true })
    return recommendedSampling
  }

  test('is shown as the file says', async () => {
    // The values of Qwen2.5-7B-Instruct.
    const config = {
      bos_token_id: 151643,
      pad_token_id: 151643,
      do_sample: true,
      eos_token_id: [151645, 151643],
      repetition_penalty: 1.05,
      temperature: 0.7,
      top_p: 0.8,
      top_k: 20,
      transformers_version: '4.37.0',
    }
    const shown = {
      temperature: 0.7,
      topK: 20,
      topP: 0.8,
      others: { do_sample: true, repetition_penalty: 1.05 },
    }
    expect(await recommended(config)).toEqual(shown)
    // The fixture's file has the same.
    expect(model.recommendedSampling).toEqual(shown)
  })

  test('is null where it says nothing about sampling, and keeps what it cannot read', async () => {
    expect(await recommended({ eos_token_id: 3, top_p: null })).toBeNull()
    expect(await recommended({ temperature: 'hot', min_p: 0.1 })).toEqual({
      temperature: null,
      topK: null,
      topP: null,
      others: { temperature: 'hot', min_p: 0.1 },
    })
  })
})

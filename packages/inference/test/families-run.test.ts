import { cp, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { type Completion, loadModel, type Model, openModelFolder } from '../src/index.ts'
import {
  drift,
  fixtures,
  layerRequests,
  modelNamed,
  readGolden,
  temporaryFolder,
} from './golden.ts'

vi.setConfig({ testTimeout: 60_000 })

let cache: string
beforeAll(async () => {
  cache = await temporaryFolder()
})
afterAll(() => rm(cache, { recursive: true, force: true }))

const tokenIds = Array.from({ length: 24 }, (_, i) => (i * 37 + 11) % 260)

/** Models whose first layer sees a window, with its size in config.json. */
const windowed = [
  { name: 'mistral-window', window: 5 },
  { name: 'qwen2-window', window: 7 },
  { name: 'gemma2', window: 6 },
  { name: 'gemma3', window: 5 },
]

describe.each(windowed)('the window of $name', ({ name, window }) => {
  const golden = modelNamed(name)
  let model: Model
  beforeAll(async () => {
    model = await loadModel({
      base: join(fixtures, golden.folder),
      baseAliases: [golden.repository],
      layers: layerRequests(
        golden,
        golden.adapters.map((a) => ({ adapter: a.name, mode: 'stacked' as const })),
      ),
      cache,
    })
  })
  afterAll(() => model[Symbol.asyncDispose]())

  /** States [24, layers, dModel] in runs of at most `tokenBudget` tokens: 1 is one cached step a token. */
  async function states(ids: readonly number[], tokenBudget: number, layers?: readonly number[]) {
    const whole = { start: 0, end: ids.length }
    const sequences = [{ id: 's', tokenIds: ids, states: whole }]
    for await (const scored of model.score({ sequences, tokenBudget, ...(layers && { layers }) }))
      return scored.states as Float32Array
    throw new Error('nothing was scored')
  }

  test.each([24, 4, 1])(
    'is as wide as config.json says, to the token, in runs of %i tokens',
    async (tokenBudget) => {
      const { dModel } = model.architecture
      const last = async (ids: readonly number[]) =>
        (await states(ids, tokenBudget, [0])).slice(-dModel)
      const reference = await last(tokenIds)
      const change = (fromEnd: number) => tokenIds.with(-fromEnd, 261)
      // The last token is the first of those that it sees.
      expect(await last(change(window + 1))).toEqual(reference)
      expect(drift(await last(change(window)), reference)).toBeGreaterThan(1e-3)
    },
  )

  test('gives the same states in one run, in pieces and token by token', async () => {
    const reference = await states(tokenIds, 24)
    for (const tokenBudget of [7, 5, 1])
      expect(drift(await states(tokenIds, tokenBudget), reference)).toBeLessThan(2e-5)
  })

  test('does not make a sample depend on its batch, to the bit', async () => {
    const request = {
      prompts: [
        { id: 'a', tokenIds: tokenIds.slice(0, 3), samples: 4 },
        { id: 'b', tokenIds, samples: 4 },
        { id: 'c', tokenIds: tokenIds.slice(0, 9), samples: 3 },
      ],
      seed: 4,
      maxNewTokens: 18,
      capture: { spans: ['content', 'turn'] as const },
      logprobs: true,
    }
    const collect = async (batchSize: number) => {
      const found: Completion[] = []
      for await (const completion of model.generate({ ...request, batchSize }))
        found.push(completion)
      return found.toSorted((a, b) => (a.promptId + a.sample < b.promptId + b.sample ? -1 : 1))
    }
    const alone = await collect(1)
    expect(alone).toHaveLength(11)
    for (const batchSize of [2, 3, 11]) expect(await collect(batchSize)).toEqual(alone)
  })
})

test.each(['qwen3', 'llama-llama3', 'gemma2'])(
  'an adapter that is merged into %s gives what PEFT gives for it',
  async (name) => {
    const golden = modelNamed(name)
    const [adapter] = golden.adapters
    await using model = await loadModel({
      base: join(fixtures, golden.folder),
      baseAliases: [golden.repository],
      layers: layerRequests(golden, [{ adapter: adapter?.name ?? '', mode: 'merged' }]),
      cache,
    })
    const prompts = (await readGolden(golden, adapter?.golden ?? '')).filter((p) => p.logits.length)
    expect(prompts.map((p) => p.name)).toEqual(['p7', 'p19', 'p33'])
    for (const { ids, positions, logits } of prompts) {
      const [last = 0] = positions
      const range = { start: last, end: last + 1 }
      const sequences = [{ id: 's', tokenIds: ids, logits: range }]
      for await (const scored of model.score({ sequences }))
        expect(drift(scored.logits ?? [], logits)).toBeLessThanOrEqual(2e-4)
    }
  },
)

test('a model with dynamic scaling takes no sequence beyond its length, where its frequencies would change', async () => {
  await using model = await loadModel({ base: join(fixtures, 'llama-dynamic/model'), cache })
  const score = async (n: number) => {
    const ids = Array.from({ length: n }, (_, i) => i)
    const sequences = [{ id: 's', tokenIds: ids, logprobs: { start: 1, end: n } }]
    for await (const { logprobs } of model.score({ sequences })) return logprobs?.length
    return undefined
  }
  expect(await score(97)).toBe(96)
  await expect(score(98)).rejects.toMatchObject({
    code: 'sequence-too-long',
    data: { nPositions: 98, maxPositions: 97 },
  })
})

test('a folder whose config names another family is refused by its weights', async () => {
  const folder = join(cache, 'misnamed')
  await cp(join(fixtures, 'qwen3/model'), folder, { recursive: true })
  const file = join(folder, 'config.json')
  const config = JSON.parse(await readFile(file, 'utf8')) as object
  await writeFile(file, JSON.stringify({ ...config, model_type: 'llama', layer_types: null }))
  await expect(openModelFolder(folder)).rejects.toMatchObject({
    code: 'model-weights-mismatch',
    message: expect.stringContaining('self_attn.k_norm.weight is unknown to a llama model'),
  })
})

describe('a token that the tokenizer has and the embedding matrix has not', () => {
  /** A copy of the Gemma 3 fixture (272 tokens) whose tokenizer has one more. */
  async function withToken(name: string, special: boolean): Promise<string> {
    const folder = join(cache, name)
    await cp(join(fixtures, 'gemma3/model'), folder, { recursive: true })
    const file = join(folder, 'tokenizer.json')
    const tokenizer = JSON.parse(await readFile(file, 'utf8')) as { added_tokens: object[] }
    const token = { ...tokenizer.added_tokens[0], id: 272, content: '<image_soft_token>', special }
    tokenizer.added_tokens.push(token)
    await writeFile(file, JSON.stringify(tokenizer))
    return folder
  }

  test('is never sampled and refused in a prompt where it is special, as in Gemma 3 1B', async () => {
    await using model = await loadModel({ base: await withToken('image', true), cache })
    const ids: number[] = []
    const hot = { temperature: 50, seed: 1, maxNewTokens: 40, stopTokenIds: [] }
    const prompts = [{ id: 'a', tokenIds: [1, 2], samples: 30 }]
    for await (const completion of model.generate({ ...hot, prompts }))
      ids.push(...completion.tokenIds)
    expect(ids).toHaveLength(1200)
    expect(Math.max(...ids)).toBe(271)
    const content = 'see <image_soft_token>'
    const asked = [{ id: 'a', tokenIds: model.tokenizer.encode(content) }]
    const run = async () => {
      for await (const completion of model.generate({ ...hot, prompts: asked })) return completion
      return undefined
    }
    await expect(run()).rejects.toMatchObject({
      code: 'invalid-request',
      message: expect.stringContaining('holds the token 272; the model has 272'),
    })
  })

  test('means that they do not belong together where it is an ordinary one', async () => {
    await expect(loadModel({ base: await withToken('other', false), cache })).rejects.toMatchObject(
      { code: 'composition-invalid', message: expect.stringContaining('273 tokens') },
    )
  })
})

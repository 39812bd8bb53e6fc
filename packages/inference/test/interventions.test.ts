import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import {
  type Completion,
  type GenerateOptions,
  type Intervention,
  interventionsRecord,
  loadModel,
  type Model,
  type ScoredSequence,
  type ScoreOptions,
} from '../src/index.ts'
import { drift, fixtures, modelNamed, temporaryFolder } from './golden.ts'
import { golden, type InterventionNumbers, readNumbers } from './intervention-golden.ts'

vi.setConfig({ testTimeout: 60_000 })

/** As for the models themselves: a share of the layer's largest value. */
const tolerance = 2e-4

let cache: string
beforeAll(async () => {
  cache = await temporaryFolder()
})
afterAll(() => rm(cache, { recursive: true, force: true }))

async function collect(model: Model, options: GenerateOptions): Promise<Completion[]> {
  const found: Completion[] = []
  for await (const completion of model.generate(options)) found.push(completion)
  const key = (c: Completion) => `${c.promptId}:${String(c.sample).padStart(6, '0')}`
  return found.toSorted((a, b) => (key(a) < key(b) ? -1 : 1))
}

async function scoreAll(model: Model, options: ScoreOptions): Promise<ScoredSequence[]> {
  const found: ScoredSequence[] = []
  for await (const scored of model.score(options)) found.push(scored)
  return found
}

describe.each(golden.models)('$name against hooks in PyTorch', (entry) => {
  let model: Model
  let numbers: InterventionNumbers
  beforeAll(async () => {
    model = await loadModel({ base: join(fixtures, modelNamed(entry.name).folder), cache })
    numbers = await readNumbers(entry)
  })
  afterAll(() => model[Symbol.asyncDispose]())

  const greedyRequest = (statesAt: 'after' | 'before') => ({
    temperature: 0,
    maxNewTokens: golden.nTokens,
    stopTokenIds: [],
    seed: 0,
    capture: { statesAt },
  })

  test.each(entry.cases)('$name: scoring', async (goldenCase) => {
    const { name } = goldenCase
    const tokenIds = [...entry.prompt, ...numbers.integers(`${name}.greedy_ids`)]
    const end = tokenIds.length
    const content = { start: entry.prompt.length, end }
    const { dModel, vocabSize, nLayers } = model.architecture
    const positions = numbers.integers(`${name}.positions`)
    for (const statesAt of ['after', 'before'] as const) {
      const [scored] = await scoreAll(model, {
        sequences: [
          {
            id: name,
            tokenIds,
            spans: { content },
            logits: { start: 0, end },
            states: { start: 0, end },
            logprobs: { start: 1, end },
          },
        ],
        interventions: numbers.interventionsOf(goldenCase),
        statesAt,
      })
      const drifts = Object.fromEntries(
        Array.from({ length: nLayers }, (_, layer) => {
          const expected = numbers
            .floats(`${name}.${statesAt}`)
            .subarray(layer * positions.length * dModel, (layer + 1) * positions.length * dModel)
          const found = positions.flatMap((position) => {
            const at = (position * nLayers + layer) * dModel
            return Array.from(scored?.states?.subarray(at, at + dModel) ?? [])
          })
          return [`layer ${layer} ${statesAt}`, drift(found, expected)]
        }),
      )
      const logits = positions.flatMap((position) =>
        Array.from(
          scored?.logits?.subarray(position * vocabSize, (position + 1) * vocabSize) ?? [],
        ),
      )
      const all = {
        ...drifts,
        logits: drift(logits, numbers.floats(`${name}.logits`)),
        logprobs: drift(scored?.logprobs ?? [], numbers.floats(`${name}.token_logprobs`)),
        means: drift(scored?.means['content'] ?? [], numbers.floats(`${name}.means_${statesAt}`)),
      }
      expect(Object.entries(all).filter(([, value]) => !(value <= tolerance))).toEqual([])
    }
  })

  test.each(entry.cases)('$name: a greedy continuation and its means', async (goldenCase) => {
    const { name } = goldenCase
    const interventions = numbers.interventionsOf(goldenCase)
    for (const statesAt of ['after', 'before'] as const) {
      const [completion] = await collect(model, {
        ...greedyRequest(statesAt),
        prompts: [{ id: 'p', tokenIds: entry.prompt }],
        interventions,
      })
      expect(completion?.tokenIds).toEqual(numbers.integers(`${name}.greedy_ids`))
      const means = completion?.activations?.content ?? []
      expect(drift(means, numbers.floats(`${name}.means_${statesAt}`))).toBeLessThanOrEqual(
        tolerance,
      )
      expect(completion?.interventionsSha256).toBe(interventionsRecord(interventions).sha256)
    }
  })

  test('prompts with different interventions, and one with none, share a batch bit for bit', async () => {
    const requests = [
      { id: 'none', tokenIds: entry.prompt },
      ...entry.cases.map((c) => ({
        id: c.name,
        tokenIds: entry.prompt,
        interventions: numbers.interventionsOf(c),
      })),
    ].map((prompt) => ({ ...prompt, samples: 2 }))
    const options = { ...greedyRequest('after'), temperature: 0.7, maxNewTokens: 8, logprobs: true }
    const together = await collect(model, { ...options, prompts: requests, batchSize: 50 })
    const apart = []
    for (const prompt of requests)
      apart.push(...(await collect(model, { ...options, prompts: [prompt], batchSize: 1 })))
    const byKey = (c: Completion) => `${c.promptId}:${c.sample}`
    expect(Object.fromEntries(together.map((c) => [byKey(c), c]))).toEqual(
      Object.fromEntries(apart.map((c) => [byKey(c), c])),
    )
    expect(new Set(together.map((c) => String(c.tokenIds))).size).toBeGreaterThan(10)
  })
})

describe('what interventions act on', () => {
  const entry = golden.models[0] as (typeof golden.models)[number]
  let model: Model
  let direction: Float32Array
  beforeAll(async () => {
    model = await loadModel({ base: join(fixtures, modelNamed(entry.name).folder), cache })
    const { dModel } = model.architecture
    direction = Float32Array.from({ length: dModel }, (_, i) => Math.sin(i + 1))
  })
  afterAll(() => model[Symbol.asyncDispose]())
  const tokenIds = [...entry.prompt, 5, 6, 7, 8]
  const content = { start: entry.prompt.length, end: tokenIds.length }

  test("the last prompt token and the template's closing are not generated positions", async () => {
    const request = {
      prompts: [{ id: 'p', tokenIds: entry.prompt }],
      temperature: 0,
      maxNewTokens: 1,
      stopTokenIds: [],
      seed: 0,
      capture: { spans: ['content', 'turn'] as const, layers: [0] },
    }
    const add = { kind: 'add', layers: [0], direction, coefficient: 100 } as const
    const [plain] = await collect(model, request)
    const [steered] = await collect(model, {
      ...request,
      interventions: [{ ...add, positions: 'generated' }],
    })
    // One token, sampled from the last prompt position: the same one.
    expect(steered?.tokenIds).toEqual(plain?.tokenIds)
    const length = Math.sqrt(direction.reduce((sum, x) => sum + x * x, 0))
    const nClosing = model.tokenizer.closingTokenIds().length
    const shift = (span: 'content' | 'turn') => {
      const [a, b] = [steered?.activations?.[span] ?? [], plain?.activations?.[span] ?? []]
      return Array.from(a, (value, i) => value - (b[i] as number))
    }
    const expected = (share: number) => Array.from(direction, (x) => (share * 100 * x) / length)
    expect(drift(shift('content'), expected(1))).toBeLessThan(1e-5)
    // Layer 0's own output at the closing tokens is no other, since only its output at the answer's token was moved.
    expect(nClosing).toBeGreaterThan(0)
    expect(drift(shift('turn'), expected(1 / (1 + nClosing)))).toBeLessThan(1e-5)
  })

  test("the prompt's end is its last token alone, in scoring and in generation", async () => {
    const add = { kind: 'add', layers: [0], direction, coefficient: 30 } as const
    const atEnd = [{ ...add, positions: 'prompt-end' }] as const
    const all = { start: 0, end: tokenIds.length }
    const sequences = [{ id: 's', tokenIds, generated: content, states: all }]
    const states = async (interventions: readonly Intervention[]) =>
      (await scoreAll(model, { sequences, layers: [0], interventions }))[0]?.states ?? []
    const [plain, moved] = [await states([]), await states(atEnd)]
    const { dModel } = model.architecture
    const length = Math.sqrt(direction.reduce((sum, x) => sum + x * x, 0))
    const expected = Array.from(plain, (value, i) =>
      Math.floor(i / dModel) === content.start - 1
        ? value + (30 * (direction[i % dModel] ?? 0)) / length
        : value,
    )
    expect(drift(moved, expected)).toBeLessThan(1e-5)

    const request = {
      prompts: [{ id: 'p', tokenIds: entry.prompt }],
      temperature: 0,
      maxNewTokens: 6,
      stopTokenIds: [],
      seed: 0,
      logprobs: true,
      capture: { spans: ['content', 'turn'] as const, layers: [0, 1] },
    }
    const [without] = await collect(model, request)
    const [steered] = await collect(model, { ...request, interventions: atEnd })
    expect(steered?.tokenIds).not.toEqual(without?.tokenIds)
    // The same through positions that are told one by one, as PyTorch's hooks above confirm them.
    const ids = [...entry.prompt, ...(steered?.tokenIds ?? [])]
    const end = { start: content.start - 1, end: content.start }
    const [told] = await scoreAll(model, {
      sequences: [
        {
          id: 's',
          tokenIds: ids,
          generated: end,
          logprobs: { start: content.start, end: ids.length },
          spans: { content: { start: content.start, end: ids.length } },
        },
      ],
      layers: [0, 1],
      interventions: [{ ...add, positions: 'generated' }],
    })
    expect(drift(steered?.logprobs ?? [], told?.logprobs ?? [])).toBeLessThan(1e-5)
    // Neither the answer's tokens nor the closing ones are moved.
    expect(drift(steered?.activations?.content ?? [], told?.means['content'] ?? [])).toBeLessThan(
      1e-4,
    )
    await expect(
      scoreAll(model, { sequences: [{ id: 's', tokenIds }], interventions: atEnd }),
    ).rejects.toMatchObject({ code: 'intervention-invalid' })
  })

  test('scoring in pieces, and beside sequences without interventions, gives what one run gives', async () => {
    const long = Array.from({ length: 60 }, (_, i) => (i * 37) % 300)
    const sequences = [
      {
        id: 'steered',
        tokenIds: long,
        generated: { start: 23, end: 51 },
        states: { start: 0, end: 60 },
        logprobs: { start: 1, end: 60 },
        interventions: [
          { kind: 'add', layers: [0, 1], direction, coefficient: 4, positions: 'generated' },
          { kind: 'ablate', layers: [1], direction },
        ] as const,
      },
    ]
    const [whole] = await scoreAll(model, { sequences })
    const [pieces] = await scoreAll(model, { sequences, tokenBudget: 16 })
    expect(drift(pieces?.states ?? [], whole?.states ?? [])).toBeLessThan(1e-5)
    expect(drift(pieces?.logprobs ?? [], whole?.logprobs ?? [])).toBeLessThan(1e-5)
    const plain = { id: 'plain', tokenIds, logprobs: { start: 1, end: tokenIds.length } }
    const mixed = await scoreAll(model, { sequences: [...sequences, plain] })
    const [alone] = await scoreAll(model, { sequences: [plain] })
    const [first, second] = mixed
    expect([first?.id, second?.id]).toEqual(['plain', 'steered'])
    expect(drift(first?.logprobs ?? [], alone?.logprobs ?? [])).toBeLessThan(1e-5)
    expect(drift(second?.logprobs ?? [], whole?.logprobs ?? [])).toBeLessThan(1e-5)
    expect([first?.interventionsSha256, typeof second?.interventionsSha256]).toEqual([
      null,
      'string',
    ])
  })

  test('an empty list, and one of the request with none of the prompt, mean what they say', async () => {
    const request = {
      prompts: [{ id: 'p', tokenIds: entry.prompt, samples: 3, interventions: [] }],
      maxNewTokens: 6,
      stopTokenIds: [],
      seed: 1,
      capture: {},
    }
    const [plain] = await collect(model, {
      ...request,
      prompts: [{ id: 'p', tokenIds: entry.prompt }],
    })
    const [none] = await collect(model, { ...request, interventions: [] })
    expect(none).toEqual(plain)
    expect(none?.interventionsSha256).toBeNull()
    const ablate = { kind: 'ablate', layers: [2], direction } as const
    const add = { kind: 'add', layers: [2], direction, coefficient: 3 } as const
    const [both] = await collect(model, {
      ...request,
      interventions: [ablate],
      prompts: [{ id: 'p', tokenIds: entry.prompt, interventions: [add] }],
    })
    // The request's first: the projection is 3, not 0.
    const unit = direction.map((x) => x / Math.hypot(...direction))
    const after = both?.activations?.content?.subarray(2 * unit.length) ?? new Float32Array()
    expect(after.reduce((sum, x, i) => sum + x * (unit[i] as number), 0)).toBeCloseTo(3, 4)
    expect(both?.interventionsSha256).toBe(interventionsRecord([ablate, add]).sha256)
  })

  test.each<[string, (d: Float32Array) => unknown, RegExp]>([
    ['a zero direction', (d) => ({ direction: d.map(() => 0) }), /\(ablate\): direction is zero/],
    ['NaN in it', (d) => ({ direction: d.with(4, Number.NaN) }), /direction\[4\] is NaN/],
    ['an infinity in it', (d) => ({ direction: d.with(0, -1 / 0) }), /direction\[0\] is -Infinity/],
    ['another length', () => ({ direction: new Float32Array(5) }), /shape \[5\].*shape \[96\]/],
    ['plain numbers', () => ({ direction: [1, 2] }), /must be a Float32Array of 96/],
    ['no such kind', () => ({ kind: 'clamp' }), /kind is 'clamp'.*add, ablate, mean-ablate, cap/],
    ['no layers', () => ({ layers: [] }), /at least one layer of 0 to 2/],
    ['no such layer', () => ({ layers: [0, 3] }), /layer 3 does not exist; the model has 0 to 2/],
    ['half a layer', () => ({ layers: [0.5] }), /layer 0.5 does not exist/],
    ['a layer twice', () => ({ layers: [1, 1] }), /layer 1 is listed twice/],
    ['no such positions', () => ({ positions: 'last' }), /positions is 'last'/],
    ['no coefficient', () => ({ kind: 'add' }), /coefficient is undefined/],
    ['an infinite one', () => ({ kind: 'add', coefficient: 1e39 }), /coefficient is 1e\+39/],
    ['a mean of NaN', () => ({ kind: 'mean-ablate', mean: Number.NaN }), /mean is NaN/],
    ['a cap of no side', () => ({ kind: 'cap', limit: 1 }), /side is 'undefined'/],
    ['a cap of no limit', () => ({ kind: 'cap', side: 'above' }), /limit is undefined/],
  ])('%s is refused', async (_, change, words) => {
    const bad = { kind: 'ablate', layers: [0], direction, ...(change(direction) as object) }
    const interventions = [bad as unknown as Intervention]
    const refusal = { code: 'intervention-invalid', message: expect.stringMatching(words) }
    const prompts = [{ id: 'p', tokenIds: entry.prompt, interventions }]
    await expect(collect(model, { prompts, seed: 0 })).rejects.toMatchObject(refusal)
    const sequences = [{ id: 's', tokenIds }]
    await expect(scoreAll(model, { sequences, interventions })).rejects.toMatchObject(refusal)
  })

  test('a sequence must say which of its positions are generated, where that matters', async () => {
    const interventions = [
      { kind: 'ablate', layers: [0], direction, positions: 'generated' },
    ] as const
    await expect(
      scoreAll(model, { sequences: [{ id: 's', tokenIds }], interventions }),
    ).rejects.toMatchObject({
      code: 'intervention-invalid',
      message: expect.stringMatching(/Sequence 's'.*`generated`, or a span named content/),
    })
    const generated = { start: 3, end: 99 }
    await expect(
      scoreAll(model, { sequences: [{ id: 's', tokenIds, generated }], interventions }),
    ).rejects.toMatchObject({
      code: 'invalid-request',
      message: expect.stringMatching(/generated is \[3, 99\)/),
    })
    const [given] = await scoreAll(model, {
      sequences: [{ id: 's', tokenIds, spans: { content } }],
      interventions,
    })
    const [said] = await scoreAll(model, {
      sequences: [{ id: 's', tokenIds, spans: { content }, generated: content }],
      interventions,
    })
    expect(said?.means).toEqual(given?.means)
  })
})

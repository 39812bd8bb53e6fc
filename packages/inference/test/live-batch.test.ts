import { cp, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import {
  type BatchEvent,
  type BatchRequest,
  type GenerateOptions,
  type LiveBatch,
  loadModel,
  type Model,
} from '../src/index.ts'
import {
  fixtures,
  type GoldenPrompt,
  manifest,
  modelNamed,
  readGolden,
  temporaryFolder,
} from './golden.ts'

vi.setConfig({ testTimeout: 30_000 })

const golden = modelNamed('gqa-6-2-tied')
let cache: string
let model: Model
let prompts: readonly GoldenPrompt[]
beforeAll(async () => {
  cache = await temporaryFolder()
  model = await loadModel({ base: join(fixtures, golden.folder), cache })
  prompts = await readGolden(golden, golden.golden)
})
afterAll(async () => {
  await model[Symbol.asyncDispose]()
  await rm(cache, { recursive: true, force: true })
})

interface Answer {
  readonly tokenIds: number[]
  readonly logprobs: (number | null)[]
  finishReason?: 'stop' | 'length'
}

/** Answers of a request, by sample. */
async function gather(events: AsyncIterable<BatchEvent>): Promise<Map<number, Answer>> {
  const answers = new Map<number, Answer>()
  for await (const event of events) {
    const answer = answers.get(event.sample) ?? { tokenIds: [], logprobs: [] }
    answers.set(event.sample, answer)
    if (event.type === 'token') {
      answer.tokenIds.push(event.tokenId)
      answer.logprobs.push(event.logprob)
    } else {
      answer.finishReason = event.finishReason
      if (event.stop !== null) answer.logprobs.push(event.stop.logprob)
    }
  }
  return answers
}

const greedy = (prompt: GoldenPrompt): BatchRequest => ({
  id: prompt.name,
  tokenIds: prompt.ids,
  seed: 0,
  temperature: 0,
  maxNewTokens: manifest.greedyLength,
  stopTokenIds: [],
})

/** The first event of a request, and the rest. */
async function first(events: AsyncGenerator<BatchEvent, void>): Promise<BatchEvent> {
  const { value } = await events.next()
  if (value === undefined) throw new Error('no event')
  return value
}

describe('a batch that requests join and leave', () => {
  test("gives the tokens of Transformers' greedy continuations, whichever requests run beside", async () => {
    await using batch = await model.openBatch({ batchSize: 4 })
    const answers = await Promise.all(prompts.map((prompt) => gather(batch.submit(greedy(prompt)))))
    for (const [i, prompt] of prompts.entries())
      expect(answers[i]?.get(0)).toMatchObject({
        tokenIds: prompt.greedyIds,
        finishReason: 'length',
      })
    expect(answers.length).toBe(5)
  })

  test("gives the likeliest tokens of Transformers' logits, with their log-probabilities", async () => {
    await using batch = await model.openBatch()
    for (const prompt of prompts) {
      const options = { logprobs: true, topLogprobs: 20, maxNewTokens: 1 }
      const event = await first(batch.submit({ ...greedy(prompt), ...options }))
      if (event.type !== 'token') throw new Error('no token')
      const { vocabSize } = model.architecture
      const last = Array.from(prompt.logits.slice(-vocabSize))
      const total = Math.log(last.reduce((sum, logit) => sum + Math.exp(logit), 0))
      const expected = last
        .map((logit, id) => ({ id, logprob: logit - total }))
        .toSorted((a, b) => b.logprob - a.logprob)
        .slice(0, 20)
      expect(prompt.positions.at(-1)).toBe(prompt.ids.length - 1)
      expect(Array.from(event.top?.tokenIds ?? [])).toEqual(expected.map(({ id }) => id))
      for (const [i, { logprob }] of expected.entries())
        expect(event.top?.logprobs[i]).toBeCloseTo(logprob, 4)
      expect(event.tokenId).toBe(expected[0]?.id)
      expect(event.logprob).toBeCloseTo(expected[0]?.logprob as number, 4)
    }
  })

  test('gives the samples of `generate` to the bit, with settings of their own, joining at different times', async () => {
    const requests = [
      { id: 'a', tokenIds: [5, 9, 33], samples: 5, seed: 1, temperature: 0.7, maxNewTokens: 30 },
      { id: 'b', tokenIds: [100, 3, 7, 8], samples: [4, 1], seed: 'x', maxNewTokens: 60 },
      { id: 'c', tokenIds: [42], seed: 3, replicate: 2, paraphrase: 1, maxNewTokens: 5 },
      { id: 'd', tokenIds: [1, 2, 3, 4, 5, 6, 7], seed: 4, temperature: 2, maxNewTokens: 90 },
    ] as const
    const expected: Map<number, Answer>[] = []
    for (const request of requests) expected.push(await generated(request))
    for (const batchSize of [1, 3, 16]) {
      await using batch = await model.openBatch({ batchSize })
      const running = []
      for (const request of requests) {
        const events = batch.submit({ ...request, logprobs: true })
        // The next one joins when this one has begun.
        running.push(gather(prepend(await first(events), events)))
      }
      expect(await Promise.all(running)).toEqual(expected)
    }
  })

  test('gives the same where keys and values have little room and requests wait for it', async () => {
    const requests = [30, 90, 10, 60].map((maxNewTokens, i) => ({
      id: String(i),
      tokenIds: [5 + i, 9],
      samples: 3,
      seed: 7,
      maxNewTokens,
    }))
    await using batch = await model.openBatch({ cacheBytes: 1 })
    const answers = await Promise.all(
      requests.map((r) => gather(batch.submit({ ...r, logprobs: true }))),
    )
    for (const [i, request] of requests.entries())
      expect(answers[i]).toEqual(await generated(request))
  })
})

async function* prepend(event: BatchEvent, rest: AsyncIterable<BatchEvent>) {
  yield event
  yield* rest
}

async function generated(request: BatchRequest): Promise<Map<number, Answer>> {
  const answers = new Map<number, Answer>()
  const { seed, replicate, temperature, maxNewTokens, ...prompt } = request
  const options = { seed, replicate, temperature, maxNewTokens }
  const given = Object.entries(options).filter(([, value]) => value !== undefined)
  const alone = await loaded()
  const all = { ...(Object.fromEntries(given) as Pick<GenerateOptions, 'seed'>), logprobs: true }
  for await (const answer of alone.generate({ ...all, prompts: [prompt] }))
    answers.set(answer.sample, {
      tokenIds: [...answer.tokenIds],
      logprobs: Array.from(answer.logprobs ?? []),
      finishReason: answer.finishReason,
    })
  return answers
}

/** A second engine, since the first one is busy while its batch is open. */
let second: Promise<Model> | undefined
function loaded(): Promise<Model> {
  second ??= loadModel({ base: join(fixtures, golden.folder), cache })
  return second
}
afterAll(async () => (await second)?.[Symbol.asyncDispose]())

describe('leaving early', () => {
  let patient: Model
  beforeAll(async () => {
    const folder = join(cache, 'patient')
    await cp(join(fixtures, golden.folder), folder, { recursive: true })
    const file = join(folder, 'config.json')
    const config = JSON.parse(await readFile(file, 'utf8'))
    await writeFile(file, JSON.stringify({ ...config, max_position_embeddings: 60_000 }))
    patient = await loadModel({ base: folder, cache })
  })
  afterAll(() => patient[Symbol.asyncDispose]())

  /** Runs far longer than the test may take. */
  const endless = (signal?: AbortSignal): BatchRequest => ({
    id: 'endless',
    tokenIds: [5, 9],
    seed: 0,
    maxNewTokens: 50_000,
    stopTokenIds: [],
    ...(signal === undefined ? {} : { signal }),
  })
  const prompt = () => prompts[1] as GoldenPrompt

  const leaves: readonly [string, (batch: LiveBatch) => Promise<void>][] = [
    [
      'by leaving the loop',
      async (batch) => {
        for await (const _ of batch.submit(endless())) break
      },
    ],
    [
      'by its signal',
      async (batch) => {
        const controller = new AbortController()
        const events = batch.submit(endless(controller.signal))
        await first(events)
        controller.abort(new Error('enough'))
        await expect(gather(events)).rejects.toThrow('enough')
      },
    ],
    [
      'by its signal, before its turn',
      async (batch) => {
        const running = batch.submit(endless())
        await first(running)
        const controller = new AbortController()
        const waiting = gather(batch.submit(endless(controller.signal)))
        controller.abort(new Error('enough'))
        await expect(waiting).rejects.toThrow('enough')
        await running.return()
      },
    ],
  ]
  test.each(leaves)('a request leaves %s, and the next one takes its place', async (_, leave) => {
    await using batch = await patient.openBatch({ batchSize: 1 })
    await leave(batch)
    const answers = await gather(batch.submit(greedy(prompt())))
    expect(answers.get(0)?.tokenIds).toEqual(prompt().greedyIds)
  })

  test('disposing of the batch ends what runs, and the model goes on', async () => {
    const batch = await patient.openBatch()
    const events = batch.submit(endless())
    await first(events)
    await batch[Symbol.asyncDispose]()
    await expect(gather(events)).rejects.toMatchObject({ code: 'batch-closed' })
    expect(() => batch.submit(greedy(prompt()))).toThrow(/closed/)
    const tokens = []
    for await (const answer of patient.generate({
      prompts: [{ id: 'a', tokenIds: prompt().ids }],
      seed: 0,
      temperature: 0,
      maxNewTokens: 3,
      stopTokenIds: [],
    }))
      tokens.push(...answer.tokenIds)
    expect(tokens).toEqual(prompt().greedyIds.slice(0, 3))
  })

  test('closing lets what runs finish; calls that were made meanwhile come after it', async () => {
    const batch = await model.openBatch()
    const answers = gather(batch.submit(greedy(prompt())))
    const memory = model.memory()
    await batch.close()
    expect((await answers).get(0)?.tokenIds).toEqual(prompt().greedyIds)
    expect((await memory).rssBytes).toBeGreaterThan(0)
  })

  test('a call that is aborted while it waits for another is not made', async () => {
    await using batch = await model.openBatch()
    const controller = new AbortController()
    const seen: unknown[] = []
    const waiting = (async () => {
      const sequences = [{ id: 's', tokenIds: [1, 2, 3] }]
      for await (const item of model.score({ sequences, signal: controller.signal }))
        seen.push(item)
    })()
    await gather(batch.submit(greedy(prompt())))
    controller.abort(new Error('no more'))
    await batch.close()
    await expect(waiting).rejects.toThrow('no more')
    expect(seen).toEqual([])
  })

  test('the death of the engine is an error of every request', async () => {
    const mortal = await loadModel({ base: join(cache, 'patient'), cache })
    const batch = await mortal.openBatch()
    const events = [batch.submit(endless()), batch.submit(endless())]
    await Promise.all(events.map(first))
    process.kill(mortal.processId as number, 'SIGKILL')
    for (const one of events)
      await expect(gather(one)).rejects.toMatchObject({ code: 'engine-died' })
  })
})

test.each<[string, Partial<BatchRequest>, RegExp]>([
  ['too many tokens', { maxNewTokens: 10 ** 9 }, /prompt has 1 tokens.*1000000000/],
  ['no tokens', { tokenIds: [] }, /prompt 'q' has no tokens/],
  ['top logprobs without logprobs', { topLogprobs: 3 }, /topLogprobs is 3/],
  ['lanes', { lane: 'warm' }, /names the lane 'warm'/],
  ['half a token', { maxNewTokens: 0.5 }, /maxNewTokens is 0.5/],
])('%s are refused where the request is made', async (_, change, words) => {
  await using batch = await model.openBatch()
  const request = { id: 'q', tokenIds: [1], seed: 0, ...change } as BatchRequest
  expect(() => batch.submit(request)).toThrow(words)
})

test('`generate` gives the likeliest tokens beside each, and those of the stop token', async () => {
  const prompt = prompts[2] as GoldenPrompt
  const nBefore = prompt.greedyIds.findIndex((id) => id !== prompt.greedyIds[0])
  const stop = prompt.greedyIds[nBefore] as number
  for await (const answer of model.generate({
    prompts: [{ id: 'q', tokenIds: prompt.ids }],
    seed: 0,
    temperature: 0,
    stopTokenIds: [stop],
    logprobs: true,
    topLogprobs: 2,
  })) {
    expect(nBefore).toBeGreaterThan(0)
    expect(answer.tokenIds).toEqual(prompt.greedyIds.slice(0, nBefore))
    const best = answer.topLogprobs?.map(({ tokenIds }) => tokenIds[0])
    expect(best).toEqual(prompt.greedyIds.slice(0, nBefore + 1))
    // Transformers' margin between the best and the second-best logit.
    for (const [i, { logprobs }] of (answer.topLogprobs ?? []).entries())
      expect((logprobs[0] as number) - (logprobs[1] as number)).toBeCloseTo(
        prompt.greedyMargins[i] as number,
        4,
      )
  }
})

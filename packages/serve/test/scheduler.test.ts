import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { Scheduler } from '../src/scheduler.ts'
import { openServedModels, type ServedModel } from '../src/served-models.ts'
import { adapterFolder, modelFolder } from './tiny-server.ts'

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 })

let cache: string
let opened: Awaited<ReturnType<typeof openServedModels>>
beforeAll(async () => {
  cache = await mkdtemp(join(tmpdir(), 'cem-serve-'))
  opened = await openServedModels({
    base: modelFolder,
    baseAliases: ['cem-fixtures/gqa-6-2-tied'],
    cache,
    adapters: [
      { name: 'plain', layers: [{ adapter: adapterFolder('plain') }] },
      { name: 'rslora', layers: [{ adapter: adapterFolder('rslora') }] },
    ],
  })
})
afterAll(async () => {
  await opened.model[Symbol.asyncDispose]()
  await rm(cache, { recursive: true, force: true })
})

const never = new AbortController().signal
const request = (seed: number, maxNewTokens = 4) => ({
  id: 'q',
  tokenIds: [5, 9],
  seed,
  maxNewTokens,
  stopTokenIds: [],
})

async function drain(items: AsyncIterable<unknown>): Promise<number> {
  let n = 0
  for await (const _ of items) n += 1
  return n
}

describe('turns', () => {
  test('one request for another adapter waits for one batch of a crowd, not for the crowd', async () => {
    const [base, plain, rslora] = opened.served as [ServedModel, ServedModel, ServedModel]
    await using scheduler = new Scheduler({ model: opened.model, batchSize: 4 })
    const order: string[] = []
    const ask = async (served: ServedModel, seed: number) => {
      await drain(scheduler.generate(served, request(seed), 1, never))
      order.push(served.name)
    }
    const crowd = Array.from({ length: 40 }, (_, i) => ask(base, i))
    const others = [ask(plain, 0), ask(rslora, 1)]
    await Promise.all([...crowd, ...others])
    expect(order.length).toBe(42)
    // One batch of the crowd was taken before the others came, at most twice as much as one batch holds.
    expect(order.indexOf('plain')).toBeLessThanOrEqual(8)
    expect(order.indexOf('rslora')).toBe(order.indexOf('plain') + 1)
  })

  test('two crowds take turns of one batch each', async () => {
    const [base, plain] = opened.served as [ServedModel, ServedModel]
    await using scheduler = new Scheduler({ model: opened.model, batchSize: 2 })
    const order: string[] = []
    const ask = async (served: ServedModel, seed: number) => {
      await drain(scheduler.generate(served, request(seed), 1, never))
      order.push(served === base ? 'b' : 'p')
    }
    await Promise.all(Array.from({ length: 12 }, (_, i) => ask(i % 2 === 0 ? base : plain, i)))
    expect(order.join('')).toMatch(/^(bbpp){3}$|^(ppbb){3}$/)
  })

  test('scoring takes turns with sampling', async () => {
    const [base] = opened.served as [ServedModel]
    await using scheduler = new Scheduler({ model: opened.model, batchSize: 2 })
    const answers = [1, 2, 3, 4, 5].map((seed) =>
      drain(scheduler.generate(base, request(seed), 1, never)),
    )
    const sequences = [{ id: 's', tokenIds: [1, 2, 3], logprobs: { start: 1, end: 3 } }]
    expect(await drain(scheduler.score(base, sequences, never))).toBe(1)
    // 4 tokens and an end.
    expect(await Promise.all(answers)).toEqual([5, 5, 5, 5, 5])
  })

  test('a request that makes no sense fails alone', async () => {
    const [base] = opened.served as [ServedModel]
    await using scheduler = new Scheduler({ model: opened.model, batchSize: 2 })
    const wrong = drain(scheduler.generate(base, request(0, 10_000), 1, never))
    const right = drain(scheduler.generate(base, request(0), 1, never))
    await expect(wrong).rejects.toMatchObject({ code: 'sequence-too-long' })
    expect(await right).toBe(5)
    expect(scheduler.failure).toBeUndefined()
  })

  test('an aborted request leaves the queue, and an ended scheduler ends what waits and runs', async () => {
    const [base, plain] = opened.served as [ServedModel, ServedModel]
    const scheduler = new Scheduler({ model: opened.model, batchSize: 1 })
    const controller = new AbortController()
    const running = drain(scheduler.generate(base, request(0, 400), 1, never))
    const waiting = drain(scheduler.generate(plain, request(1), 1, controller.signal))
    const left = drain(scheduler.generate(plain, request(2), 1, never))
    controller.abort(new Error('enough'))
    await expect(waiting).rejects.toThrow('enough')
    const ended = Promise.allSettled([running, left])
    await scheduler[Symbol.asyncDispose]()
    for (const one of await ended)
      expect(one).toMatchObject({
        status: 'rejected',
        reason: { message: 'the server is stopping' },
      })
    expect(scheduler.nWaiting).toBe(0)
  })
})

test('a name for two models, and an adapter of another base, are errors at the start', async () => {
  const layers = [{ adapter: adapterFolder('plain') }]
  const options = { base: modelFolder, cache, baseAliases: ['cem-fixtures/gqa-6-2-tied'] }
  await expect(
    openServedModels({ ...options, adapters: [{ name: 'model', layers }] }),
  ).rejects.toMatchObject({ code: 'served-name-taken' })
  await expect(
    openServedModels({ ...options, baseAliases: [], adapters: [{ name: 'plain', layers }] }),
  ).rejects.toMatchObject({ code: 'adapter-base-mismatch' })
})

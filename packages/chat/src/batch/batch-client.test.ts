import { expect, test } from 'vitest'
import {
  type BatchServerOptions,
  errorLine,
  outputLine,
  startBatchServer,
} from '../../test/batch-server.ts'
import { completionBody, sendJson } from '../../test/fault-server.ts'
import { hurriedClock } from '../../test/hurried-clock.ts'
import { type BatchClientOptions, createBatchClient } from './batch-client.ts'
import type { BatchOutcome } from './batch-outcome.ts'
import type { BatchItem } from './batch-plan.ts'
import type { BatchEvent } from './batch-poll.ts'
import type { BatchSummary } from './batch-results.ts'
import type { BatchState } from './batch-state.ts'

const itemsOf = (n: number): BatchItem[] =>
  Array.from({ length: n }, (_, i) => ({
    id: `r${i}`,
    request: { messages: [{ role: 'user', content: `Question ${i}?` }], maxTokens: 1 },
  }))

async function start(
  options: BatchServerOptions = {},
  clientOptions: Partial<BatchClientOptions> = {},
) {
  const server = await startBatchServer(options)
  const clock = hurriedClock()
  const client = createBatchClient({
    model: 'judge',
    baseUrl: server.baseUrl,
    environment: {},
    clock,
    seed: 1,
    ...clientOptions,
  })
  return { server, client, clock, [Symbol.asyncDispose]: () => server[Symbol.asyncDispose]() }
}

async function drain<Item, End>(
  generator: AsyncGenerator<Item, End>,
): Promise<{ items: Item[]; end: End }> {
  const items: Item[] = []
  for (;;) {
    const next = await generator.next()
    if (next.done === true) return { items, end: next.value }
    items.push(next.value)
  }
}

type Client = ReturnType<typeof createBatchClient>

async function finish(client: Client, state: BatchState, items: readonly BatchItem[]) {
  const polled = await drain<BatchEvent, BatchState>(client.poll(state))
  const read = await drain<BatchOutcome, BatchSummary>(client.results(polled.end, items))
  return { state: polled.end, events: polled.items, outcomes: read.items, summary: read.end }
}

test('requests are uploaded, computed and given back, each once under its own id', async () => {
  await using running = await start({}, { prices: { inputPerMillion: 1, outputPerMillion: 2 } })
  const { server, client } = running
  const items = itemsOf(3)
  const stored: BatchState[] = []
  const state = await client.submit(items, {
    runKey: 'run 1',
    onState: (one) => void stored.push(one),
  })
  expect(server.batches[0]?.lines).toEqual(
    items.map(({ id, request }) => ({
      custom_id: id,
      method: 'POST',
      url: '/v1/chat/completions',
      body: { model: 'judge', messages: request.messages, max_tokens: 1 },
    })),
  )
  expect(server.batches[0]?.body).toMatchObject({
    endpoint: '/v1/chat/completions',
    completion_window: '24h',
    metadata: { cem_run_key: 'run 1', cem_part: '1/1', cem_sha256: state.parts[0]?.sha256 },
  })
  expect(stored.at(-1)).toEqual(state)
  const { events, outcomes, summary, state: end } = await finish(client, state, items)
  expect(events.map((event) => ('status' in event ? event.status : event.type))).toEqual([
    'in_progress',
    'poll-wait',
    'completed',
  ])
  expect(events.at(-1)).toMatchObject({ type: 'part-end', nCompleted: 3, nFailed: 0, nRequests: 3 })
  expect(end.parts[0]).toMatchObject({ status: 'completed', nCompleted: 3 })
  expect(outcomes.map((one) => one.status === 'answered' && [one.id, one.completion.text])).toEqual(
    [
      ['r0', 'to r0'],
      ['r1', 'to r1'],
      ['r2', 'to r2'],
    ],
  )
  expect(outcomes[0]).toMatchObject({
    batchId: 'batch_1',
    completion: {
      topLogprobs: [{ token: '87', logprob: -0.1 }],
      requestId: 'req_r0',
      attempts: [],
    },
  })
  expect(summary).toEqual({
    nRequests: 3,
    nAnswered: 3,
    failures: {},
    nUnreadableLines: 0,
    nStrayLines: 0,
    promptTokens: 3 * 312,
    completionTokens: 3,
    cachedPromptTokens: 0,
    costUsd: expect.closeTo((3 * 314) / 1e6, 12),
  })
})

test('too many requests or bytes are split into files, in order', async () => {
  await using running = await start({}, { maxRequestsPerBatch: 3 })
  const { server, client } = running
  const items = itemsOf(8)
  const state = await client.submit(items, { runKey: 'split' })
  expect(server.batches.map(({ lines }) => lines.map((line) => line.custom_id))).toEqual([
    ['r0', 'r1', 'r2'],
    ['r3', 'r4', 'r5'],
    ['r6', 'r7'],
  ])
  expect(server.batches.map(({ metadata }) => metadata['cem_part'])).toEqual(['1/3', '2/3', '3/3'])
  const { outcomes } = await finish(client, state, items)
  expect(outcomes.map(({ id }) => id)).toEqual(items.map(({ id }) => id))

  const bytes = state.parts.map((part) => part.sizeBytes)
  expect(bytes).toEqual(
    server.batches.map(({ body }) => server.files.get(String(body['input_file_id']))?.length),
  )
  // One byte less than three lines take.
  await using small = await start({}, { maxBytesPerBatch: (bytes[0] ?? 0) - 1 })
  await small.client.submit(items, { runKey: 'split' })
  expect(small.server.batches.map(({ lines }) => lines.length)).toEqual([2, 2, 2, 2])
})

test('what fails, is missing, expired or broken is told for each request, and nothing is lost', async () => {
  const filtered = { error: { message: 'filtered', code: 'content_filter' } }
  const paid = {
    usage: { prompt_tokens: 7, completion_tokens: 0 },
    error: { message: 'oops', type: 'server_error' },
  }
  await using running = await start({
    finish: () => ({
      status: 'expired',
      output: [
        outputLine('r0'),
        '{"custom_id": "r1", "response": {"status_c',
        outputLine('r0', completionBody({ text: 'again' })),
        outputLine('stranger'),
        outputLine('r2', { choices: [] }),
        'null',
        outputLine('r3', filtered, 400),
      ],
      error: [
        errorLine('r4', 'batch_expired'),
        errorLine('r5', 'server_error'),
        outputLine('r6', paid, 500),
        errorLine('r0', 'late'),
      ],
    }),
  })
  const { client } = running
  const items = itemsOf(9)
  const { outcomes, summary } = await finish(
    client,
    await client.submit(items, { runKey: 'partial' }),
    items,
  )
  expect(outcomes.map(({ id }) => id).toSorted()).toEqual(items.map(({ id }) => id))
  const byId = Object.fromEntries(outcomes.map((one) => [one.id, one]))
  expect(byId).toMatchObject({
    r0: { status: 'answered', completion: { text: 'to r0' } },
    r1: {
      reason: 'expired',
      detail: expect.stringContaining('2 lines of its files cannot be read'),
    },
    r2: { reason: 'malformed', detail: expect.stringContaining('choices[0]') },
    r3: { reason: 'http', httpStatus: 400, serverCode: 'content_filter', detail: 'filtered' },
    r4: { reason: 'expired', serverCode: 'batch_expired' },
    r5: { reason: 'error', serverCode: 'server_error', detail: 'because of server_error' },
    r6: { reason: 'http', httpStatus: 500, usage: { promptTokens: 7 } },
    r7: { reason: 'expired', batchId: 'batch_1' },
    r8: { reason: 'expired' },
  })
  expect(summary).toMatchObject({
    nRequests: 9,
    nAnswered: 1,
    failures: { malformed: 1, http: 2, expired: 4, error: 1 },
    nUnreadableLines: 2,
    nStrayLines: 3,
    promptTokens: 319,
    costUsd: null,
  })
})

test.each(['completed', 'failed', 'cancelled'])(
  '%s without any file tells each request why',
  async (status) => {
    const errors = [{ code: 'invalid_json_line', message: 'bad line', line: 2, param: null }]
    await using running = await start({ finish: () => ({ status, errors }) })
    const { client } = running
    const items = itemsOf(2)
    const { outcomes, state } = await finish(
      client,
      await client.submit(items, { runKey: 'none' }),
      items,
    )
    const reason = { completed: 'missing', failed: 'batch-failed', cancelled: 'cancelled' }[status]
    expect(outcomes).toMatchObject([
      { reason },
      { reason, detail: expect.stringContaining('bad line') },
    ])
    expect(state.parts[0]?.errors).toEqual([
      { code: 'invalid_json_line', message: 'bad line', line: 2 },
    ])
  },
)

test('batches that have not ended give each request as not finished', async () => {
  await using running = await start({}, { maxRequestsPerBatch: 1 })
  const { client } = running
  const items = itemsOf(2)
  const state = await client.submit(items, { runKey: 'early' })
  const { items: outcomes, end } = await drain<BatchOutcome, BatchSummary>(
    client.results(state, items),
  )
  expect(outcomes.map((one) => 'reason' in one && one.reason)).toEqual([
    'not-finished',
    'not-finished',
  ])
  expect(end.failures).toEqual({ 'not-finished': 2 })
})

class Crash extends Error {}

test('a crash at any moment of a submission, and the run goes on without a second batch', async () => {
  const items = itemsOf(5)
  const options = { maxRequestsPerBatch: 2 }
  let nMoments = 1
  for (let moment = 1; moment <= nMoments; moment++) {
    await using running = await start({}, options)
    const { server, client } = running
    let stored: string | undefined
    let nStates = 0
    const onState = (state: BatchState) => {
      nStates++
      // The crash comes before the state is on the disk, or, at odd moments, right after.
      if (moment % 2 === 1) stored = JSON.stringify(state)
      if (nStates === Math.ceil(moment / 2)) throw new Crash()
      stored = JSON.stringify(state)
    }
    await client.submit(items, { runKey: 'crash', onState }).catch((error: unknown) => {
      if (!(error instanceof Crash)) throw error
    })
    if (nStates === Math.ceil(moment / 2)) nMoments = moment + 1
    const state = await client.submit(items, {
      runKey: 'crash',
      state: stored && JSON.parse(stored),
    })
    expect(server.batches).toHaveLength(3)
    expect(server.count('POST /batches')).toBe(3)
    const { outcomes } = await finish(client, state, items)
    expect(outcomes.map(({ id }) => id)).toEqual(items.map(({ id }) => id))
    expect(state.parts.map((part) => part.duplicateBatchIds)).toEqual([[], [], []])
  }
  // Three parts with a few states each: the loop has seen them all.
  expect(nMoments).toBeGreaterThan(18)
})

test('a lost answer to the creation finds the batch in the list instead of making another', async () => {
  let nLost = 0
  await using running = await start({
    after: ({ method, url }, response) => {
      if (method !== 'POST' || !url.endsWith('/batches') || nLost++ > 0) return false
      response.socket?.resetAndDestroy()
      return true
    },
  })
  const { server, client } = running
  const items = itemsOf(2)
  const state = await client.submit(items, { runKey: 'lost' })
  expect(server.batches).toHaveLength(1)
  expect(state.parts[0]?.batchId).toBe('batch_1')
  expect((await finish(client, state, items)).summary.nAnswered).toBe(2)
})

test('a creation that was never heard is made again; one that is refused is not', async () => {
  let n = 0
  await using running = await start({
    before: ({ method, url }, response) => {
      if (method !== 'POST' || !url.endsWith('/batches') || n++ > 1) return false
      if (n === 1) response.socket?.resetAndDestroy()
      else sendJson(response, {}, 429, { 'retry-after': '1' })
      return true
    },
  })
  const state = await running.client.submit(itemsOf(1), { runKey: 'unheard' })
  expect(running.server.batches).toHaveLength(1)
  expect(state.parts[0]?.batchId).toBe('batch_1')

  await using refusing = await start({
    before: ({ method, url }, response) => {
      if (method !== 'POST' || !url.endsWith('/batches')) return false
      sendJson(response, { error: { message: 'no such endpoint' } }, 400)
      return true
    },
  })
  await expect(refusing.client.submit(itemsOf(1), { runKey: 'no' })).rejects.toMatchObject({
    code: 'chat-request-refused',
  })
  expect(refusing.server.count('POST /batches')).toBe(1)
})

test('a batch that turns up twice is cancelled and told', async () => {
  let answersLost = 0
  let listsEmpty = 0
  await using running = await start({
    // The first creation is heard, its answer lost, and the list does not show it yet: another is made.
    after: ({ method, url }, response) => {
      if (method === 'POST' && url.endsWith('/batches') && answersLost++ === 0) {
        response.socket?.resetAndDestroy()
        return true
      }
      if (method === 'GET' && url.includes('/batches?') && listsEmpty++ === 1) {
        sendJson(response, { object: 'list', data: [], has_more: false })
        return true
      }
      return false
    },
  })
  const { server, client } = running
  const state = await client.submit(itemsOf(2), { runKey: 'twice' })
  expect(server.batches).toHaveLength(2)
  expect(state.parts[0]).toMatchObject({ batchId: 'batch_1', duplicateBatchIds: ['batch_2'] })
  expect(server.batches[1]?.body).toMatchObject({ status: 'cancelling' })
})

test('other runs, other requests and refused batches are not taken over', async () => {
  let isRefusing = true
  await using running = await start({
    finish: (lines) =>
      isRefusing
        ? { status: 'failed', errors: [{ code: 'token_limit_exceeded', message: 'later' }] }
        : { status: 'completed', output: lines.map((line) => outputLine(line.custom_id)) },
  })
  const { server, client } = running
  const items = itemsOf(1)
  const first = await client.submit(items, { runKey: 'a' })
  const failed = await finish(client, first, items)
  expect(failed.outcomes).toMatchObject([{ reason: 'batch-failed' }])
  isRefusing = false
  const again = await client.submit(items, { runKey: 'a', state: failed.state })
  expect(again.parts[0]).toMatchObject({ batchId: 'batch_2', status: 'validating', errors: [] })
  expect((await finish(client, again, items)).summary.nAnswered).toBe(1)
  // The same run without its state finds its batch; another run and other requests make their own.
  expect((await client.submit(items, { runKey: 'a' })).parts[0]?.batchId).toBe('batch_2')
  expect((await client.submit(items, { runKey: 'b' })).parts[0]?.batchId).toBe('batch_3')
  expect((await client.submit(itemsOf(2), { runKey: 'a' })).parts[0]?.batchId).toBe('batch_4')
  // What has ended is not begun again with its state.
  const done = await finish(client, again, items)
  expect(await client.submit(items, { runKey: 'a', state: done.state })).toEqual(done.state)
  expect(server.batches).toHaveLength(4)
})

test('faults while polling and downloading are withstood, and no line is given twice', async () => {
  let n = 0
  await using running = await start(
    {
      before: ({ method, url }, response) => {
        if (method !== 'GET' || url.includes('/batches?')) return false
        n++
        if (n % 3 === 0) sendJson(response, {}, 500)
        else if (n % 3 === 1) response.socket?.resetAndDestroy()
        else if (url.endsWith('/content') && n < 40) {
          response.writeHead(200, {
            'content-type': 'application/jsonl',
            'content-length': '100000',
          })
          response.write(`${outputLine('r0')}\n${outputLine('r1')}\n{"custom`, () =>
            response.socket?.destroy(),
          )
        } else return false
        return true
      },
    },
    { maxAttempts: 60 },
  )
  const { client } = running
  const items = itemsOf(4)
  const { outcomes, summary } = await finish(
    client,
    await client.submit(items, { runKey: 'faults' }),
    items,
  )
  expect(outcomes.map(({ id, status }) => [id, status])).toEqual(
    items.map(({ id }) => [id, 'answered']),
  )
  expect(summary).toMatchObject({ nAnswered: 4, nStrayLines: 0, nUnreadableLines: 0 })
  expect(n).toBeGreaterThan(40)
})

test('it looks less often the longer nothing happens', async () => {
  let nLooks = 0
  await using running = await start(
    {
      before: ({ method, url }, response) => {
        if (method !== 'GET' || !url.includes('/batches/') || nLooks++ >= 6) return false
        sendJson(response, { id: 'batch_1', status: 'validating', created_at: 1, metadata: null })
        return true
      },
    },
    { pollIntervalInMs: 1000, maxPollIntervalInMs: 4000 },
  )
  const { client, clock } = running
  const { items: events } = await drain<BatchEvent, BatchState>(
    client.poll(await client.submit(itemsOf(1), { runKey: 'slow' })),
  )
  const waits = events.flatMap((event) => (event.type === 'poll-wait' ? [event.delayInMs] : []))
  expect(waits).toEqual([1500, 2250, 3375, 4000, 4000, 4000, 1000])
  for (const [i, wait] of waits.entries()) {
    expect(clock.delays[i]).toBeGreaterThan(wait * 0.8)
    expect(clock.delays[i]).toBeLessThan(wait * 1.2)
  }
})

test('a run is cancelled, and what was done by then is among the results', async () => {
  await using running = await start({
    finish: () => ({
      status: 'cancelled',
      output: [outputLine('r1')],
      error: [errorLine('r0', 'batch_cancelled')],
    }),
  })
  const { client } = running
  const items = itemsOf(3)
  const cancelled = await client.cancel(await client.submit(items, { runKey: 'stop' }))
  expect(cancelled.parts[0]?.status).toBe('cancelling')
  const { outcomes } = await finish(client, cancelled, items)
  expect(outcomes.map((one) => [one.id, 'reason' in one ? one.reason : one.status])).toEqual([
    ['r1', 'answered'],
    ['r0', 'cancelled'],
    ['r2', 'cancelled'],
  ])
})

test('what has ended in the meantime is not an error to cancel', async () => {
  await using running = await start({
    before: ({ url }, response) => {
      if (!url.endsWith('/cancel')) return false
      sendJson(response, { error: { message: "cannot cancel a batch that is 'completed'" } }, 400)
      return true
    },
  })
  const { client, server } = running
  const state = await client.submit(itemsOf(1), { runKey: 'late' })
  await expect(client.cancel(state)).rejects.toMatchObject({ code: 'chat-request-refused' })
  const cancelled = await client.cancel(state)
  expect(server.count('POST /batches/batch_1/cancel')).toBe(2)
  expect(cancelled.parts[0]).toMatchObject({ status: 'completed', nCompleted: 1 })
})

test('results that nobody reads on give up their connection, and no key or prompt is in them', async () => {
  const key = 'sk-proj-0123456789'
  const echo = { error: { message: `Bad: Question 0? with ${key}` } }
  const lines = Array.from({ length: 3 }, (_, i) => outputLine(`r${i}`, echo, 400))
  await using running = await start(
    { finish: () => ({ status: 'completed', output: lines }) },
    { apiKey: key },
  )
  const { client } = running
  const items = itemsOf(3)
  const { end } = await drain<BatchEvent, BatchState>(
    client.poll(await client.submit(items, { runKey: 'part' })),
  )
  for await (const outcome of client.results(end, items)) {
    expect(outcome).toMatchObject({ id: 'r0', detail: 'Bad: [prompt] with [key]' })
    break
  }
})

test('an abort ends a poll at once', async () => {
  await using running = await start()
  const { client } = running
  const controller = new AbortController()
  const state = await client.submit(itemsOf(1), { runKey: 'abort' })
  const poll = client.poll(state, { signal: controller.signal })
  await poll.next()
  controller.abort(new Error('enough'))
  await expect(drain(poll)).rejects.toThrow('enough')
})

test('a cost limit holds for the whole submission before anything is sent', async () => {
  const prices = { inputPerMillion: 1, outputPerMillion: 2 }
  await using running = await start({}, { prices, maxCostUsd: 300e-6 })
  const { server, client } = running
  const { mostUsd } = client.estimateCost(itemsOf(1))
  // {"model":"judge","messages":[{"role":"user","content":"Question 0?"}],"max_tokens":1}: 85 bytes, 80 of a template, an answer.
  expect(mostUsd).toBeCloseTo(167e-6, 12)
  await expect(client.submit(itemsOf(2), { runKey: 'dear' })).rejects.toMatchObject({
    code: 'cost-limit',
    data: { worstCaseUsd: expect.closeTo(334e-6, 12) },
  })
  expect(server.requests).toEqual([])
  await client.submit(itemsOf(1), { runKey: 'dear' })
})

test('a stored state that is none, or of something else, is refused', async () => {
  await using running = await start()
  const { client, server } = running
  const items = itemsOf(2)
  const state = await client.submit(items, { runKey: 'a' })
  const submit = (changed: unknown, given = items) =>
    client.submit(given, { runKey: 'a', state: changed })
  for (const [bad, reason] of [
    [7, /no object/],
    [{}, /version is undefined/],
    [{ ...state, version: 2 }, /version is 2/],
    [{ ...state, runKey: 'b' }, /runKey is 'b'/],
    [{ ...state, model: 'other' }, /model is 'other'/],
    [{ ...state, url: 'http://elsewhere/v1' }, /url is/],
    [{ ...state, parts: [{}] }, /no list of parts/],
  ] as const)
    await expect(submit(bad)).rejects.toMatchObject({
      code: 'batch-state-invalid',
      message: expect.stringMatching(reason),
    })
  await expect(submit(state, itemsOf(3))).rejects.toMatchObject({ code: 'batch-state-mismatch' })
  expect(server.batches).toHaveLength(1)
})

test.each<[readonly BatchItem[], string]>([
  [[], 'bad-batch-items'],
  [[...itemsOf(1), ...itemsOf(1)], 'bad-batch-items'],
  [[{ id: '', request: { messages: [{ role: 'user', content: 'x' }] } }], 'bad-batch-items'],
  [[{ id: 'a', request: { messages: [] } }], 'bad-chat-request'],
  [
    [{ id: 'a', request: { messages: [{ role: 'user', content: 'x'.repeat(2000) }] } }],
    'batch-request-too-large',
  ],
])('items that no batch can hold are refused (%#)', async (items, code) => {
  await using running = await start({}, { maxBytesPerBatch: 1000 })
  await expect(running.client.submit(items, { runKey: 'bad' })).rejects.toMatchObject({ code })
  expect(running.server.requests).toEqual([])
})

test.each<[Partial<BatchClientOptions>, RegExp]>([
  [{ maxRequestsPerBatch: 0 }, /maxRequestsPerBatch is 0/],
  [{ pollIntervalInMs: Number.NaN }, /pollIntervalInMs/],
  [{ maxCostUsd: 1 }, /without prices/],
  [{ model: '' }, /model is ""/],
])('the option %j is refused', (options, message) => {
  expect(() =>
    createBatchClient({ model: 'm', baseUrl: 'http://localhost/v1', environment: {}, ...options }),
  ).toThrow(message)
})

import { getEventListeners } from 'node:events'
import { expect, test } from 'vitest'
import { manualClock } from '../../test/clocks.ts'
import {
  type Admission,
  createRateLimiter,
  type LimiterEvent,
  type RateLimiterOptions,
} from './rate-limiter.ts'

function open(options: RateLimiterOptions = {}) {
  const clock = manualClock()
  const events: LimiterEvent[] = []
  const limiter = createRateLimiter({ clock, onEvent: (event) => events.push(event), ...options })
  const admitted: { name: string; admission: Admission }[] = []
  const ask = (name: string, tokens = 1, more: { isRetry?: boolean; signal?: AbortSignal } = {}) =>
    limiter.admit({ tokens, ...more }).then((admission) => void admitted.push({ name, admission }))
  const names = () => admitted.map(({ name }) => name).join('')
  return { clock, events, limiter, admitted, ask, names }
}

const answered = { headers: new Headers() }

test('no more are under way than may be, in the order they came, retries first', async () => {
  const { clock, limiter, admitted, ask, names } = open({ concurrency: 2, adaptive: false })
  for (const name of ['a', 'b', 'c', 'd']) void ask(name)
  void ask('r', 1, { isRetry: true })
  await clock.advance(0)
  expect(names()).toBe('ab')
  expect(limiter.state()).toMatchObject({ inFlight: 2, waiting: 3, concurrency: 2 })
  admitted[0]?.admission.end(answered)
  admitted[0]?.admission.end(answered)
  await clock.advance(0)
  expect(names()).toBe('abr')
  admitted[1]?.admission.end(answered)
  admitted[2]?.admission.end(answered)
  await clock.advance(0)
  expect(names()).toBe('abrcd')
})

test('an overload makes everybody wait as long as the server asked, at most a minute', async () => {
  const { clock, events, limiter, admitted, ask, names } = open()
  void ask('a')
  await clock.advance(0)
  admitted[0]?.admission.end({ isOverload: true, retryAfterInMs: 5000, headers: new Headers() })
  void ask('b')
  await clock.advance(4999)
  expect(names()).toBe('a')
  expect(limiter.state().pausedForInMs).toBe(1)
  await clock.advance(2)
  expect(names()).toBe('ab')
  admitted[1]?.admission.end({ isOverload: true, retryAfterInMs: 3_600_000 })
  void ask('c')
  await clock.advance(60_002)
  expect(names()).toBe('abc')
  expect(events).toEqual([
    { type: 'pause-start', durationInMs: 5000 },
    { type: 'concurrency-change', concurrency: 8, reason: 'overload' },
    { type: 'pause-start', durationInMs: 60_000 },
    { type: 'concurrency-change', concurrency: 4, reason: 'overload' },
  ])
  expect(limiter.state().overloads).toBe(2)
})

test('the window rises with answers while it is full, and says so', async () => {
  const { clock, events, admitted, ask } = open({ concurrency: 4, initialConcurrency: 1 })
  for (let i = 0; i < 12; i++) void ask(String(i))
  for (let i = 0; i < 12; i++) {
    await clock.advance(0)
    admitted[i]?.admission.end(answered)
  }
  expect(events).toEqual(
    [2, 3, 4].map((concurrency) => ({
      type: 'concurrency-change',
      concurrency,
      reason: 'recovery',
    })),
  )
})

test('where the server says that nothing remains, the next waits for what it needs', async () => {
  const { clock, admitted, ask, names } = open()
  void ask('a')
  await clock.advance(0)
  const headers = new Headers({
    'x-ratelimit-limit-tokens': '100',
    'x-ratelimit-remaining-tokens': '20',
    'x-ratelimit-reset-tokens': '8s',
  })
  admitted[0]?.admission.end({ headers })
  // 10 tokens come back each second: 60 are there after 4.
  void ask('b', 60)
  await clock.advance(3999)
  expect(names()).toBe('a')
  await clock.advance(2)
  expect(names()).toBe('ab')
})

test('budgets hold in every minute, and the real cost takes the place of the estimate', async () => {
  const { clock, limiter, admitted, ask, names } = open({ tokensPerMinute: 100 })
  void ask('a', 80)
  await clock.advance(7000)
  void ask('b', 50)
  await clock.advance(10_000)
  expect(names()).toBe('a')
  expect(limiter.state()).toMatchObject({ tokensInMinute: 80, requestsInMinute: null })
  admitted[0]?.admission.end({ ...answered, tokens: 30 })
  await clock.advance(0)
  expect(names()).toBe('ab')
  expect(limiter.state().tokensInMinute).toBe(80)
  void ask('c', 50)
  await clock.advance(43_999)
  expect(names()).toBe('ab')
  await clock.advance(2)
  expect(names()).toBe('abc')
})

test('a request that never fits is refused at once', async () => {
  const { limiter } = open({ tokensPerMinute: 100 })
  await expect(limiter.admit({ tokens: 101 })).rejects.toMatchObject({
    code: 'request-over-budget',
    data: { tokens: 101, tokensPerMinute: 100 },
  })
})

test('an aborted request leaves the queue and its listener, and holds nobody up', async () => {
  const { clock, limiter, admitted, ask, names } = open({ tokensPerMinute: 100 })
  void ask('a', 90)
  await clock.advance(7000)
  const controller = new AbortController()
  const reason = new Error('enough')
  const large = ask('b', 90, { signal: controller.signal })
  void ask('c', 10)
  await clock.advance(100)
  expect(names()).toBe('a')
  controller.abort(reason)
  await expect(large).rejects.toBe(reason)
  await clock.advance(0)
  expect(names()).toBe('ac')
  expect(limiter.state()).toMatchObject({ waiting: 0, inFlight: 2 })
  expect(getEventListeners(controller.signal, 'abort')).toEqual([])
  await expect(limiter.admit({ tokens: 1, signal: controller.signal })).rejects.toBe(reason)
  for (const { admission } of admitted) admission.end(answered)
})

test('a listener that throws leaves no place taken', async () => {
  const { clock, limiter, admitted, ask } = open({
    onEvent: () => {
      throw new Error('listener')
    },
  })
  void ask('a')
  await clock.advance(0)
  expect(() => admitted[0]?.admission.end({ isOverload: true })).toThrow('listener')
  expect(limiter.state().inFlight).toBe(0)
})

test.each([
  [{ concurrency: 0 }, /concurrency is 0/],
  [{ initialConcurrency: 1.5 }, /initialConcurrency/],
  [{ requestsPerMinute: 0 }, /requestsPerMinute is 0/],
  [{ tokensPerMinute: Number.NaN }, /tokensPerMinute/],
])('the option %j is refused', (options, message) => {
  expect(() => createRateLimiter(options)).toThrow(message)
})

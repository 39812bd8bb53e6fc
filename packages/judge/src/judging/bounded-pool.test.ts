import { getEventListeners } from 'node:events'
import { setTimeout as wait } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { boundedPool } from './bounded-pool.ts'

const reason = new Error('stop')
const options = { concurrency: 2, signal: undefined }

async function collect<T>(results: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = []
  for await (const result of results) all.push(result)
  return all
}

test('what ends first comes first, each with its place in the input', async () => {
  const results = await collect(
    boundedPool([30, 1, 2], async (ms) => wait(ms, ms * 10), { ...options, concurrency: 3 }),
  )
  expect(results).toEqual([
    { item: 1, index: 1, value: 10 },
    { item: 2, index: 2, value: 20 },
    { item: 30, index: 0, value: 300 },
  ])
})

test('no input gives no results', async () => {
  expect(await collect(boundedPool([], async () => 1, options))).toEqual([])
})

test('no more items are taken than may be under way, however slow the reader', async () => {
  let taken = 0
  function* numbers() {
    while (taken < 40) yield taken++
  }
  let running = 0
  let most = 0
  const work = async () => {
    most = Math.max(most, ++running)
    await wait(1)
    running--
  }
  let read = 0
  for await (const _ of boundedPool(numbers(), work, { ...options, concurrency: 4 })) {
    read++
    if (read % 10 === 0) await wait(10)
    expect(taken - read).toBeLessThanOrEqual(4)
  }
  expect(read).toBe(40)
  expect(most).toBe(4)
})

test('a slow input does not hold back what has ended', async () => {
  let release: (() => void) | undefined
  const gate = new Promise<void>((resolve) => {
    release = resolve
  })
  async function* input() {
    yield 'first'
    await gate
    yield 'second'
  }
  const results = boundedPool(input(), async (item) => item, options)
  expect((await results.next()).value).toMatchObject({ value: 'first' })
  release?.()
  expect((await results.next()).value).toMatchObject({ value: 'second' })
  expect((await results.next()).done).toBe(true)
})

test('after a failure, what was under way is yielded, nothing new is begun, and the failure comes', async () => {
  const begun: number[] = []
  const work = async (item: number) => {
    begun.push(item)
    if (item === 1) throw reason
    await wait(5)
    return item
  }
  const results = boundedPool([0, 1, 2, 3], work, options)
  expect((await results.next()).value).toMatchObject({ value: 0 })
  await expect(results.next()).rejects.toBe(reason)
  expect(begun).toEqual([0, 1])
})

test('a failure of the input comes after what was under way', async () => {
  function* input() {
    yield 1
    throw reason
  }
  const results = boundedPool(input(), async (item) => wait(2, item), options)
  expect((await results.next()).value).toMatchObject({ value: 1 })
  await expect(results.next()).rejects.toBe(reason)
})

async function* stuck() {
  yield 1
  await new Promise(() => undefined)
}

test('an abort is heeded at once, also where work and input are stuck, and leaves no listener', async () => {
  const controller = new AbortController()
  const signals: AbortSignal[] = []
  const work = (_: number, signal: AbortSignal) => {
    signals.push(signal)
    return new Promise(() => undefined)
  }
  const results = boundedPool(stuck(), work, { concurrency: 3, signal: controller.signal })
  const next = results.next()
  await wait(1)
  controller.abort(reason)
  await expect(next).rejects.toBe(reason)
  expect(signals.map((signal) => signal.reason)).toEqual([reason])
  expect(getEventListeners(controller.signal, 'abort')).toEqual([])
  const late = boundedPool([1], work, { concurrency: 1, signal: controller.signal })
  await expect(late.next()).rejects.toBe(reason)
})

test('leaving the loop aborts what is under way and closes the input', async () => {
  let isClosed = false
  function* input() {
    try {
      yield 0
      yield 1
    } finally {
      isClosed = true
    }
  }
  const signals: AbortSignal[] = []
  const work = async (item: number, signal: AbortSignal) => {
    signals.push(signal)
    if (item === 1) await new Promise(() => undefined)
  }
  for await (const _ of boundedPool(input(), work, options)) break
  expect(isClosed).toBe(true)
  expect(signals.every((signal) => signal.aborted)).toBe(true)
})

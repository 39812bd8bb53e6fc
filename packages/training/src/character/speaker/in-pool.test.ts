import { expect, test } from 'vitest'
import { inPool } from './in-pool.ts'

test('keeps a number of items under way, and gives each as it is done', async () => {
  let underWay = 0
  let most = 0
  const release: (() => void)[] = []
  const pool = inPool([0, 1, 2, 3], 2, async (item) => {
    most = Math.max(most, ++underWay)
    await new Promise<void>((resolve) => {
      release[item] = resolve
    })
    underWay--
    return item
  })
  const first = pool.next()
  await Promise.resolve()
  release[1]?.()
  expect((await first).value).toBe(1)
  const second = pool.next()
  await new Promise((resolve) => setImmediate(resolve))
  release[2]?.()
  expect((await second).value).toBe(2)
  const rest: unknown[] = []
  const third = pool.next()
  await new Promise((resolve) => setImmediate(resolve))
  release[0]?.()
  release[3]?.()
  rest.push((await third).value, (await pool.next()).value)
  expect(new Set(rest)).toEqual(new Set([0, 3]))
  expect((await pool.next()).done).toBe(true)
  expect(most).toBe(2)
})

test('begins nothing after a failure, gives what was under way, and then throws it', async () => {
  const begun: number[] = []
  const given: number[] = []
  const read = async () => {
    const pool = inPool([0, 1, 2, 3, 4], 2, async (item) => {
      begun.push(item)
      if (item === 0) throw new Error('no')
      await new Promise((resolve) => setImmediate(resolve))
      return item
    })
    for await (const item of pool) given.push(item)
  }
  await expect(read()).rejects.toThrow('no')
  expect(begun).toEqual([0, 1])
  expect(given).toEqual([1])
})

import { expect, test } from 'vitest'
import { ServerHeadroom } from './server-headroom.ts'

test('nothing is known before the server has said something, nor after its reset', () => {
  const room = new ServerHeadroom()
  expect(room.delayInMs(0, 1e9)).toBe(0)
  room.note({ remaining: 0, resetInMs: 5000, limit: undefined }, 1000, 0)
  expect(room.delayInMs(1000, 1)).toBe(5000)
  expect(room.delayInMs(5999, 1)).toBe(1)
  expect(room.delayInMs(6000, 1)).toBe(0)
})

test('what is begun since takes from what remains', () => {
  const room = new ServerHeadroom()
  room.note({ remaining: 10, resetInMs: 5000, limit: undefined }, 0, 4)
  expect(room.delayInMs(0, 6)).toBe(0)
  room.take(1)
  expect(room.delayInMs(0, 6)).toBe(5000)
  expect(room.delayInMs(0, 5)).toBe(0)
})

test('a limit that is known comes back evenly', () => {
  const room = new ServerHeadroom()
  // 40 of 100 are gone and are back in 4 seconds: 10 a second.
  room.note({ remaining: 60, resetInMs: 4000, limit: 100 }, 0, 0)
  expect(room.delayInMs(0, 60)).toBe(0)
  expect(room.delayInMs(0, 70)).toBe(1000)
  expect(room.delayInMs(500, 70)).toBe(500)
  // More than the limit never fits: the server shall say so itself.
  expect(room.delayInMs(0, 1000)).toBe(4000)
})

test('no wait is longer than a minute, and none where the server gives no time', () => {
  const room = new ServerHeadroom()
  room.note({ remaining: 0, resetInMs: 3_600_000, limit: undefined }, 0, 0)
  expect(room.delayInMs(0, 1)).toBe(60_000)
  expect(room.delayInMs(60_000, 1)).toBe(0)
  room.note({ remaining: 0, resetInMs: undefined, limit: 5 }, 0, 0)
  expect(room.delayInMs(0, 1)).toBe(0)
})

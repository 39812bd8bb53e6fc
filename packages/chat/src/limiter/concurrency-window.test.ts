import { expect, test } from 'vitest'
import { ConcurrencyWindow } from './concurrency-window.ts'

const open = (most: number, initial: number, isAdaptive = true) =>
  new ConcurrencyWindow({ most, initial, isAdaptive })

const answers = (window: ConcurrencyWindow, n: number, wasFull = true) => {
  for (let i = 0; i < n; i++) window.noteAnswer(wasFull)
  return window.size
}

test('it grows by one for each answer at the start, up to the most', () => {
  const window = open(20, 4)
  expect(answers(window, 3)).toBe(7)
  expect(answers(window, 100)).toBe(20)
})

test('after an overload it is half, and grows by one for a whole window of answers', () => {
  const window = open(20, 8)
  window.noteOverload(7, 8)
  expect(window.size).toBe(4)
  // 4, 4.25, 4.485, 4.708, 4.921, 5.124: the fifth answer reaches 5.
  expect(answers(window, 4)).toBe(4)
  expect(answers(window, 1)).toBe(5)
})

test('one storm halves it once, a later one again, and it never falls below one', () => {
  const window = open(16, 16)
  for (let request = 0; request < 16; request++) window.noteOverload(request, 16)
  expect(window.size).toBe(8)
  window.noteOverload(16, 20)
  expect(window.size).toBe(4)
  for (let request = 20; request < 40; request++) window.noteOverload(request, request + 1)
  expect(window.size).toBe(1)
})

test('answers while fewer are under way than may be say nothing', () => {
  expect(answers(open(20, 4), 50, false)).toBe(4)
})

test('one that does not adapt stays at the most', () => {
  const window = open(20, 4, false)
  window.noteOverload(0, 1)
  expect(answers(window, 3)).toBe(20)
})

import { expect, test } from 'vitest'
import { batchOrder, type Order, stepsPerEpoch } from './batch-order.ts'
import { microBatches } from './micro-batches.ts'

const lengths = Array.from({ length: 103 }, (_, i) => ((i * 37) % 90) + 5)
const orderOf = (order: Order, seed = 1, epoch = 0) =>
  batchOrder({ lengths, batchSize: 8, order, seed, epoch })

test.each<Order>(['random', 'length-grouped', 'file'])(
  'order %s takes every example once',
  (order) => {
    const batches = orderOf(order)
    expect(batches).toHaveLength(stepsPerEpoch(103, 8))
    expect(batches.map((batch) => batch.length)).toEqual([
      ...Array.from({ length: 12 }, () => 8),
      7,
    ])
    const all = batches.flat().toSorted((a, b) => a - b)
    expect(all).toEqual(lengths.map((_, i) => i))
  },
)

test('the order follows the seed and the epoch', () => {
  for (const order of ['random', 'length-grouped'] as const) {
    expect(orderOf(order)).toEqual(orderOf(order))
    expect(orderOf(order, 2)).not.toEqual(orderOf(order))
    expect(orderOf(order, 1, 1)).not.toEqual(orderOf(order))
  }
  expect(orderOf('file', 2, 5).flat()).toEqual(lengths.map((_, i) => i))
})

test('grouping by length pads far less', () => {
  const padding = (order: Order) =>
    orderOf(order)
      .map((batch) => {
        const tokens = batch.map((i) => lengths[i] ?? 0)
        return Math.max(...tokens) * tokens.length - tokens.reduce((a, b) => a + b, 0)
      })
      .reduce((a, b) => a + b, 0)
  expect(padding('length-grouped')).toBeLessThan(0.25 * padding('random'))
})

test('micro-batches hold the budget with padding, and keep what is too long alone', () => {
  const examples = [3, 10, 4, 9, 25, 2]
  const batches = microBatches(examples, (length) => length, 20)
  expect(batches).toEqual([[25], [10, 9], [4, 3, 2]])
  expect(microBatches([], (length: number) => length, 20)).toEqual([])
})

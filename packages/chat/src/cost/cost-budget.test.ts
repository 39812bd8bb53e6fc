import { getEventListeners } from 'node:events'
import { expect, test } from 'vitest'
import { createCostBudget, isCostLimitError } from './cost-budget.ts'

const nothing = { spentUsd: 0, possibleUsd: 0 }

test('what does not fit beside what is under way waits until that is settled', async () => {
  const budget = createCostBudget({ maxUsd: 10 })
  const first = await budget.reserve(6)
  const order: string[] = []
  const second = budget.reserve(5).then((reservation) => {
    order.push('second')
    return reservation
  })
  const third = budget.reserve(1).then(() => order.push('third'))
  await new Promise((resolve) => setImmediate(resolve))
  // The third would fit, and does not overtake.
  expect(order).toEqual([])
  expect(budget.state()).toEqual({ maxUsd: 10, spentUsd: 0, possibleUsd: 0, reservedUsd: 6 })
  first.settle({ spentUsd: 2, possibleUsd: 0 })
  first.settle({ spentUsd: 2, possibleUsd: 0 })
  await Promise.all([second, third])
  expect(order).toEqual(['second', 'third'])
  expect(budget.state()).toEqual({ maxUsd: 10, spentUsd: 2, possibleUsd: 0, reservedUsd: 6 })
})

test('what passes the limit with what is spent and what may be is refused, and less is not', async () => {
  const budget = createCostBudget({ maxUsd: 10, alreadySpentUsd: 4 })
  const one = await budget.reserve(3)
  one.settle({ spentUsd: 1, possibleUsd: 2 })
  const error = await budget.reserve(3.01).catch((thrown: unknown) => thrown)
  expect(isCostLimitError(error)).toBe(true)
  expect(error).toMatchObject({
    code: 'cost-limit',
    message: expect.stringContaining('5.00 USD are spent, and up to 2.00 USD by attempts'),
    data: { maxUsd: 10, spentUsd: 5, possibleUsd: 2, worstCaseUsd: 3.01 },
  })
  const rest = await budget.reserve(3)
  rest.settle(nothing)
  expect(budget.state().reservedUsd).toBe(0)
})

test('many small amounts fit exactly, whatever their rounding', async () => {
  // 0.1 + 0.1 + ... is a little more than 1 in binary fractions.
  const budget = createCostBudget({ maxUsd: 0.7 })
  for (let i = 0; i < 7; i++) {
    const reservation = await budget.reserve(0.1)
    reservation.settle({ spentUsd: 0.1, possibleUsd: 0 })
  }
  await expect(budget.reserve(1e-6)).rejects.toMatchObject({ code: 'cost-limit' })
})

test('an aborted wait leaves no listener and holds nobody up', async () => {
  const budget = createCostBudget({ maxUsd: 10 })
  const controller = new AbortController()
  const first = await budget.reserve(8)
  const large = budget.reserve(9, controller.signal)
  const small = budget.reserve(2)
  const reason = new Error('enough')
  controller.abort(reason)
  await expect(large).rejects.toBe(reason)
  await small
  expect(getEventListeners(controller.signal, 'abort')).toEqual([])
  await expect(budget.reserve(0, controller.signal)).rejects.toBe(reason)
  first.settle(nothing)
})

test.each([
  [{ maxUsd: -1 }, /maxUsd is -1/],
  [{ maxUsd: Number.NaN }, /maxUsd/],
  [{ maxUsd: 1, alreadySpentUsd: -0.5 }, /alreadySpentUsd is -0.5/],
])('%j is refused', (options, message) => {
  expect(() => createCostBudget(options)).toThrow(message)
})

import { expect, test } from 'vitest'
import { CemError } from './errors.ts'

test('an error of another copy of the package is recognised, other values are not', () => {
  const foreign = Object.defineProperty(new Error('x'), Symbol.for('@cem/core/CemError'), {
    value: true,
  })
  expect(CemError.isInstance(foreign)).toBe(true)
  expect(CemError.isInstance(new CemError({ code: 'a', message: 'b' }))).toBe(true)
  for (const value of [new Error('x'), null, undefined, 'x', {}])
    expect(CemError.isInstance(value)).toBe(false)
})

test('an error crosses a process boundary as JSON with its code and data', () => {
  const error = new CemError({ code: 'bad-shape', message: 'no', data: { shape: [2, 3] } })
  const back = CemError.fromJSON(JSON.parse(JSON.stringify(error)))
  expect(back).toMatchObject({ code: 'bad-shape', message: 'no', data: { shape: [2, 3] } })
})

import { expect, test } from 'vitest'
import { nearest } from './nearest.ts'

test('a mistyped word finds the nearest allowed one, a strange word finds none', () => {
  expect(nearest('temprature', ['temperature', 'seed'])).toBe('temperature')
  expect(nearest('variant', ['variants', 'base_model'])).toBe('variants')
  expect(nearest('x', ['y', 'z'])).toBeUndefined()
  expect(nearest('', ['a'])).toBeUndefined()
})

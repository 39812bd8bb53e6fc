import { expect, test } from 'vitest'
import { differenceOf, type Sight, seenWith } from '../test/colour-difference.ts'
import { type ColourScale, colourAt, diverging, inkOn, sequential } from './colour-scales.ts'

const sights: readonly Sight[] = ['normal', 'protanopia', 'deuteranopia', 'tritanopia']
const lightness = (scale: ColourScale, sight: Sight) =>
  Array.from({ length: 21 }, (_, i) => seenWith(sight, colourAt(scale, i / 20))[0])

test.each(sights)('the sequential scale gets darker all along, as seen with %s', (sight) => {
  const values = lightness(sequential, sight)
  for (const [i, value] of values.slice(1).entries()) expect(value).toBeLessThan(values[i] ?? 0)
})

test.each(sights)('both sides of the diverging scale are told apart, as seen with %s', (sight) => {
  for (const share of [0, 0.125, 0.25]) {
    const [low, high] = [colourAt(diverging, share), colourAt(diverging, 1 - share)]
    expect(differenceOf(seenWith(sight, low), seenWith(sight, high))).toBeGreaterThan(25)
  }
  const values = lightness(diverging, sight)
  expect(Math.max(...values)).toBe(values[10])
})

test('stops are met, and shares beyond the ends are the ends', () => {
  expect(colourAt(['#000000', '#808080', '#ffffff'], 0.5)).toBe('#808080')
  // A quarter: half way from 0 to 128.
  expect(colourAt(['#000000', '#808080', '#ffffff'], 0.25)).toBe('#404040')
  expect(colourAt(['#000000', '#ffffff'], -3)).toBe('#000000')
  expect(colourAt(['#000000', '#ffffff'], 7)).toBe('#ffffff')
})

test('text has at least 4.5 : 1 contrast on every colour of the scales', () => {
  const luminance = (colour: string) => {
    const digits = colour.length === 4 ? colour.replaceAll(/[^#]/g, '$&$&') : colour
    const [r = 0, g = 0, b = 0] = [1, 3, 5].map((at) => {
      const c = Number.parseInt(digits.slice(at, at + 2), 16) / 255
      return c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4
    })
    return 0.2126 * r + 0.7152 * g + 0.0722 * b
  }
  for (const scale of [sequential, diverging])
    for (let i = 0; i <= 40; i++) {
      const colour = colourAt(scale, i / 40)
      const [a, b] = [luminance(colour), luminance(inkOn(colour))]
      expect((Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05)).toBeGreaterThan(4.5)
    }
})

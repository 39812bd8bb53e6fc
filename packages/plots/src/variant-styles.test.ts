import { expect, test } from 'vitest'
import { differenceOf, type Sight, seenWith } from '../test/colour-difference.ts'
import { palette, variantStyles } from './index.ts'

const named = (count: number) => Array.from({ length: count }, (_, i) => ({ variant: `v${i}` }))
const looks = (rows: Parameters<typeof variantStyles>[0]) =>
  [...variantStyles(rows).values()].map(({ colour, shape, dash }) =>
    JSON.stringify([colour, shape, dash]),
  )

test.each<[Sight, number]>([
  ['normal', 22],
  ['protanopia', 12],
  ['deuteranopia', 12],
  ['tritanopia', 10.8],
])('with %s sight any two of the eight colours differ by at least %f', (sight, least) => {
  const colours = palette.map((colour) => seenWith(sight, colour))
  const differences = colours.flatMap((a, i) => colours.slice(i + 1).map((b) => differenceOf(a, b)))
  expect(differences).toHaveLength(28)
  expect(Math.min(...differences)).toBeGreaterThanOrEqual(least)
})

test('the colour difference agrees with pairs of its published test data', () => {
  // Sharma, Wu and Dalal (2005), table 1, pairs 1, 7 and 17.
  expect(differenceOf([50, 2.6772, -79.7751], [50, 0, -82.7485])).toBeCloseTo(2.0425, 4)
  expect(differenceOf([50, 0, 0], [50, -1, 2])).toBeCloseTo(2.3669, 4)
  expect(differenceOf([50, 2.5, 0], [73, 25, -18])).toBeCloseTo(27.1492, 4)
})

test('the first eight variants have a colour and a mark of their own and solid lines', () => {
  const styles = [...variantStyles(named(8)).values()]
  expect(new Set(styles.map((style) => style.colour)).size).toBe(8)
  expect(new Set(styles.map((style) => style.shape)).size).toBe(8)
  expect(styles.flatMap((style) => style.dash)).toEqual([])
})

test('256 variants can be told apart, and the ninth has another mark and dash than the first', () => {
  expect(new Set(looks(named(256))).size).toBe(256)
  const [first, ninth] = [variantStyles(named(9)).get('v0'), variantStyles(named(9)).get('v8')]
  expect(ninth?.colour).toBe(first?.colour)
  expect(ninth?.shape).not.toBe(first?.shape)
  expect(ninth?.dash).not.toEqual(first?.dash)
})

test('the variants of a condition share its colour and differ in mark', () => {
  const rows = [
    { variant: 'a1', condition: 'a' },
    { variant: 'b1', condition: 'b' },
    { variant: 'a2', condition: 'a' },
  ]
  const styles = variantStyles(rows)
  expect(styles.get('a2')?.colour).toBe(styles.get('a1')?.colour)
  expect(styles.get('b1')?.colour).not.toBe(styles.get('a1')?.colour)
  expect(styles.get('a2')?.shape).not.toBe(styles.get('a1')?.shape)
})

test('a persona has its mark in every condition, and its replicates differ in dash', () => {
  const rows = ['plain', 'attacked'].flatMap((condition) =>
    ['warm', 'steadfast'].flatMap((persona) =>
      [0, 1].map((seed) => ({ variant: `${condition} ${persona} ${seed}`, condition, persona })),
    ),
  )
  const styles = variantStyles(rows)
  expect(styles.get('plain warm 0')?.shape).toBe(styles.get('attacked warm 1')?.shape)
  expect(styles.get('plain warm 0')?.shape).not.toBe(styles.get('plain steadfast 0')?.shape)
  expect(styles.get('plain warm 0')?.dash).not.toEqual(styles.get('plain warm 1')?.dash)
  expect(new Set(looks(rows)).size).toBe(8)
})

test('a condition named like a variant is not that variant', () => {
  const styles = variantStyles([{ variant: 'a' }, { variant: 'b', condition: 'a' }])
  expect(styles.get('a')?.colour).not.toBe(styles.get('b')?.colour)
})

test('rows may leave a condition out, but not name two for a variant', () => {
  expect(variantStyles([{ variant: 'a' }, { variant: 'a', condition: 'x' }]).size).toBe(1)
  const rows = [
    { variant: 'a', condition: 'x' },
    { variant: 'a', condition: 'y' },
  ]
  expect(() => variantStyles(rows)).toThrow(
    expect.objectContaining({
      code: 'plot-row-invalid',
      message: expect.stringContaining(
        'variant "a" has the condition "y", an earlier row says "x"',
      ),
    }),
  )
})

test('no rows have no styles, and a variant that is no text is refused', () => {
  expect(variantStyles([]).size).toBe(0)
  expect(() => variantStyles([{ variant: 3 as unknown as string }])).toThrow('variant is 3')
})

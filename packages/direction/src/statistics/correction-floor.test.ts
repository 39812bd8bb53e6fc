import { expect, test } from 'vitest'
import { benjaminiHochberg } from './benjamini-hochberg.ts'
import { correctionFloor } from './correction-floor.ts'
import { holm } from './holm.ts'

const overEight = 2 / 256

test('over 8 questions six tests leave significance possible, seven make it impossible', () => {
  // 6 x 2/256 = 0.0469, 7 x 2/256 = 0.0547.
  expect(correctionFloor({ smallestAttainableP: overEight, familySize: 6 })).toMatchObject({
    isImpossible: false,
    nTogether: 1,
    largestFamily: 6,
  })
  expect(correctionFloor({ smallestAttainableP: overEight, familySize: 7 })).toEqual({
    isImpossible: true,
    nTogether: null,
    largestFamily: 6,
    sentence:
      'The smallest p that these questions can give is 0.0078; Holm over 7 tests makes significance at 0.05 impossible: at most 6 can be declared.',
  })
})

test("by Benjamini and Hochberg's procedure enough tests together still can", () => {
  const method = 'Benjamini-Hochberg'
  const ten = correctionFloor({ smallestAttainableP: overEight, familySize: 10, method })
  // 10 x 2/256 / 2 = 0.039.
  expect(ten).toMatchObject({ isImpossible: false, nTogether: 2 })
  expect(ten.sentence).toContain('only where 2 of them reach it together')
  const never = correctionFloor({ smallestAttainableP: 0.125, familySize: 3, method })
  expect(never).toMatchObject({ isImpossible: true, largestFamily: 0 })
  expect(never.sentence).toContain('impossible: ask more questions')
})

test('a product that is alpha but for rounding is alpha', () => {
  // 3 x 0.1 > 0.3 in doubles.
  const result = correctionFloor({ smallestAttainableP: 0.1, familySize: 3, alpha: 0.3 })
  expect(result).toMatchObject({ isImpossible: false, largestFamily: 3 })
})

test('the adjusted family names the tests that could not have been significant', () => {
  const tests = Array.from({ length: 7 }, (_, i) => ({
    name: `persona ${i}`,
    p: 0.2,
    smallestAttainableP: overEight,
  }))
  const seven = holm(tests)
  expect(seven.tests[3]?.smallestAdjusted).toBeCloseTo(7 * overEight, 12)
  expect(seven.warnings).toEqual([
    expect.stringMatching(
      /^Holm over 7 tests makes significance at 0.05 impossible for persona 0, /,
    ),
  ])
  expect(holm(tests.slice(0, 6)).warnings).toEqual([])
  // All seven at 2/256 together: 7 x 2/256 / 7.
  expect(benjaminiHochberg(tests)).toMatchObject({
    warnings: [],
    tests: [{ smallestAdjusted: overEight }, {}, {}, {}, {}, {}, {}],
  })
  const mixed = [{ name: 't test', p: 0.2 }, ...tests]
  const mixedFamily = holm(mixed)
  expect(mixedFamily.tests[0]?.smallestAdjusted).toBe(0)
  expect(mixedFamily.warnings[0]).not.toContain('t test')
})

test('impossible options are refused', () => {
  expect(() => correctionFloor({ smallestAttainableP: 0, familySize: 1 })).toThrow(
    'smallestAttainableP is 0',
  )
  expect(() => correctionFloor({ smallestAttainableP: 0.1, familySize: 0 })).toThrow(
    'familySize is 0',
  )
  expect(() => holm([{ name: 'x', p: 0.5, smallestAttainableP: 2 }])).toThrow(
    'Test "x" has smallestAttainableP 2',
  )
})

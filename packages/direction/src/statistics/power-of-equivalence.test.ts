import { randomSource } from '@cem/core'
import { expect, test } from 'vitest'
import { golden } from '../../golden/golden.ts'
import { equivalence } from './equivalence.ts'
import { equivalencePower, powerOfEquivalence } from './power-of-equivalence.ts'

test.each(golden.scale.twoOneSidedPower)(
  'the power of the plain tests (t %d, df %d, %d, %d) agrees with quadrature by scipy',
  (_, degreesOfFreedom = 0, lower = 0, upper = 0, expected = 0) => {
    // In units of the standard error: difference + margin and difference - margin.
    const power = equivalencePower({
      margin: (lower - upper) / 2,
      difference: (lower + upper) / 2,
      standardError: 1,
      degreesOfFreedom,
      alpha: 0.05,
      unseen: 0,
    })
    expect(power).toBeCloseTo(expected, 7)
  },
)

test('the power of the plain tests is the published one of a crossover trial', () => {
  // CV 0.3, true ratio 0.95, limits 0.8 to 1.25, 40 subjects: 0.8158 (Phillips' method, as in R's PowerTOST).
  const power = equivalencePower({
    margin: Math.log(1.25),
    difference: Math.log(0.95),
    standardError: Math.sqrt(Math.log1p(0.3 ** 2)) * Math.sqrt(2 / 40),
    degreesOfFreedom: 38,
    alpha: 0.05,
    unseen: 0,
  })
  expect(power).toBeCloseTo(0.8158, 4)
})

test('with the unseen question it is how often the tests pass', () => {
  const design = { margin: 0.2, sdOfDifferences: 0.15, nQuestions: 12, difference: 0.03 }
  const source = randomSource('power of equivalence', 1)
  const nReplicates = 4000
  let passed = 0
  for (let replicate = 0; replicate < nReplicates; replicate++) {
    const d = Array.from({ length: 12 }, () => 0.03 + 0.15 * source.normal())
    const estimate = d.reduce((a, b) => a + b, 0) / 12
    const variance = d.reduce((a, b) => a + (b - estimate) ** 2, 0) / 11
    const standardError = Math.sqrt(variance / 12)
    const difference = { estimate, standardError, degreesOfFreedom: 11, t: 0 }
    if (equivalence(difference, { margin: 0.2 }).isEquivalent) passed++
  }
  // Four standard errors of a share of 4000.
  expect(Math.abs(passed / nReplicates - Number(powerOfEquivalence(design)))).toBeLessThan(0.032)
  expect(powerOfEquivalence(design)).toBeLessThan(
    Number(powerOfEquivalence({ ...design, unseen: 0 })),
  )
})

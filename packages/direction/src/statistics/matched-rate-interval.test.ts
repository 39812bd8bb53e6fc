import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { isAbsent } from '../absent.ts'
import { matchedRateInterval } from './matched-rate-interval.ts'
import type { StatisticRow } from './rows.ts'

interface Case {
  readonly name: string
  /** Counts of ones, [checkpoints][questions]. */
  readonly em: readonly (readonly number[])[]
  readonly emSizes: readonly number[]
  readonly inDomain: readonly (readonly number[])[]
  readonly inDomainSizes: readonly number[]
  readonly estimate: number
  readonly standardError: number
  readonly degreesOfFreedom: number
  readonly low: number
  readonly high: number
}

/** By numpy and scipy: golden/make_matched.py. */
const golden = JSON.parse(
  readFileSync(new URL('../../golden/matched.json', import.meta.url), 'utf8'),
) as { target: number; cases: Case[] }

const rowsOf = (ones: readonly number[], sizes: readonly number[]): StatisticRow[] =>
  ones.flatMap((count, q) =>
    Array.from({ length: sizes[q] ?? 0 }, (_, i) => ({
      question: `q${q}`,
      value: i < count ? 1 : 0,
    })),
  )
const checkpointsOf = ({ em, emSizes, inDomain, inDomainSizes }: Case) =>
  em.map((ones, i) => ({
    step: 10 * i,
    em: rowsOf(ones, emSizes),
    inDomain: rowsOf(inDomain[i] ?? [], inDomainSizes),
  }))

test.each(golden.cases)(
  'estimate, error and interval are those of numpy and scipy: $name',
  (one) => {
    const found = matchedRateInterval(checkpointsOf(one), { target: golden.target })
    expect(found.emRate).toBeCloseTo(one.estimate, 12)
    expect(found.standardError).toBeCloseTo(one.standardError, 12)
    expect(found.degreesOfFreedom).toBeCloseTo(one.degreesOfFreedom, 9)
    if (isAbsent(found.interval)) throw new Error(found.interval.absent)
    expect(found.interval.low).toBeCloseTo(one.low, 7)
    expect(found.interval.high).toBeCloseTo(one.high, 7)
    expect(found).toMatchObject({
      nQuestions: one.emSizes.length,
      nInDomainQuestions: one.inDomainSizes.length,
    })
  },
)

const [small] = golden.cases as [Case, ...Case[]]

test('it is wider than one that takes the in-domain rates as known', () => {
  const found = matchedRateInterval(checkpointsOf(small), { target: golden.target })
  expect(found.inDomainShare).toBeGreaterThan(0.05)
  expect(found.inDomainShare).toBeLessThan(1)
})

describe('an interval says how often such intervals hold the truth', () => {
  test('or that nothing like it was simulated', () => {
    const coverageOf = (one: Case, level?: number) =>
      matchedRateInterval(checkpointsOf(one), {
        target: golden.target,
        ...(level === undefined ? {} : { level }),
      })
    expect(coverageOf(small).coverage).toMatchObject({
      settings: expect.stringContaining('8 questions, 4 in-domain questions'),
    })
    expect(coverageOf(small, 0.9)).toMatchObject({
      coverage: { absent: expect.stringContaining('level 0.95') },
      isReliable: false,
    })
    const fewer = (n: number): Case => ({
      ...small,
      inDomain: small.inDomain.map((ones) => ones.slice(0, n)),
      inDomainSizes: small.inDomainSizes.slice(0, n),
    })
    expect(coverageOf(fewer(3))).toMatchObject({
      coverage: { absent: expect.stringContaining('4 in-domain questions and more, there are 3') },
    })
  })
})

describe('where there is no interval there is a reason', () => {
  const reasonOf = (checkpoints: ReturnType<typeof checkpointsOf>) => {
    const { interval } = matchedRateInterval(checkpoints, { target: golden.target })
    return isAbsent(interval) ? interval.absent : 'an interval'
  }
  const checkpoint = (step: number, em: readonly number[], inDomain: readonly number[]) => ({
    step,
    em: rowsOf(
      em,
      em.map(() => 10),
    ),
    inDomain: rowsOf(
      inDomain,
      inDomain.map(() => 10),
    ),
  })

  test('nothing, no crossing, one question', () => {
    expect(reasonOf([])).toBe('no checkpoints')
    expect(reasonOf([checkpoint(0, [1, 2], [1, 2])])).toContain('never reaches the target')
    expect(reasonOf([checkpoint(0, [1], [0, 0]), checkpoint(1, [5], [9, 9])])).toContain(
      'one question',
    )
    expect(reasonOf([checkpoint(0, [1, 2], [0]), checkpoint(1, [5, 6], [9])])).toContain(
      'one in-domain question',
    )
  })

  test('one of the in-domain questions alone carries the rate over the target', () => {
    expect(reasonOf([checkpoint(0, [1, 2], [0, 0]), checkpoint(1, [5, 6], [10, 6])])).toMatch(
      /^without one of the questions the in-domain rate never reaches/,
    )
  })

  test('rows without a score count for nothing, and other values are refused', () => {
    const rows = checkpointsOf(small)
    const withNull = rows.map((one) => ({
      ...one,
      em: [...one.em, { question: 'q0', value: null }],
    }))
    expect(matchedRateInterval(withNull, { target: golden.target })).toEqual(
      matchedRateInterval(rows, { target: golden.target }),
    )
    const bad = [{ step: 0, em: [{ question: 'q', value: 0.5 }], inDomain: [] }]
    expect(() => matchedRateInterval(bad, { target: 0.7 })).toThrow(/must be 0, 1, or null/)
  })
})

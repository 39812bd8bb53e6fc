import type { RandomSource } from '@cem/core'

/** How the rates of questions spread: logistic(centre + spread * z), z standard normal. */
export interface RateSpread {
  readonly centre: number
  readonly spread: number
}

/**
 * The logit-normal whose mean is `rate` and whose variance is icc * rate * (1 - rate), so that answers to one question have the
 * intraclass correlation `icc`. Found by bisection over Simpson integrals.
 */
export function spreadFor(rate: number, icc: number): RateSpread {
  const wanted = icc * rate * (1 - rate)
  const spread = bisect(0, 20, (candidate) => {
    const { variance } = moments({ centre: centreFor(rate, candidate), spread: candidate })
    return variance < wanted
  })
  return { centre: centreFor(rate, spread), spread }
}

const centreFor = (rate: number, spread: number) =>
  bisect(-100, 100, (centre) => moments({ centre, spread }).mean < rate)

function moments(given: RateSpread): { mean: number; variance: number } {
  let mass = 0
  let first = 0
  let second = 0
  for (let i = 0; i <= 400; i++) {
    const z = -8 + i / 25
    const weight = Math.exp((-z * z) / 2) * (i === 0 || i === 400 ? 1 : i % 2 === 1 ? 4 : 2)
    const rate = rateAt(given, z)
    mass += weight
    first += weight * rate
    second += weight * rate * rate
  }
  const mean = first / mass
  return { mean, variance: second / mass - mean * mean }
}

/** The rate of the question with this standard normal number. */
export const rateAt = ({ centre, spread }: RateSpread, z: number) =>
  1 / (1 + Math.exp(-(centre + spread * z)))

function bisect(from: number, to: number, isTooLow: (value: number) => boolean): number {
  let low = from
  let high = to
  for (let step = 0; step < 50; step++) {
    const middle = (low + high) / 2
    if (isTooLow(middle)) low = middle
    else high = middle
  }
  return (low + high) / 2
}

/** A binomial number by inversion of its distribution function. */
export function binomial(source: RandomSource, n: number, rate: number): number {
  if (rate > 0.5) return n - binomial(source, n, 1 - rate)
  let rest = source.uniform()
  let probability = (1 - rate) ** n
  let count = 0
  while (rest > probability && count < n) {
    rest -= probability
    probability *= ((n - count) / (count + 1)) * (rate / (1 - rate))
    count++
  }
  return count
}

import jStat from 'jstat'

/**
 * Distribution functions: jstat's, with detours where it misses scipy by more than 1e-7 relative. Measured there: the normal
 * tail below -8 is 0 or 2 % off (erfc is 1 - erf), the normal quantile at 1e-12 by 2e-7, the incomplete beta function, and with
 * it Student's p at 399 degrees of freedom, by 1e-7 to 5e-6 (its continued fraction stops at 3e-7, or after 100 terms), and
 * Student's quantile near the median by up to 100 %. Tested for 1 to 1e5 degrees of freedom.
 */

/** P(Z <= x) for a standard normal Z. */
export function normalCdf(x: number): number {
  return x < -4 ? normalDensity(x) * millsRatio(-x) : jStat.normal.cdf(x, 0, 1)
}

/** The x with P(Z <= x) = p, 0 < p < 1. */
export function normalQuantile(p: number): number {
  if (p > 0.5) return -normalQuantile(1 - p)
  let x = jStat.normal.inv(p, 0, 1)
  for (let step = 0; step < 2; step++) x -= (normalCdf(x) - p) / normalDensity(x)
  return x
}

/** P(T <= t) for Student's t. */
export function studentCdf(t: number, degreesOfFreedom: number): number {
  const tail = studentTwoSidedP(t, degreesOfFreedom) / 2
  return t < 0 ? tail : 1 - tail
}

/** P(|T| >= |t|) for Student's t with any degrees of freedom above 0: the two-sided p-value. Keeps its relative accuracy in the far tail. */
export function studentTwoSidedP(t: number, degreesOfFreedom: number): number {
  const sum = degreesOfFreedom + t * t
  return incompleteBeta(degreesOfFreedom / sum, (t * t) / sum, degreesOfFreedom / 2, 0.5)
}

/** The t with P(T <= t) = p, 0 < p < 1, for Student's t with any degrees of freedom above 0: jstat's value, then Newton steps. */
export function studentQuantile(p: number, degreesOfFreedom: number): number {
  if (p === 0.5) return 0
  if (p < 0.5) return -positiveQuantile(p, 1 - 2 * p, degreesOfFreedom)
  return positiveQuantile(1 - p, 2 * p - 1, degreesOfFreedom)
}

/** The t > 0 with P(T > t) = tail and P(|T| < t) = centre. Solves for whichever of the two carries more digits. */
function positiveQuantile(tail: number, centre: number, degreesOfFreedom: number): number {
  const guess = Math.abs(jStat.studentt.inv(tail, degreesOfFreedom))
  let t = guess > 0 && Number.isFinite(guess) ? guess : -normalQuantile(tail)
  for (let step = 0; step < 4; step++) {
    const excess =
      tail < 0.25
        ? 2 * tail - studentTwoSidedP(t, degreesOfFreedom)
        : studentCentre(t, degreesOfFreedom) - centre
    t -= excess / (2 * studentDensity(t, degreesOfFreedom))
  }
  return t
}

/** P(|T| <= |t|), accurate near 0. */
function studentCentre(t: number, degreesOfFreedom: number): number {
  const sum = degreesOfFreedom + t * t
  return incompleteBeta((t * t) / sum, degreesOfFreedom / sum, 0.5, degreesOfFreedom / 2)
}

function studentDensity(t: number, degreesOfFreedom: number): number {
  const half = degreesOfFreedom / 2
  const logScale =
    jStat.gammaln(half + 0.5) - jStat.gammaln(half) - 0.5 * Math.log(degreesOfFreedom * Math.PI)
  return Math.exp(logScale - (half + 0.5) * Math.log1p((t * t) / degreesOfFreedom))
}

/**
 * P(T' <= t) for the noncentral t: the integral over u = sqrt(chi2 / degrees of freedom) of normalCdf(t u - noncentrality)
 * times the density of u, by Simpson's rule.
 */
export function noncentralStudentCdf(
  t: number,
  degreesOfFreedom: number,
  noncentrality: number,
): number {
  return meanOverScale(degreesOfFreedom, (u) => normalCdf(t * u - noncentrality))
}

/** The mean of f(u), u = sqrt(chi2 / degrees of freedom), by Simpson's rule; f is 0 above `widest`. */
export function meanOverScale(
  degreesOfFreedom: number,
  f: (u: number) => number,
  widest = Number.POSITIVE_INFINITY,
): number {
  const half = degreesOfFreedom / 2
  const logScale = Math.log(2) + half * Math.log(half) - jStat.gammaln(half)
  const density = (u: number) =>
    u === 0
      ? degreesOfFreedom === 1
        ? Math.exp(logScale)
        : 0
      : Math.exp(logScale + (degreesOfFreedom - 1) * Math.log(u) - half * u * u)
  const reach = 12 / Math.sqrt(2 * degreesOfFreedom)
  const from = Math.max(0, 1 - reach)
  const to = Math.min(widest, 1 + reach)
  return to <= from ? 0 : simpson((u) => f(u) * density(u), from, to, 2000)
}

/** The x with P(chi2 <= x) = p: bisection over the regularised lower incomplete gamma function. */
export function chiSquareQuantile(p: number, degreesOfFreedom: number): number {
  const cdf = (x: number) => jStat.lowRegGamma(degreesOfFreedom / 2, x / 2)
  let low = 0
  let high = degreesOfFreedom + 1
  while (cdf(high) < p) high *= 2
  for (let step = 0; step < 100 && high - low > 1e-14 * high; step++) {
    const middle = (low + high) / 2
    if (cdf(middle) < p) low = middle
    else high = middle
  }
  return (low + high) / 2
}

/** Composite Simpson rule on an even number of panels. */
function simpson(f: (x: number) => number, from: number, to: number, nPanels: number): number {
  const width = (to - from) / nPanels
  let sum = f(from) + f(to)
  for (let i = 1; i < nPanels; i++) sum += (i % 2 === 1 ? 4 : 2) * f(from + i * width)
  return (sum * width) / 3
}

/**
 * I_x(a, b), by its continued fraction evaluated from the far end (Abramowitz and Stegun 26.5.8), on the side of the mean where
 * that converges. The number of terms grows as the square root of the parameters.
 *
 * @param complement 1 - x, given apart because a small one would be lost in x
 */
function incompleteBeta(x: number, complement: number, a: number, b: number): number {
  if (x > (a + 1) / (a + b + 2)) return 1 - incompleteBeta(complement, x, b, a)
  if (x === 0) return 0
  const logFront =
    jStat.gammaln(a + b) -
    jStat.gammaln(a) -
    jStat.gammaln(b) +
    a * Math.log(x) +
    b * Math.log(complement)
  let fraction = 1
  for (let m = 50 + Math.ceil(5 * Math.sqrt(Math.max(a, b))); m >= 0; m--) {
    const even = ((m + 1) * (b - m - 1) * x) / ((a + 2 * m + 1) * (a + 2 * m + 2))
    const odd = (-(a + m) * (a + b + m) * x) / ((a + 2 * m) * (a + 2 * m + 1))
    fraction = 1 + odd / (1 + even / fraction)
  }
  return Math.exp(logFront) / (a * fraction)
}

const normalDensity = (x: number) => Math.exp((-x * x) / 2) / Math.sqrt(2 * Math.PI)

/** P(Z > x) / density(x) for x >= 4: Laplace's continued fraction 1/(x + 1/(x + 2/(x + 3/(x + ...)))). */
function millsRatio(x: number): number {
  let tail = x
  for (let k = 60; k >= 1; k--) tail = x + k / tail
  return 1 / tail
}

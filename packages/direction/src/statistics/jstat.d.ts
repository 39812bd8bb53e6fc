/** The part of jstat 1.9 that distributions.ts uses; the package has no types of its own. */
declare module 'jstat' {
  const jStat: {
    /** ln Gamma(x), x > 0. */
    gammaln(x: number): number
    /** P(a, x) = gamma(a, x) / Gamma(a). */
    lowRegGamma(a: number, x: number): number
    normal: {
      cdf(x: number, mean: number, standardDeviation: number): number
      inv(p: number, mean: number, standardDeviation: number): number
    }
    studentt: {
      inv(p: number, degreesOfFreedom: number): number
    }
  }
  export default jStat
}

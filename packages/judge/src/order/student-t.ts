/**
 * Quantiles of Student's t at 0.975 for 1 to 30 degrees of freedom, from scipy.stats.t.ppf (golden/judge.py). This
 * package may import no statistics, and needs no other level.
 */
const quantiles: readonly number[] = [
  12.706205, 4.302653, 3.182446, 2.776445, 2.570582, 2.446912, 2.364624, 2.306004, 2.262157,
  2.228139, 2.200985, 2.178813, 2.160369, 2.144787, 2.13145, 2.119905, 2.109816, 2.100922, 2.093024,
  2.085963, 2.079614, 2.073873, 2.068658, 2.063899, 2.059539, 2.055529, 2.051831, 2.048407, 2.04523,
  2.042272,
]

/** The quantile of Student's t at 0.975: half of an interval of 95 % in standard errors. NaN below 1 degree of freedom. */
export function studentT975(degreesOfFreedom: number): number {
  if (degreesOfFreedom < 1) return Number.NaN
  const tabled = quantiles[degreesOfFreedom - 1]
  if (tabled !== undefined) return tabled
  // Cornish and Fisher's expansion in 1 / df (Abramowitz and Stegun 26.7.5), to 1e-6 beyond 30.
  const n = degreesOfFreedom
  const z = 1.959963984540054
  return (
    z +
    (z ** 3 + z) / (4 * n) +
    (5 * z ** 5 + 16 * z ** 3 + 3 * z) / (96 * n ** 2) +
    (3 * z ** 7 + 19 * z ** 5 + 17 * z ** 3 - 15 * z) / (384 * n ** 3)
  )
}

import { randomSource } from '@cem/core'

export interface SignFlip {
  /** Two-sided p-value. */
  readonly p: number
  /** The smallest p that this number of differences can give. */
  readonly smallestAttainableP: number
  readonly method: 'exact' | 'Monte Carlo'
  /** Sign patterns that were counted. */
  readonly nPatterns: number
}

/** All patterns up to here: 2^20 take about 10 ms. */
const largestExact = 20

/**
 * Sign-flip test of 'differences are symmetric about 0': the share of sign patterns whose absolute sum reaches the observed one.
 * Exact over all 2^G patterns for G <= 20; above, random patterns with the observed one added to both counts (Phipson and
 * Smyth, 2010), so that p is never 0. Differences of 0 change nothing under a flip, so K differences other than 0 cannot give
 * less than 2^(1 - K).
 */
export function signFlip(
  differences: readonly number[],
  { seed, nRandomPatterns }: { seed: string | number; nRandomPatterns: number },
): SignFlip {
  const sizes = differences.map(Math.abs).filter((size) => size > 0)
  const total = sizes.reduce((sum, size) => sum + size, 0)
  const observed = Math.abs(differences.reduce((sum, difference) => sum + difference, 0))
  // Sums of the same numbers in another order differ by rounding; a tie has to count as reached.
  const threshold = observed - total * 1e-10
  const floor = 2 ** (1 - sizes.length)
  if (sizes.length <= largestExact) {
    const p = sizes.length === 0 ? 1 : exactShare(sizes, threshold)
    return {
      p,
      smallestAttainableP: Math.min(1, floor),
      method: 'exact',
      nPatterns: 2 ** sizes.length,
    }
  }
  const reached = countRandom(sizes, threshold, nRandomPatterns, seed)
  return {
    p: (1 + reached) / (1 + nRandomPatterns),
    smallestAttainableP: Math.max(floor, 1 / (1 + nRandomPatterns)),
    method: 'Monte Carlo',
    nPatterns: nRandomPatterns,
  }
}

/** A pattern and its mirror image have the same absolute sum, so the first sign stays +. */
function exactShare(sizes: readonly number[], threshold: number): number {
  const count = (index: number, sum: number): number => {
    const size = sizes[index]
    if (size === undefined) return Math.abs(sum) >= threshold ? 1 : 0
    return count(index + 1, sum + size) + count(index + 1, sum - size)
  }
  return count(1, sizes[0] ?? 0) / 2 ** (sizes.length - 1)
}

function countRandom(
  sizes: readonly number[],
  threshold: number,
  nPatterns: number,
  seed: string | number,
): number {
  const source = randomSource('sign-flip', seed)
  let reached = 0
  for (let pattern = 0; pattern < nPatterns; pattern++) {
    let sum = 0
    let bits = 0
    for (const [index, size] of sizes.entries()) {
      if (index % 32 === 0) bits = Math.floor(source.uniform() * 2 ** 32)
      sum += (bits >>> (index % 32)) & 1 ? size : -size
    }
    if (Math.abs(sum) >= threshold) reached++
  }
  return reached
}

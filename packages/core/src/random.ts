import { createHash } from 'node:crypto'

/** A 64-bit key as two unsigned 32-bit words. */
export interface RandomKey {
  readonly low: number
  readonly high: number
}

/**
 * The key of a stream of random numbers, from what the stream is for: a seed, a question id, a sample index. The parts are
 * hashed (SHA-256 over their JSON), so `['a', 1]` and `['a1']` differ, and so do `1` and `'1'`.
 */
export function randomKey(...parts: readonly (string | number)[]): RandomKey {
  const digest = createHash('sha256').update(JSON.stringify(parts)).digest()
  return { low: digest.readUInt32LE(0), high: digest.readUInt32LE(4) }
}

/**
 * Philox-4x32 with 10 rounds: four unsigned 32-bit words for a counter and a key. Counter-based, so any number of any stream
 * can be had without the ones before it. Salmon et al., "Parallel random numbers: as easy as 1, 2, 3" (SC 2011).
 *
 * @param counter four unsigned 32-bit words, lowest first; missing ones are 0.
 */
export function philox4x32(counter: readonly number[], key: RandomKey): Uint32Array {
  let c0 = (counter[0] ?? 0) >>> 0
  let c1 = (counter[1] ?? 0) >>> 0
  let c2 = (counter[2] ?? 0) >>> 0
  let c3 = (counter[3] ?? 0) >>> 0
  let k0 = key.low
  let k1 = key.high
  for (let round = 0; round < 10; round++) {
    const high0 = highProduct(0xd2511f53, c0)
    const high1 = highProduct(0xcd9e8d57, c2)
    const low0 = Math.imul(0xd2511f53, c0)
    const low1 = Math.imul(0xcd9e8d57, c2)
    c0 = (high1 ^ c1 ^ k0) >>> 0
    c1 = low1 >>> 0
    c2 = (high0 ^ c3 ^ k1) >>> 0
    c3 = low0 >>> 0
    k0 = (k0 + 0x9e3779b9) >>> 0
    k1 = (k1 + 0xbb67ae85) >>> 0
  }
  return Uint32Array.of(c0, c1, c2, c3)
}

/** The upper 32 bits of the product of two unsigned 32-bit words. */
function highProduct(a: number, b: number): number {
  // In halves of 16 bits, so that all stays within what the processor multiplies as integers.
  const aHigh = a >>> 16
  const aLow = a & 0xffff
  const bHigh = b >>> 16
  const bLow = b & 0xffff
  const first = Math.imul(aHigh, bLow) >>> 0
  const second = Math.imul(aLow, bHigh) >>> 0
  const middle = (Math.imul(aLow, bLow) >>> 16) + (first & 0xffff) + (second & 0xffff)
  return (Math.imul(aHigh, bHigh) + (first >>> 16) + (second >>> 16) + (middle >>> 16)) >>> 0
}

/** A uniform number in the open interval (0, 1), 53 bits: number `index` of the key's stream. */
export function uniform(key: RandomKey, index: number): number {
  const [a = 0, b = 0] = philox4x32([index >>> 0, Math.floor(index / 2 ** 32)], key)
  return ((a >>> 5) * 2 ** 26 + (b >>> 6) + 0.5) * 2 ** -53
}

/** A stream of random numbers read in order, for shuffles, resampling and test data. */
export interface RandomSource {
  /** The next number in (0, 1). */
  uniform(): number
  /** The next integer in [0, n). */
  integer(n: number): number
  /** The next standard normal number (Box-Muller; uses two uniform numbers). */
  normal(): number
  /** A new array with the items in random order (Fisher-Yates). */
  shuffle<T>(items: readonly T[]): T[]
}

/** Starts the stream that belongs to these parts; the same parts always give the same numbers. */
export function randomSource(...parts: readonly (string | number)[]): RandomSource {
  const key = randomKey(...parts)
  let index = 0
  const next = () => uniform(key, index++)
  const integer = (n: number) => Math.floor(next() * n)
  return {
    uniform: next,
    integer,
    normal: () => Math.sqrt(-2 * Math.log(next())) * Math.cos(2 * Math.PI * next()),
    shuffle: <T>(items: readonly T[]) => {
      const shuffled = [...items]
      for (let i = shuffled.length - 1; i > 0; i--) {
        const j = integer(i + 1)
        ;[shuffled[i], shuffled[j]] = [shuffled[j] as T, shuffled[i] as T]
      }
      return shuffled
    },
  }
}

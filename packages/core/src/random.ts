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
  const c = Uint32Array.from([counter[0] ?? 0, counter[1] ?? 0, counter[2] ?? 0, counter[3] ?? 0])
  let k0 = key.low
  let k1 = key.high
  for (let round = 0; round < 10; round++) {
    const [a = 0, b = 0, d = 0, e = 0] = c
    const p0 = BigInt(a) * 0xd2511f53n
    const p1 = BigInt(d) * 0xcd9e8d57n
    c[0] = Number(p1 >> 32n) ^ b ^ k0
    c[1] = Number(p1 & 0xffffffffn)
    c[2] = Number(p0 >> 32n) ^ e ^ k1
    c[3] = Number(p0 & 0xffffffffn)
    k0 = (k0 + 0x9e3779b9) >>> 0
    k1 = (k1 + 0xbb67ae85) >>> 0
  }
  return c
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

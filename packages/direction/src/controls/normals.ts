import { philox4x32, type RandomKey } from '@cem/core'

/** Standard normal numbers of a key's stream, two from each block of four words (Box-Muller). Shape [n]. */
export function normals(key: RandomKey, n: number): Float64Array {
  const values = new Float64Array(n)
  for (let i = 0; i < n; i += 2) {
    const block = i / 2
    const words = philox4x32([block >>> 0, Math.floor(block / 2 ** 32)], key)
    const radius = Math.sqrt(-2 * Math.log(toUniform(words[0] as number, words[1] as number)))
    const angle = 2 * Math.PI * toUniform(words[2] as number, words[3] as number)
    values[i] = radius * Math.cos(angle)
    if (i + 1 < n) values[i + 1] = radius * Math.sin(angle)
  }
  return values
}

/** In (0, 1), 53 bits. */
const toUniform = (a: number, b: number) => ((a >>> 5) * 2 ** 26 + (b >>> 6) + 0.5) * 2 ** -53

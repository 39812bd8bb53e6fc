import type { RandomSource } from '@cem/core'

/** Each changes a file in one place, as damage or malice might. */
const mutations: readonly ((bytes: Buffer, at: number, random: RandomSource) => Buffer)[] = [
  (bytes, at, random) => patched(bytes, at, [random.integer(256)]),
  (bytes, at, random) => patched(bytes, at, [(bytes[at] ?? 0) ^ (1 << random.integer(8))]),
  (bytes, at, random) => patched(bytes, at, Buffer.from(String(random.integer(100)))),
  (bytes, at) => patched(bytes, at, [0xff, 0xff, 0xff, 0xff]),
  (bytes, at) => patched(bytes, at, [0, 0, 0, 0]),
  (bytes, at) => bytes.subarray(0, at),
  (bytes, at, random) => spliced(bytes, at, at + random.integer(8), Buffer.alloc(0)),
  (bytes, at, random) =>
    spliced(bytes, at, at, Buffer.alloc(random.integer(8), random.integer(256))),
  (bytes, at, random) => spliced(bytes, at, at, bytes.subarray(at, at + random.integer(200))),
  (bytes, at, random) =>
    patched(bytes, at, bytes.subarray(random.integer(bytes.length)).subarray(0, 16)),
]

function patched(bytes: Buffer, at: number, patch: ArrayLike<number>): Buffer {
  const copy = Buffer.from(bytes)
  copy.set(Buffer.from(Array.from(patch)).subarray(0, copy.length - at), at)
  return copy
}

function spliced(bytes: Buffer, start: number, end: number, between: Buffer): Buffer {
  return Buffer.concat([bytes.subarray(0, start), between, bytes.subarray(end)])
}

/** One to three such changes. */
export function mutate(bytes: Buffer, random: RandomSource): Buffer {
  let mutant = bytes
  for (let i = random.integer(3); i >= 0 && mutant.length > 0; i--) {
    const mutation = mutations[random.integer(mutations.length)]
    if (mutation) mutant = mutation(mutant, random.integer(mutant.length), random)
  }
  return mutant
}

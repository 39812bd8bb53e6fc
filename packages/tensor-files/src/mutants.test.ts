import { readFile } from 'node:fs/promises'
import { CemError, type RandomSource, randomSource } from '@cem/core'
import { expect, test } from 'vitest'
import { golden, temporaryFolder } from '../test/support/files.ts'
import { readNpy } from './npy.ts'
import { createNpzWriter } from './npz-writer.ts'
import { openNpz } from './open-npz.ts'
import { openSafetensors } from './open-safetensors.ts'
import { writeSafetensors } from './write-safetensors.ts'

const folder = temporaryFolder()

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

function mutate(bytes: Buffer, random: RandomSource): Buffer {
  let mutant = bytes
  for (let i = random.integer(3); i >= 0 && mutant.length > 0; i--) {
    const mutation = mutations[random.integer(mutations.length)]
    if (mutation) mutant = mutation(mutant, random.integer(mutant.length), random)
  }
  return mutant
}

/** Reads mutants of a file, and counts which load and which are refused; any other error fails the test. */
async function readMutants(original: Buffer, count: number, read: (path: string) => Promise<void>) {
  const counts = { loaded: 0, refused: 0 }
  const path = folder.path('mutant')
  for (let seed = 0; seed < count; seed++) {
    await folder.write('mutant', mutate(original, randomSource('mutant', seed)))
    try {
      await read(path)
      counts.loaded += 1
    } catch (error) {
      if (!CemError.isInstance(error)) throw new Error(`mutant ${seed}`, { cause: error })
      counts.refused += 1
    }
  }
  return counts
}

/** Few mutants pass the checksums of a zip file; none at all would mean that the test shows nothing. */
const both = { loaded: expect.toSatisfy(moreThan(5)), refused: expect.toSatisfy(moreThan(100)) }

function moreThan(limit: number) {
  return (count: number) => count > limit
}

const limit = { timeout: 120_000 }

test('500 mutants of a safetensors file load or are refused', limit, async () => {
  const data = Float32Array.from({ length: 64 }, (_, i) => i)
  await writeSafetensors(
    folder.path('a'),
    [
      { name: 'a.weight', dtype: 'F32', shape: [8, 8], data },
      { name: 'b', dtype: 'BF16', shape: [4], data: Uint16Array.of(1, 2, 3, 4) },
    ],
    { metadata: { format: 'pt' } },
  )
  const counts = await readMutants(await folder.read('a'), 500, async (path) => {
    await using file = await openSafetensors(path)
    for (const { name, shape } of file.tensors.values()) {
      await file.read(name)
      if (shape.length > 0) await file.readFloat32(name, { rows: { start: 0, end: 1 } })
    }
  })
  expect(counts).toEqual(both)
})

test('500 mutants of an npy file load or are refused', limit, async () => {
  const original = await readFile(golden('matrix-v2.npy'))
  const counts = await readMutants(original, 500, async (path) => void (await readNpy(path)))
  expect(counts).toEqual(both)
})

test.each([false, true])(
  '500 mutants of an npz file load or are refused (compress: %s)',
  limit,
  async (compress) => {
    await using writer = await createNpzWriter(folder.path('a'), { compress })
    const data = Float32Array.from({ length: 100 }, (_, i) => i)
    await writer.add('layer_0', { dtype: 'F32', shape: [10, 10], data })
    await writer.add('ids', { dtype: 'I64', shape: [2], data: BigInt64Array.of(1n, 2n) })
    await writer.commit()
    const counts = await readMutants(await folder.read('a'), 500, async (path) => {
      await using npz = await openNpz(path)
      for (const name of npz.entries.keys()) await npz.read(name)
    })
    expect(counts).toEqual(both)
  },
)

test('500 mutants of an npz file of numpy load or are refused', limit, async () => {
  const original = await readFile(golden('stored.npz'))
  const counts = await readMutants(original, 500, async (path) => {
    await using npz = await openNpz(path)
    for (const name of [...npz.entries.keys()].slice(-8)) await npz.read(name)
  })
  expect(counts).toEqual(both)
})

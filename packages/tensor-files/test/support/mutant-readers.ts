// Reads mutants of one kind of file in a process of its own, which the test watches: node mutant-readers.ts KIND COUNT
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { randomSource } from '@cem/core'
import { readMutants } from '@cem/vitest-config/mutants'
import { readNpy } from '../../src/npy.ts'
import { createNpzWriter } from '../../src/npz-writer.ts'
import { openNpz } from '../../src/open-npz.ts'
import { openSafetensors } from '../../src/open-safetensors.ts'
import { writeSafetensors } from '../../src/write-safetensors.ts'
import { mutate } from './mutate.ts'

/** Makes the file that is mutated, and reads a mutant; a wrong load is an ordinary Error. */
interface Kind {
  readonly make: (path: string) => Promise<void>
  readonly read: (path: string, bytes: Buffer, original: Buffer) => Promise<void>
}

const golden = (name: string) => fileURLToPath(new URL(`../golden/${name}`, import.meta.url))
const copyOf = (name: string) => async (path: string) =>
  writeFile(path, await readFile(golden(name)))
const bytesOf = ({ buffer, byteOffset, byteLength }: ArrayBufferView) =>
  Buffer.from(buffer, byteOffset, byteLength)

const kinds: Readonly<Record<string, Kind>> = {
  safetensors: {
    make: async (path) => {
      const data = Float32Array.from({ length: 64 }, (_, i) => i)
      const tensors = [
        { name: 'a.weight', dtype: 'F32', shape: [8, 8], data },
        { name: 'b', dtype: 'BF16', shape: [4], data: Uint16Array.of(1, 2, 3, 4) },
      ] as const
      await writeSafetensors(path, tensors, { metadata: { format: 'pt' } })
    },
    read: readTensors,
  },
  npy: {
    make: copyOf('matrix-v2.npy'),
    // The data are the end of the file, whatever the header says of them.
    read: async (path, bytes) => {
      const data = bytesOf((await readNpy(path)).data)
      if (!bytes.subarray(-data.length || bytes.length).equals(data)) throw new Error('other data')
    },
  },
  'npz-stored': { make: (path) => writeNpz(path, false), read: readArrays },
  'npz-compressed': { make: (path) => writeNpz(path, true), read: readArrays },
  'npz-numpy': { make: copyOf('stored.npz'), read: readArrays },
}

async function writeNpz(path: string, compress: boolean): Promise<void> {
  await using writer = await createNpzWriter(path, { compress })
  const data = Float32Array.from({ length: 100 }, (_, i) => i)
  await writer.add('layer_0', { dtype: 'F32', shape: [10, 10], data })
  await writer.add('ids', { dtype: 'I64', shape: [2], data: BigInt64Array.of(1n, 2n) })
  await writer.commit()
}

/** Every tensor must be what the header says, which is read here a second time: its bytes at its place, its type and shape. */
async function readTensors(path: string, bytes: Buffer): Promise<void> {
  await using file = await openSafetensors(path)
  const headerBytes = Number(bytes.readBigUInt64LE(0))
  const header = JSON.parse(bytes.toString('utf8', 8, 8 + headerBytes)) as Record<
    string,
    { dtype: string; shape: number[]; data_offsets: [number, number] }
  >
  const names = Object.keys(header).filter((name) => name !== '__metadata__')
  if (names.toSorted().join('\n') !== [...file.tensors.keys()].toSorted().join('\n'))
    throw new Error('other names')
  for (const [name, { dtype, shape }] of file.tensors) {
    const said = header[name] as (typeof header)[string]
    const [start, end] = said.data_offsets
    const tensor = await file.read(name)
    const own = bytes.subarray(8 + headerBytes + start, 8 + headerBytes + end)
    if (!own.equals(bytesOf(tensor.data))) throw new Error(`other data in ${name}`)
    if (dtype !== said.dtype || shape.join() !== said.shape.join()) throw new Error('another type')
    if (shape.length > 0) await file.readFloat32(name, { rows: { start: 0, end: 1 } })
  }
}

/** Arrays of the file before it was changed. */
const known: string[] = []

/** The checksums leave nothing but what was in the file before: every array that loads must be one of those. */
async function readArrays(path: string, _bytes: Buffer, original: Buffer): Promise<void> {
  const before = `${path}.original`
  if (known.length === 0) {
    await writeFile(before, original)
    known.push(...(await arraysOf(before, Number.POSITIVE_INFINITY)))
  }
  for (const array of await arraysOf(path, 8))
    if (!known.includes(array)) throw new Error('an array that was not in the file')
}

/** The last arrays of a file; some that numpy writes are no tensors. */
async function arraysOf(path: string, count: number): Promise<string[]> {
  await using npz = await openNpz(path)
  const arrays: string[] = []
  for (const name of [...npz.entries.keys()].slice(-count)) {
    const { dtype, shape, data } = await npz.read(name)
    arrays.push(`${dtype} ${shape.join()} ${bytesOf(data).toString('hex')}`)
  }
  return arrays
}

const [name = '', count] = process.argv.slice(2)
const folder = await mkdtemp(join(tmpdir(), 'cem-mutants-'))
try {
  const kind = kinds[name]
  if (kind === undefined) throw new Error(`no kind ${name}: ${Object.keys(kinds).join(', ')}`)
  const path = join(folder, 'mutant')
  await kind.make(path)
  const original = await readFile(path)
  await readMutants(Number(count), async (seed) => {
    const bytes = mutate(original, randomSource('mutant', seed))
    await writeFile(path, bytes)
    await kind.read(path, bytes, original)
  })
} finally {
  await rm(folder, { recursive: true, force: true })
}

import { open } from 'node:fs/promises'
import { expect, test } from 'vitest'
import { golden, temporaryFolder } from '../test/support/files.ts'
import { npyBytes, npyDict } from '../test/support/npy-bytes.ts'
import {
  centralHeader,
  endRecord,
  endRecord64,
  type FakeEntry,
  zipBytes,
} from '../test/support/zip-bytes.ts'
import { openNpz } from './open-npz.ts'

const folder = temporaryFolder()
const bytesOf = (...values: number[]) =>
  npyBytes(npyDict('|u1', `(${values.length},)`), Uint8Array.from(values))
const openBytes = async (bytes: Uint8Array) => openNpz(await folder.write('a.npz', bytes))
const entry = (over: Partial<FakeEntry> = {}): FakeEntry => ({
  name: 'a.npy',
  data: bytesOf(1, 2, 3),
  ...over,
})

test.each(['stored.npz', 'deflated.npz'])(
  '%s of numpy is read in every type and order',
  async (name) => {
    await using npz = await openNpz(golden(name))
    const grid = [0, 1, 2, 10, 11, 12]
    const signed = grid.map((value) => value - 4)
    const half = [0xc400, 0xc200, 0xc000, 0x4600, 0x4700, 0x4800] // -4, -3, -2, 6, 7, 8
    const kinds: Record<string, readonly [string, readonly (number | bigint)[]]> = {
      b1: ['BOOL', [0, 1, 1, 1, 1, 1]],
      i1: ['I8', signed],
      i2: ['I16', signed],
      i4: ['I32', signed],
      i8: ['I64', signed.map(BigInt)],
      u1: ['U8', grid],
      u2: ['U16', grid],
      u4: ['U32', grid],
      u8: ['U64', grid.map(BigInt)],
      f2: ['F16', half],
      f4: ['F32', signed],
      f8: ['F64', signed],
    }
    for (const [kind, [dtype, values]] of Object.entries(kinds))
      for (const order of ['little', 'big', 'fortran']) {
        const array = await npz.read(`${order}_${kind}`)
        expect({ ...array, data: [...array.data] }, `${order}_${kind}`).toEqual({
          dtype,
          shape: [2, 3],
          data: values,
        })
        const rows = await npz.read(`${order}_${kind}`, { rows: { start: 1, end: 2 } })
        expect({ ...rows, data: [...rows.data] }).toEqual({
          dtype,
          shape: [1, 3],
          data: values.slice(3),
        })
      }
    for (const kind of ['f2', 'f4', 'f8'])
      for (const order of ['little', 'big', 'fortran']) {
        const { dtype, data } = await npz.readFloat32(`${order}_${kind}`)
        expect({ dtype, data: [...data] }).toEqual({ dtype: 'F32', data: signed })
      }
    const upTo24 = Array.from({ length: 24 }, (_, i) => i)
    expect([...(await npz.read('cube_fortran')).data]).toEqual(upTo24)
    expect([...(await npz.read('cube_fortran_big')).data]).toEqual(upTo24)
    expect(await npz.read('scalar')).toEqual({
      dtype: 'F32',
      shape: [],
      data: Float32Array.of(0.5),
    })
    expect(await npz.read('empty')).toEqual({
      dtype: 'F32',
      shape: [0, 4],
      data: new Float32Array(),
    })
    expect([...(await npz.read('deep/name')).data]).toEqual([7])
    await expect(npz.readFloat32('little_i4')).rejects.toMatchObject({ code: 'tensor-not-float' })
  },
)

test('the directory is listed without reading arrays', async () => {
  await using npz = await openNpz(golden('stored.npz'))
  expect(npz.entries.get('vector')).toEqual({
    name: 'vector',
    isCompressed: false,
    sizeBytes: 136,
    storedBytes: 136,
  })
  expect(npz.entries.size).toBe(42)
  expect(npz.others).toEqual(['notes.txt'])
  expect(await npz.describe('cube_fortran_big')).toEqual({ dtype: 'F64', shape: [2, 3, 4] })
  await expect(npz.read('vectro')).rejects.toMatchObject({
    code: 'tensor-not-found',
    message: expect.stringContaining('Did you mean "vector"?'),
  })
})

test('a file without entries is an npz file without arrays', async () => {
  await using npz = await openBytes(endRecord(0, 0, 0))
  expect(npz.entries.size).toBe(0)
})

test('an aborted read throws the reason of the abort, a closed file its own error', async () => {
  const reason = new Error('enough')
  for (const name of ['stored.npz', 'deflated.npz']) {
    const npz = await openNpz(golden(name))
    await expect(npz.read('vector', { signal: AbortSignal.abort(reason) })).rejects.toBe(reason)
    await npz[Symbol.asyncDispose]()
    await expect(npz.read('vector')).rejects.toMatchObject({ code: 'file-closed' })
  }
})

test.each<[string, FakeEntry[], string]>([
  ['a name twice', [entry(), entry()], 'two entries "a.npy"'],
  ['a path upwards', [entry({ name: '../a.npy' })], '../a.npy'],
  ['a path upwards within', [entry({ name: 'b/../../a.npy' })], 'invalid relative path'],
  ['an absolute path', [entry({ name: '/a.npy' })], 'absolute path'],
  ['a drive', [entry({ name: 'C:a.npy' })], 'absolute path'],
  ['a backslash', [entry({ name: '..\\a.npy' })], 'invalid characters'],
  ['a control character', [entry({ name: 'a\u0007.npy', flags: 0x800 })], 'control characters'],
  [
    'two entries over the same bytes',
    [entry(), entry({ name: 'b.npy', offset: 0 })],
    'over one another',
  ],
  ['a stored size that differs', [entry({ sizeBytes: 1000 })], 'size mismatch'],
  [
    'a size beyond 2^53',
    [entry({ isDeflated: true, sizeBytes: 2 ** 60, isZip64: true })],
    'announces 11529215046068',
  ],
])('%s is refused on opening', async (_, entries, problem) => {
  await expect(openBytes(zipBytes(entries))).rejects.toMatchObject({
    code: 'npz-invalid',
    message: expect.stringContaining(problem),
  })
})

test.each<[string, Uint8Array, string]>([
  ['no bytes', new Uint8Array(), 'End of central directory'],
  ['no zip file', Buffer.from('not a zip file'), 'End of central directory'],
  ['fewer entries than announced', zipBytes([entry()], { entryCount: 2 }), 'points to byte'],
  ['a directory beyond the end', endRecord(1, 46, 2 ** 31), 'points to byte'],
  ['a million entries', Buffer.concat([endRecord64(1_000_000, 0, 0)]), 'announces 1000000 entries'],
  ['2^63 entries', endRecord64(Number(2n ** 62n), 0, 0), 'at most 100000 are allowed'],
])('%s is refused on opening', async (_, bytes, problem) => {
  await expect(openBytes(bytes)).rejects.toMatchObject({
    code: 'npz-invalid',
    message: expect.stringContaining(problem),
  })
})

const gigabyte = 2 ** 30
const announced = (size: number) => npyBytes(npyDict('|u1', `(${size},)`))
test.each<[string, FakeEntry, string, string]>([
  ['a wrong checksum', entry({ sum: 1 }), 'npz-corrupt', 'checksum'],
  ['a wrong checksum, deflated', entry({ sum: 1, isDeflated: true }), 'npz-corrupt', 'checksum'],
  [
    'data that is not deflated',
    entry({ data: Buffer.alloc(90, 0xff), method: 8 }),
    'npz-corrupt',
    'damaged',
  ],
  [
    'another name of its own',
    entry({ localName: 'b.npy' }),
    'npz-invalid',
    '"b.npy" in its own header',
  ],
  ['a strange method', entry({ method: 12 }), 'npz-invalid', 'other than deflate'],
  [
    'encryption',
    entry({ flags: 1, storedBytes: bytesOf(1, 2, 3).length + 12 }),
    'npz-invalid',
    'is encrypted',
  ],
  [
    'more than it announces',
    entry({ isDeflated: true, data: Buffer.alloc(1e6), sizeBytes: 1000 }),
    'npy-invalid',
    'does not begin',
  ],
  [
    'more than its array',
    entry({
      isDeflated: true,
      data: Buffer.concat([bytesOf(1), Buffer.alloc(1e6)]),
      sizeBytes: bytesOf(1).length,
    }),
    'npz-corrupt',
    'unfolds to more',
  ],
  [
    'less than it announces',
    entry({ isDeflated: true, data: announced(1000), sizeBytes: announced(1000).length + 1000 }),
    'npz-corrupt',
    'fewer bytes',
  ],
  [
    'a size that deflate cannot reach',
    entry({ isDeflated: true, sizeBytes: 100 * gigabyte, isZip64: true }),
    'npz-corrupt',
    'cannot be packed',
  ],
  [
    'an npy header larger than its entry',
    entry({ data: announced(100 * gigabyte) }),
    'npz-invalid',
    'but its entry holds',
  ],
  [
    'an npy header smaller than its entry',
    entry({ data: Buffer.concat([bytesOf(1), bytesOf(1)]) }),
    'npz-invalid',
    'but its entry holds',
  ],
  [
    'a pickle',
    entry({ data: npyBytes(npyDict('|O', '()'), Uint8Array.of(0x80, 4)) }),
    'npy-unsupported',
    '"|O"',
  ],
  [
    'an entry cut within its npy header',
    entry({ data: bytesOf(1).subarray(0, 9) }),
    'npy-truncated',
    'within its header',
  ],
  ['no content', entry({ data: new Uint8Array() }), 'npy-truncated', 'after 0 bytes'],
])('%s is refused on reading', async (_, bad, code, problem) => {
  await using npz = await openBytes(zipBytes([bad]))
  await expect(npz.read('a')).rejects.toMatchObject({
    code,
    message: expect.stringContaining(problem),
  })
})

test('a wrong checksum is noticed when floats are read, in whole but not in rows', async () => {
  const data = npyBytes(npyDict('<f4', '(2,)'), new Uint8Array(8))
  for (const isDeflated of [false, true]) {
    await using npz = await openBytes(zipBytes([entry({ data, isDeflated, sum: 1 })]))
    await expect(npz.readFloat32('a')).rejects.toMatchObject({ code: 'npz-corrupt' })
    expect((await npz.readFloat32('a', { rows: { start: 0, end: 1 } })).shape).toEqual([1])
  }
})

test('a zip bomb is refused by its announced size, before memory is taken for it', async () => {
  const size = 64 * 2 ** 20
  const bomb = entry({
    isDeflated: true,
    data: Buffer.concat([announced(size), Buffer.alloc(size)]),
  })
  const path = await folder.write('bomb.npz', zipBytes([bomb]))
  await using npz = await openNpz(path, { maxInflatedBytes: 2 ** 20 })
  const before = process.memoryUsage().arrayBuffers
  await expect(npz.read('a')).rejects.toMatchObject({
    code: 'npz-too-large',
    message: expect.stringContaining('maxInflatedBytes'),
  })
  expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(2 ** 22)
  await using trusted = await openNpz(path)
  expect((await trusted.read('a')).data.length).toBe(size)
})

test('rows of a deflated array are read without unfolding the rest', async () => {
  const data = Buffer.concat([npyBytes(npyDict('|u1', '(1000, 1000)')), Buffer.alloc(1e6, 7)])
  const whole = zipBytes([entry({ isDeflated: true, data })])
  await using npz = await openBytes(whole)
  const { shape, data: some } = await npz.read('a', { rows: { start: 998, end: 1000 } })
  expect(shape).toEqual([2, 1000])
  expect(some.every((value) => value === 7)).toBe(true)
})

test('ZIP64 fields of a small file are read', async () => {
  await using npz = await openBytes(zipBytes([entry({ isZip64: true })]))
  expect([...(await npz.read('a')).data]).toEqual([1, 2, 3])
})

/** An entry's own header and content: a zip file of it, up to the directory. */
function localPart(one: FakeEntry): Buffer {
  const zip = zipBytes([one])
  return zip.subarray(0, zip.readUInt32LE(zip.length - 6))
}

test('arrays of more than 4 GiB, and behind 4 GiB, are read (ZIP64, in a sparse file)', async () => {
  const nRows = 5 * 2 ** 20
  const rowBytes = 1024
  const header = npyBytes(npyDict('|u1', `(${nRows}, ${rowBytes})`))
  const contentBytes = header.length + nRows * rowBytes
  const big = entry({
    name: 'big.npy',
    data: header,
    sizeBytes: contentBytes,
    storedBytes: contentBytes,
    isZip64: true,
    sum: 0,
  })
  const last = entry({ name: 'last.npy', isZip64: true })
  const path = folder.path('big.npz')
  const lastAt = 30 + 'big.npy'.length + contentBytes
  const directoryAt = lastAt + localPart(last).length
  const directory = Buffer.concat([
    centralHeader(big, contentBytes, 0),
    centralHeader(last, last.data.length, lastAt),
  ])
  const handle = await open(path, 'w')
  await handle.write(localPart(big), 0, undefined, 0)
  await handle.write(Buffer.alloc(rowBytes, 9), 0, undefined, lastAt - rowBytes)
  const end = endRecord64(2, directory.length, directoryAt)
  await handle.write(Buffer.concat([localPart(last), directory, end]), 0, undefined, lastAt)
  await handle.close()

  await using npz = await openNpz(path)
  expect(npz.entries.get('big')).toMatchObject({ sizeBytes: contentBytes })
  expect(await npz.describe('big')).toEqual({ dtype: 'U8', shape: [nRows, rowBytes] })
  const { data } = await npz.read('big', { rows: { start: nRows - 2, end: nRows } })
  expect([data[0], data[rowBytes - 1], data[rowBytes], data.at(-1)]).toEqual([0, 0, 9, 9])
  expect([...(await npz.read('last')).data]).toEqual([1, 2, 3])
})

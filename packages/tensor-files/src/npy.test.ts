import { readdir, readFile } from 'node:fs/promises'
import { expect, test } from 'vitest'
import { golden, temporaryFolder } from '../test/support/files.ts'
import { npyBytes, npyDict } from '../test/support/npy-bytes.ts'
import { readNpy, writeNpy } from './npy.ts'
import type { Tensor } from './tensor.ts'

const folder = temporaryFolder()

test('versions 1.0, 2.0 and 3.0 of numpy are read', async () => {
  for (const name of ['matrix.npy', 'matrix-v2.npy', 'matrix-v3.npy'])
    expect(await readNpy(golden(name))).toEqual({
      dtype: 'F32',
      shape: [2, 3],
      data: Float32Array.of(0, 1, 2, 10, 11, 12),
    })
})

test('an array is written to the same bytes as numpy writes', async () => {
  const array = await readNpy(golden('matrix.npy'))
  await writeNpy(folder.path('a.npy'), array)
  expect(await folder.read('a.npy')).toEqual(await readFile(golden('matrix.npy')))
})

test.each<Tensor>([
  { dtype: 'BOOL', shape: [2], data: Uint8Array.of(0, 1) },
  { dtype: 'I8', shape: [1], data: Int8Array.of(-128) },
  { dtype: 'I16', shape: [1, 1], data: Int16Array.of(-32768) },
  { dtype: 'I32', shape: [], data: Int32Array.of(-(2 ** 31)) },
  { dtype: 'I64', shape: [2], data: BigInt64Array.of(-(2n ** 63n), 2n ** 63n - 1n) },
  { dtype: 'U8', shape: [0, 3], data: new Uint8Array() },
  { dtype: 'U16', shape: [1], data: Uint16Array.of(65535) },
  { dtype: 'U32', shape: [1], data: Uint32Array.of(2 ** 32 - 1) },
  { dtype: 'U64', shape: [1], data: BigUint64Array.of(2n ** 64n - 1n) },
  { dtype: 'F16', shape: [2], data: Uint16Array.of(0x3c00, 0x7e01) },
  { dtype: 'F32', shape: [3], data: Float32Array.of(-0, NaN, Infinity) },
  { dtype: 'F64', shape: [2, 1], data: Float64Array.of(5e-324, 1e308) },
])('$dtype of shape $shape comes back as it was', async (array) => {
  await writeNpy(folder.path('a.npy'), array)
  expect(await readNpy(folder.path('a.npy'))).toEqual(array)
})

test('rows are read alone, also of a column-major array', async () => {
  const rows = { start: 1, end: 2 }
  expect(await readNpy(golden('matrix.npy'), { rows })).toEqual({
    dtype: 'F32',
    shape: [1, 3],
    data: Float32Array.of(10, 11, 12),
  })
  const dict = `{'descr': '|u1', 'fortran_order': True, 'shape': (2, 3)}`
  const path = await folder.write('f.npy', npyBytes(dict, Uint8Array.of(1, 4, 2, 5, 3, 6)))
  expect((await readNpy(path)).data).toEqual(Uint8Array.of(1, 2, 3, 4, 5, 6))
  expect(await readNpy(path, { rows })).toEqual({
    dtype: 'U8',
    shape: [1, 3],
    data: Uint8Array.of(4, 5, 6),
  })
  await expect(readNpy(path, { rows: { start: 0, end: 3 } })).rejects.toMatchObject({
    code: 'tensor-rows-invalid',
  })
})

test.each([
  ['structured.npy', 'structured array'],
  ['object.npy', '"|O"; b1, i1, '],
])('%s is refused without looking at its data', async (name, problem) => {
  await expect(readNpy(golden(name))).rejects.toMatchObject({
    code: 'npy-unsupported',
    message: expect.stringContaining(problem),
  })
})

test.each(['<U5', '|S4', '<c8', '<M8[ns]', '<f16', '=f4', 'f4', '|f4', '<b2', '<f3', '', '<i16'])(
  'the numpy type "%s" is refused',
  async (descr) => {
    const path = await folder.write('a.npy', npyBytes(npyDict(descr, '()'), new Uint8Array(64)))
    await expect(readNpy(path)).rejects.toMatchObject({
      code: 'npy-unsupported',
      message: expect.stringContaining(path),
    })
  },
)

test('a file cut at any byte is truncated', async () => {
  const whole = await readFile(golden('matrix.npy'))
  for (let size = 0; size < whole.length; size++) {
    const path = await folder.write('a.npy', whole.subarray(0, size))
    await expect(readNpy(path)).rejects.toMatchObject({ code: 'npy-truncated' })
  }
})

test.each<[string, Uint8Array, string, string]>([
  ['another file', Buffer.from('PK\x03\x04 and more'), 'npy-invalid', 'does not begin'],
  ['a version to come', npyBytes('{}', undefined, { major: 4 }), 'npy-unsupported', 'version 4.0'],
  [
    'an absurd header length',
    npyBytes('{}', undefined, { major: 2, length: 2 ** 32 - 1 }),
    'npy-invalid',
    '4294967295 bytes',
  ],
  [
    'bytes after the array',
    npyBytes(npyDict('|u1', '(1,)'), new Uint8Array(3)),
    'npy-invalid',
    '2 bytes follow',
  ],
  ['a negative size', npyBytes(npyDict('|u1', '(-1,)')), 'npy-invalid', 'sizes are whole numbers'],
  ['a fractional size', npyBytes(npyDict('|u1', '(0.5,)')), 'npy-invalid', 'sizes are whole'],
  [
    'a shape that overflows',
    npyBytes(npyDict('|u1', '(9007199254740991, 2)')),
    'npy-invalid',
    '2^53',
  ],
  [
    'bytes that overflow',
    npyBytes(npyDict('<f8', '(9007199254740991,)')),
    'npy-invalid',
    '2^53 - 1 bytes',
  ],
  [
    'a size beyond 2^53',
    npyBytes(npyDict('|u1', '(9007199254740993,)')),
    'npy-invalid',
    '2^53 - 1',
  ],
  ['a petabyte', npyBytes(npyDict('|u1', '(1000000000000000,)')), 'npy-truncated', 'and has'],
  ['too many axes', npyBytes(npyDict('|u1', `(${'1,'.repeat(65)})`)), 'npy-invalid', '65 axes'],
  [
    'a header that is not UTF-8',
    npyBytes(Uint8Array.of(0xff), undefined, { major: 3 }),
    'npy-invalid',
    'UTF-8',
  ],
])('%s is refused', async (_, bytes, code, problem) => {
  const path = await folder.write('a.npy', bytes)
  await expect(readNpy(path)).rejects.toMatchObject({
    code,
    message: expect.stringContaining(problem),
  })
})

test('what numpy does not have is not written', async () => {
  const path = folder.path('a.npy')
  const bf16: Tensor = { dtype: 'BF16', shape: [1], data: new Uint16Array(1) }
  await expect(writeNpy(path, bf16)).rejects.toMatchObject({
    code: 'tensor-invalid',
    message: expect.stringContaining('bf16ToFloat32'),
  })
  const short: Tensor = { dtype: 'F32', shape: [2], data: new Float32Array(1) }
  await expect(writeNpy(path, short)).rejects.toMatchObject({ code: 'tensor-invalid' })
  expect(await readdir(folder.path(''))).toEqual([])
})

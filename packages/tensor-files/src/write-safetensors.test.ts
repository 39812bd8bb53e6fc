import { readdir, readFile } from 'node:fs/promises'
import { expect, test } from 'vitest'
import { golden, temporaryFolder } from '../test/support/files.ts'
import { askPython, oraclePython } from '../test/support/oracle.ts'
import { openSafetensors } from './open-safetensors.ts'
import type { TensorData } from './tensor.ts'
import { type TensorToWrite, writeSafetensors } from './write-safetensors.ts'

const folder = temporaryFolder()

async function* chunks<T>(...items: T[]): AsyncGenerator<T> {
  yield* items
}

test('tensors of a file of the Python library are written back to the same bytes', async () => {
  const path = golden('dtypes.safetensors')
  await using file = await openSafetensors(path)
  const tensors: TensorToWrite[] = []
  for (const name of file.tensors.keys()) tensors.unshift({ name, ...(await file.read(name)) })
  const { metadata } = file
  await writeSafetensors(folder.path('a.safetensors'), tensors, { metadata })
  expect(await folder.read('a.safetensors')).toEqual(await readFile(path))
})

test('data may come in pieces, also as raw bytes', async () => {
  const path = folder.path('a.safetensors')
  await writeSafetensors(path, [
    {
      name: 'pieces',
      dtype: 'F32',
      shape: [3],
      data: chunks(Float32Array.of(1, 2), Float32Array.of(3)),
    },
    { name: 'raw', dtype: 'I16', shape: [2], data: [Uint8Array.of(1), Uint8Array.of(0, 2, 0)] },
    { name: 'whole', dtype: 'BF16', shape: [1], data: Uint8Array.of(0x80, 0x3f) },
    { name: 'none', dtype: 'F32', shape: [0], data: [] },
  ])
  await using file = await openSafetensors(path)
  expect([...(await file.read('pieces')).data]).toEqual([1, 2, 3])
  expect([...(await file.read('raw')).data]).toEqual([1, 2])
  expect([...(await file.readFloat32('whole')).data]).toEqual([1])
})

test('the data begins at a multiple of 8, and so does each 8-byte tensor', async () => {
  for (let length = 1; length <= 9; length++) {
    const path = folder.path(`${length}.safetensors`)
    await writeSafetensors(path, [
      { name: 'a'.repeat(length), dtype: 'U8', shape: [3], data: Uint8Array.of(1, 2, 3) },
      { name: 'z', dtype: 'F64', shape: [1], data: Float64Array.of(1) },
    ])
    await using file = await openSafetensors(path)
    expect((file.tensors.get('z')?.byteOffset ?? 1) % 8).toBe(0)
  }
})

const f32 = (over: Partial<TensorToWrite>): TensorToWrite => ({
  name: 'a',
  dtype: 'F32',
  shape: [2],
  data: new Float32Array(2),
  ...over,
})

test.each<[string, TensorToWrite[], string]>([
  ['a name twice', [f32({}), f32({})], 'given twice'],
  ['an empty name', [f32({ name: '' })], 'is empty'],
  ['the reserved name', [f32({ name: '__metadata__' })], 'is reserved'],
  ['a control character', [f32({ name: 'a\u0007' })], 'control characters'],
  [
    'too little data',
    [f32({ shape: [3] })],
    '[3] and dtype F32, which is 12 bytes, but 8 were given',
  ],
  ['too few pieces', [f32({ data: [new Float32Array(1)] })], 'but 4 were given'],
  ['too many pieces', [f32({ data: chunks(new Float32Array(2), new Float32Array(1)) })], 'but 12'],
  ['another array class', [f32({ data: new Float64Array(1) })], 'but Float64Array was given'],
  ['pieces of another class', [f32({ data: [new Int32Array(2)] })], 'but Int32Array was given'],
  ['numbers for pieces', [f32({ data: [1, 2] as unknown as TensorData })], 'but Number was given'],
  ['a negative size', [f32({ shape: [-2] })], 'sizes are whole numbers'],
  ['a fractional size', [f32({ shape: [1.5] })], 'sizes are whole numbers'],
  ['a shape that overflows', [f32({ shape: [2 ** 40, 2 ** 40] })], 'more than 2^53 - 1'],
  ['an unknown dtype', [f32({ dtype: 'F31' as 'F32' })], 'the dtype "F31"; known are'],
  ['half a byte', [f32({ dtype: 'F4', shape: [3], data: new Uint8Array(2) })], 'whole byte'],
])('%s is refused, and nothing is written', async (_, tensors, problem) => {
  const path = await folder.write('a.safetensors', 'old')
  await expect(writeSafetensors(path, tensors)).rejects.toMatchObject({
    code: 'tensor-invalid',
    message: expect.stringContaining(problem),
  })
  expect(await readdir(folder.path(''))).toEqual(['a.safetensors'])
  expect(await readFile(path, 'utf8')).toBe('old')
})

test('metadata is strings only', async () => {
  for (const value of [1 as unknown as string, '\ud800'])
    await expect(
      writeSafetensors(folder.path('a'), [], { metadata: { key: value } }),
    ).rejects.toMatchObject({ code: 'tensor-invalid', message: expect.stringContaining('"key"') })
})

test('what the source of the data throws comes out, and nothing is written', async () => {
  const broken = new Error('the source broke')
  async function* source() {
    yield new Float32Array(1)
    throw broken
  }
  const writing = writeSafetensors(folder.path('a'), [f32({ data: source() })])
  await expect(writing).rejects.toBe(broken)
  const signal = AbortSignal.abort(broken)
  await expect(writeSafetensors(folder.path('a'), [f32({})], { signal })).rejects.toBe(broken)
  expect(await readdir(folder.path(''))).toEqual([])
})

test('a path that cannot be written is named', async () => {
  await folder.write('file', '')
  const path = folder.path('file/a.safetensors')
  await expect(writeSafetensors(path, [f32({})])).rejects.toMatchObject({
    code: 'file-write-failed',
    message: expect.stringContaining(path),
  })
})

test.skipIf(oraclePython === '')(
  'the Python library reads what is written (CEM_ORACLE_PYTHON)',
  async () => {
    const path = folder.path('ours.safetensors')
    const values = Float32Array.from({ length: 1000 }, (_, i) => Math.sin(i) * 10 ** (i % 30))
    await writeSafetensors(
      path,
      [
        { name: 'f32', dtype: 'F32', shape: [10, 100], data: values },
        { name: 'u8', dtype: 'U8', shape: [3], data: Uint8Array.of(1, 2, 255) },
        { name: 'i64', dtype: 'I64', shape: [], data: BigInt64Array.of(-(2n ** 62n)) },
        { name: 'é', dtype: 'BOOL', shape: [0, 2], data: new Uint8Array() },
      ],
      { metadata: { b: 'ü', a: '"' } },
    )
    const script = `
import json, sys, safetensors
with safetensors.safe_open(sys.argv[1], 'np') as f:
    t = {k: f.get_tensor(k) for k in f.keys()}
    print(json.dumps({'metadata': f.metadata(), 'shapes': {k: list(v.shape) for k, v in t.items()},
      'f32': t['f32'].astype('f8').ravel().tolist(), 'u8': t['u8'].tolist(), 'i64': str(t['i64'])}))`
    expect(askPython(script, path)).toEqual({
      metadata: { a: '"', b: 'ü' },
      shapes: { f32: [10, 100], u8: [3], i64: [], é: [0, 2] },
      f32: [...values],
      u8: [1, 2, 255],
      i64: String(-(2n ** 62n)),
    })
  },
)

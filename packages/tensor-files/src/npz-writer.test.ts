import { readdir } from 'node:fs/promises'
import { expect, test } from 'vitest'
import { temporaryFolder } from '../test/support/files.ts'
import { askPython, oraclePython } from '../test/support/oracle.ts'
import { createNpzWriter } from './npz-writer.ts'
import { openNpz } from './open-npz.ts'
import type { Tensor, TensorSpec } from './tensor.ts'

const folder = temporaryFolder()
const vector = (...values: number[]): Tensor => ({
  dtype: 'F32',
  shape: [values.length],
  data: Float32Array.from(values),
})
const files = () => readdir(folder.path(''))

/** Rows of two, as they would come from a model. */
async function* rows(count: number) {
  for (let i = 0; i < count; i++) yield Float32Array.of(i, -i)
}

test.each([false, true])('arrays and streams come back (compress: %s)', async (compress) => {
  const path = folder.path('a.npz')
  await using writer = await createNpzWriter(path, { compress })
  const ids: Tensor = { dtype: 'I64', shape: [2, 1], data: BigInt64Array.of(1n, -1n) }
  await writer.add('layer_0', vector(1, 2, 3))
  await writer.addStream('layer_1', { dtype: 'F32', shape: [1000, 2] }, rows(1000))
  await writer.add('deep/ids', ids)
  await writer.add('none', { dtype: 'F64', shape: [0], data: new Float64Array() })
  expect(await files()).not.toContain('a.npz')
  await writer.commit()
  expect(await files()).toEqual(['a.npz'])

  await using npz = await openNpz(path)
  expect([...npz.entries.keys()]).toEqual(['layer_0', 'layer_1', 'deep/ids', 'none'])
  expect(npz.entries.get('layer_1')?.isCompressed).toBe(compress)
  expect(await npz.read('layer_0')).toEqual(vector(1, 2, 3))
  const { shape, data } = await npz.readFloat32('layer_1', { rows: { start: 998, end: 1000 } })
  expect([shape, ...data]).toEqual([[2, 2], 998, -998, 999, -999])
  expect(await npz.read('deep/ids')).toEqual(ids)
  expect((await npz.readFloat32('layer_1')).data.length).toBe(2000)
})

test.each([false, true])(
  'equal arrays make equal bytes, however they come (compress: %s)',
  async (compress) => {
    const values = Float32Array.from({ length: 400_000 }, (_, i) => Math.sin(i))
    const spec: TensorSpec = { dtype: 'F32', shape: [values.length] }
    const pieces = (size: number) =>
      Array.from({ length: Math.ceil(values.length / size) }, (_, i) =>
        values.subarray(i * size, (i + 1) * size),
      )
    const zone = process.env['TZ']
    for (const [name, size] of [
      ['a', 400_000],
      ['b', 777],
    ] as const) {
      process.env['TZ'] = name === 'a' ? 'Asia/Tokyo' : 'America/New_York'
      await using writer = await createNpzWriter(folder.path(name), { compress })
      await writer.addStream('x', spec, pieces(size))
      await writer.commit()
    }
    if (zone === undefined) delete process.env['TZ']
    else process.env['TZ'] = zone
    expect((await folder.read('a')).equals(await folder.read('b'))).toBe(true)
  },
)

test('data may be changed as soon as it is added', async () => {
  const values = new Float32Array(500_000).fill(1)
  await using writer = await createNpzWriter(folder.path('a.npz'))
  for (const step of [1, 2, 3]) {
    values.fill(step)
    await writer.add(`step_${step}`, { dtype: 'F32', shape: [values.length], data: values })
  }
  await writer.commit()
  await using npz = await openNpz(folder.path('a.npz'))
  for (const step of [1, 2, 3])
    expect((await npz.readFloat32(`step_${step}`)).data.every((value) => value === step)).toBe(true)
})

test('arrays that are added at once are written in the order of the calls', async () => {
  await using writer = await createNpzWriter(folder.path('a.npz'))
  await Promise.all([1, 2, 3].map((i) => writer.add(`a${i}`, vector(i))))
  await writer.commit()
  await using npz = await openNpz(folder.path('a.npz'))
  expect([...npz.entries.keys()]).toEqual(['a1', 'a2', 'a3'])
})

test('what is refused does no harm to what follows', async () => {
  await using writer = await createNpzWriter(folder.path('a.npz'))
  await writer.add('a', vector(1))
  const refused: readonly (readonly [string, Tensor, string])[] = [
    ['a', vector(2), 'is there already'],
    ['', vector(2), 'is empty'],
    ['../b', vector(2), 'holds ..'],
    ['/b', vector(2), 'absolute'],
    ['C:b', vector(2), 'absolute'],
    ['b\\c', vector(2), 'leaves the file'],
    ['b\u0000', vector(2), 'control characters'],
    ['b', { dtype: 'BF16', shape: [1], data: new Uint16Array(1) }, 'numpy does not have'],
    ['b', { dtype: 'F32', shape: [2], data: new Float32Array(3) }, 'but 12 were given'],
  ]
  for (const [name, array, problem] of refused)
    await expect(writer.add(name, array)).rejects.toMatchObject({
      code: 'tensor-invalid',
      message: expect.stringContaining(problem),
    })
  await writer.add('b', vector(2))
  await writer.commit()
  await using npz = await openNpz(folder.path('a.npz'))
  expect([...npz.entries.keys()]).toEqual(['a', 'b'])
})

test.each([
  ['too few rows', rows(2), 'but 16 were given'],
  ['too many rows', rows(4), 'but 32 were given'],
])('a stream of %s spoils the file, which never appears', async (_, chunks, problem) => {
  await using writer = await createNpzWriter(folder.path('a.npz'))
  await writer.add('a', vector(1))
  const expected = { code: 'tensor-invalid', message: expect.stringContaining(problem) }
  const adding = writer.addStream('b', { dtype: 'F32', shape: [3, 2] }, chunks)
  await expect(adding).rejects.toMatchObject(expected)
  await expect(writer.add('c', vector(1))).rejects.toMatchObject(expected)
  await expect(writer.commit()).rejects.toMatchObject(expected)
  await writer[Symbol.asyncDispose]()
  expect(await files()).toEqual([])
})

test('what a stream throws comes out, and its source is told to end', async () => {
  const broken = new Error('the source broke')
  let isEnded = false
  async function* source() {
    try {
      yield Float32Array.of(1)
      throw broken
    } finally {
      isEnded = true
    }
  }
  await using writer = await createNpzWriter(folder.path('a.npz'))
  const adding = writer.addStream('a', { dtype: 'F32', shape: [3] }, source())
  await expect(adding).rejects.toBe(broken)
  expect(isEnded).toBe(true)
  await expect(writer.commit()).rejects.toBe(broken)
})

/** Goes on until it is told to end. */
async function* endless() {
  for (;;) {
    await new Promise((resolve) => setTimeout(resolve, 1))
    yield Float32Array.of(1)
  }
}

test('a writer that is disposed of leaves the old file, and ends what is under way', async () => {
  await folder.write('a.npz', 'old')
  const writer = await createNpzWriter(folder.path('a.npz'))
  await writer.add('a', vector(1))
  const adding = writer.addStream('b', { dtype: 'F32', shape: [1e6] }, endless())
  const closing = writer[Symbol.asyncDispose]()
  await expect(adding).rejects.toMatchObject({ code: 'npz-writer-closed' })
  await closing
  await expect(writer.add('c', vector(1))).rejects.toMatchObject({ code: 'npz-writer-closed' })
  await expect(writer.commit()).rejects.toMatchObject({ code: 'npz-writer-closed' })
  expect(await files()).toEqual(['a.npz'])
  expect((await folder.read('a.npz')).toString()).toBe('old')
})

test('a second commit is refused, disposal after a commit does nothing', async () => {
  const writer = await createNpzWriter(folder.path('a.npz'))
  await writer.commit()
  await expect(writer.commit()).rejects.toMatchObject({ code: 'npz-writer-closed' })
  await writer[Symbol.asyncDispose]()
  await using npz = await openNpz(folder.path('a.npz'))
  expect(npz.entries.size).toBe(0)
})

const readWithNumpy = `
import json, sys, numpy as np
with np.load(sys.argv[1]) as f:
    print(json.dumps({k: [f[k].dtype.str, list(f[k].shape), f[k].ravel()[:4].tolist()] for k in f.files}))`

test.skipIf(oraclePython === '').each([false, true])(
  'numpy loads what is written (compress: %s, CEM_ORACLE_PYTHON)',
  async (compress) => {
    await using writer = await createNpzWriter(folder.path('a.npz'), { compress })
    await writer.add('layer_0', vector(0.5, -1.5))
    await writer.addStream('layer_1', { dtype: 'F32', shape: [1000, 2] }, rows(1000))
    await writer.add('flags', { dtype: 'BOOL', shape: [1, 1, 2], data: Uint8Array.of(1, 0) })
    await writer.add('half', { dtype: 'F16', shape: [], data: Uint16Array.of(0x3c00) })
    await writer.add('é', { dtype: 'U64', shape: [1], data: BigUint64Array.of(2n ** 53n) })
    await writer.commit()
    expect(askPython(readWithNumpy, folder.path('a.npz'))).toEqual({
      layer_0: ['<f4', [2], [0.5, -1.5]],
      layer_1: ['<f4', [1000, 2], [0, -0, 1, -1]],
      flags: ['|b1', [1, 1, 2], [true, false]],
      half: ['<f2', [], [1]],
      é: ['<u8', [1], [2 ** 53]],
    })
  },
)

const isLargeRun = process.env['CEM_LARGE_FILES'] !== undefined && oraclePython !== ''
test.skipIf(!isLargeRun)(
  'a file beyond 4 GiB is read by numpy and by us (CEM_LARGE_FILES, CEM_ORACLE_PYTHON; 4.5 GB of disk)',
  { timeout: 600_000 },
  async () => {
    const path = folder.path('large.npz')
    const nRows = 4200
    async function* megabytes() {
      for (let i = 0; i < nRows; i++) yield new Float32Array(2 ** 18).fill(i)
    }
    {
      await using writer = await createNpzWriter(path)
      await writer.addStream('large', { dtype: 'F32', shape: [nRows, 2 ** 18] }, megabytes())
      await writer.add('after', vector(1, 2))
      await writer.commit()
    }
    await using npz = await openNpz(path)
    const { data } = await npz.readFloat32('large', { rows: { start: nRows - 1, end: nRows } })
    expect([data[0], data.at(-1)]).toEqual([nRows - 1, nRows - 1])
    expect((await npz.read('large')).data.length).toBe(nRows * 2 ** 18)
    expect(await npz.read('after')).toEqual(vector(1, 2))
    expect(askPython(readWithNumpy, path)).toMatchObject({
      large: ['<f4', [nRows, 2 ** 18], [0, 0, 0, 0]],
      after: ['<f4', [2], [1, 2]],
    })
  },
)

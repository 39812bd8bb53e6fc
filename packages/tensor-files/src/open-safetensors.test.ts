import { readFile, realpath, symlink } from 'node:fs/promises'
import { expect, test } from 'vitest'
import { golden, temporaryFolder } from '../test/support/files.ts'
import { safetensorsBytes } from '../test/support/safetensors-bytes.ts'
import { openSafetensors } from './open-safetensors.ts'

const folder = temporaryFolder()

/** The error that opening such a file ends in. */
async function refusal(bytes: Uint8Array) {
  const path = await folder.write('bad.safetensors', bytes)
  const error = await openSafetensors(path).then(
    async (file) => {
      await file[Symbol.asyncDispose]()
      throw new Error('it was opened')
    },
    (caught: unknown) => caught as Error & { code: string },
  )
  expect(error.message).toContain(path)
  return error
}

const u8 = (shape: unknown, data_offsets: unknown, dtype = 'U8') => ({ dtype, shape, data_offsets })

test('every dtype that torch writes is read with its values', async () => {
  await using file = await openSafetensors(golden('dtypes.safetensors'))
  const signed = [-2, -1, 0, 1, 2, 3]
  const plain = [0, 1, 2, 3, 4, 5]
  const expected: Record<string, readonly (number | bigint)[]> = {
    F64: signed,
    F32: signed,
    F16: [0xc000, 0xbc00, 0, 0x3c00, 0x4000, 0x4200],
    BF16: [0xc000, 0xbf80, 0, 0x3f80, 0x4000, 0x4040],
    I64: signed.map(BigInt),
    I32: signed,
    I16: signed,
    I8: signed,
    U64: plain.map(BigInt),
    U32: plain,
    U16: plain,
    U8: plain,
    BOOL: [0, 1, 1, 1, 1, 1],
    F8_E4M3: [0xc0, 0xb8, 0, 0x38, 0x40, 0x44],
    F8_E5M2: [0xc0, 0xbc, 0, 0x3c, 0x40, 0x42],
    C64: signed.flatMap((real) => [real, 0]),
  }
  for (const [name, values] of Object.entries(expected)) {
    const { dtype, shape, data } = await file.read(name)
    expect({ dtype, shape, values: [...data] }).toEqual({ dtype: name, shape: [2, 3], values })
  }
  expect(await file.read('scalar')).toMatchObject({ shape: [], data: Float32Array.of(0.5) })
  expect(await file.read('empty')).toMatchObject({ shape: [0, 4], data: new Float32Array() })
  expect([...(await file.read('9 é中')).data]).toEqual([9])
  expect(file.metadata).toEqual({ format: 'pt' })
  expect(file.tensors.size).toBe(20)
})

test('offsets count from the start of the file', async () => {
  await using file = await openSafetensors(golden('dtypes.safetensors'))
  const bytes = await readFile(golden('dtypes.safetensors'))
  const info = file.tensors.get('F64')
  const at = info?.byteOffset ?? 0
  expect(info).toMatchObject({ name: 'F64', dtype: 'F64', shape: [2, 3], byteLength: 48 })
  expect([0, 8, 16].map((step) => bytes.readDoubleLE(at + step))).toEqual([-2, -1, 0])
})

test('floats are widened on reading, other dtypes are refused', async () => {
  await using file = await openSafetensors(golden('dtypes.safetensors'))
  for (const name of ['F64', 'F32', 'F16', 'BF16']) {
    const { dtype, shape, data } = await file.readFloat32(name)
    expect({ dtype, shape, values: [...data] }).toEqual({
      dtype: 'F32',
      shape: [2, 3],
      values: [-2, -1, 0, 1, 2, 3],
    })
  }
  await expect(file.readFloat32('I8')).rejects.toMatchObject({ code: 'tensor-not-float' })
})

test('a large half-precision tensor is widened piece by piece without a seam', async () => {
  const count = 2 ** 21 + 1
  const header = { a: u8([count], [0, 2 * count], 'BF16') }
  const bits = Uint16Array.from({ length: count }, (_, i) => i & 0x3fff)
  const path = await folder.write(
    'a.safetensors',
    Buffer.concat([safetensorsBytes(header), Buffer.from(bits.buffer)]),
  )
  await using file = await openSafetensors(path)
  const { data } = await file.readFloat32('a')
  expect(new Uint32Array(data.buffer)).toEqual(Uint32Array.from(bits, (half) => half << 16))
})

test('rows are read alone', async () => {
  await using file = await openSafetensors(golden('dtypes.safetensors'))
  expect(await file.read('I16', { rows: { start: 1, end: 2 } })).toEqual({
    dtype: 'I16',
    shape: [1, 3],
    data: Int16Array.of(1, 2, 3),
  })
  expect((await file.readFloat32('BF16', { rows: { start: 1, end: 2 } })).data).toEqual(
    Float32Array.of(1, 2, 3),
  )
  expect((await file.read('I16', { rows: { start: 2, end: 2 } })).shape).toEqual([0, 3])
  for (const rows of [
    { start: -1, end: 1 },
    { start: 0, end: 3 },
    { start: 2, end: 1 },
    { start: 0.5, end: 1 },
    { start: 0, end: NaN },
  ])
    await expect(file.read('I16', { rows })).rejects.toMatchObject({
      code: 'tensor-rows-invalid',
      message: expect.stringContaining('[2, 3]'),
    })
  await expect(file.read('scalar', { rows: { start: 0, end: 1 } })).rejects.toMatchObject({
    code: 'tensor-rows-invalid',
  })
})

test('4-bit tensors are read as packed bytes, and rows only where they end on a byte', async () => {
  const header = {
    even: u8([2, 4], [0, 4], 'F4'),
    odd: u8([2, 3], [4, 7], 'F4'),
  }
  const path = await folder.write('a.safetensors', safetensorsBytes(header, 7))
  await using file = await openSafetensors(path)
  expect([...(await file.read('odd')).data]).toEqual([5, 6, 7])
  const rows = { start: 1, end: 2 }
  expect([...(await file.read('even', { rows })).data]).toEqual([3, 4])
  await expect(file.read('odd', { rows })).rejects.toMatchObject({ code: 'tensor-rows-invalid' })
})

test('a link is followed, as in the Hugging Face cache', async () => {
  const link = folder.path('model.safetensors')
  await symlink(golden('dtypes.safetensors'), link)
  await using file = await openSafetensors(link)
  expect(file).toMatchObject({ path: link, realPath: await realpath(golden('dtypes.safetensors')) })
})

test('a name that is not there gets the nearest one', async () => {
  await using file = await openSafetensors(golden('dtypes.safetensors'))
  await expect(file.read('scalr')).rejects.toMatchObject({
    code: 'tensor-not-found',
    message: expect.stringContaining('Did you mean "scalar"?'),
  })
  await expect(file.read('something else')).rejects.toMatchObject({
    message: expect.stringContaining('It has 20: '),
  })
})

test('what is not a file, or is closed, is refused', async () => {
  const dangling = folder.path('dangling')
  await symlink(folder.path('gone'), dangling)
  for (const path of [folder.path(''), folder.path('absent'), dangling])
    await expect(openSafetensors(path)).rejects.toMatchObject({
      code: 'file-read-failed',
      message: expect.stringContaining(path),
    })
  await expect(openSafetensors(dangling)).rejects.toThrow('link to a file that is not there')
  const file = await openSafetensors(golden('dtypes.safetensors'))
  await file[Symbol.asyncDispose]()
  await file[Symbol.asyncDispose]()
  await expect(file.read('F32')).rejects.toMatchObject({ code: 'file-closed' })
})

test('an aborted read throws the reason of the abort', async () => {
  await using file = await openSafetensors(golden('dtypes.safetensors'))
  const reason = new Error('enough')
  const signal = AbortSignal.abort(reason)
  await expect(file.read('F32', { signal })).rejects.toBe(reason)
  await expect(file.readFloat32('BF16', { signal })).rejects.toBe(reason)
})

test('a file cut at any byte says so, with both sizes', async () => {
  const whole = safetensorsBytes({ a: u8([4], [0, 4]) }, 4)
  for (let size = 0; size < whole.length; size++) {
    const error = await refusal(whole.subarray(0, size))
    expect(error).toMatchObject({ code: 'safetensors-truncated', data: { foundBytes: size } })
    expect(error.message).toMatch(/bytes and has \d+\. Fetch it again/)
  }
  expect(await refusal(whole.subarray(0, -1))).toMatchObject({
    message: expect.stringContaining(
      `should have ${whole.length} bytes and has ${whole.length - 1}`,
    ),
  })
})

test('a file that shrinks after it was opened is an error, not half a tensor', async () => {
  const whole = safetensorsBytes({ a: u8([4], [0, 4]) }, 4)
  const path = await folder.write('a.safetensors', whole)
  await using file = await openSafetensors(path)
  await folder.write('a.safetensors', whole.subarray(0, -1))
  await expect(file.read('a')).rejects.toMatchObject({
    code: 'file-read-failed',
    message: expect.stringContaining('it changed while it was read'),
  })
})

test('an absurd header length is refused before anything is read', async () => {
  for (const headerLength of [2n ** 60n, 2n ** 64n - 1n, 100_000_001n])
    expect(await refusal(safetensorsBytes({}, 0, { headerLength }))).toMatchObject({
      code: 'safetensors-invalid',
      message: expect.stringContaining(`${headerLength} bytes`),
    })
  const path = await folder.write('a.safetensors', safetensorsBytes({}))
  await expect(openSafetensors(path, { maxHeaderBytes: 1 })).rejects.toThrow('at most 1')
})

test('a Git LFS pointer is recognised', async () => {
  const pointer = 'version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n'
  expect((await refusal(Buffer.from(pointer))).message).toContain('git lfs pull')
})

test.each<[string, unknown, number, string]>([
  ['an array', '[]', 0, 'an object is expected'],
  ['no JSON', '{"a"', 0, '":" is expected'],
  ['an empty header', '', 0, 'the text ends'],
  ['white space first', ' {}', 0, 'an object is expected'],
  ['a byte order mark', '\ufeff{}', 0, 'an object is expected'],
  ['text after the object', '{} x', 0, 'the end is expected'],
  ['bytes that are not UTF-8', Buffer.from([0x7b, 0xff, 0x7d]), 0, 'not UTF-8'],
  [
    'a name twice',
    `{"a":${JSON.stringify(u8([1], [0, 1]))},"a":${JSON.stringify(u8([1], [0, 1]))}}`,
    1,
    'the key "a" is there twice',
  ],
  ['metadata twice', '{"__metadata__":{},"__metadata__":{}}', 0, 'twice'],
  ['metadata that is no text', { __metadata__: { a: 1 } }, 0, 'a string is expected'],
  ['metadata that is no object', { __metadata__: 'a' }, 0, 'an object is expected'],
  ['an unknown dtype', { a: u8([1], [0, 1], 'U9') }, 1, 'the dtype "U9"; known are BOOL, '],
  ['a dtype of Object.prototype', { a: u8([1], [0, 1], 'toString') }, 1, 'the dtype "toString"'],
  ['no dtype', { a: { shape: [1], data_offsets: [0, 1] } }, 1, 'has no dtype'],
  ['no shape', { a: { dtype: 'U8', data_offsets: [0, 1] } }, 1, 'has no shape'],
  ['no offsets', { a: { dtype: 'U8', shape: [1] } }, 1, 'needs data_offsets'],
  ['one offset', { a: u8([1], [0]) }, 1, 'needs data_offsets'],
  ['three offsets', { a: u8([1], [0, 1, 1]) }, 1, 'needs data_offsets'],
  ['offsets in reverse', { a: u8([1], [1, 0]) }, 1, 'start <= end'],
  ['a strange key', { a: { ...u8([1], [0, 1]), strides: [1] } }, 1, 'the key "strides"'],
  ['a negative size', { a: u8([-1], [0, 1]) }, 1, '"-1" stands where a whole number'],
  ['a fractional size', { a: u8([0.5], [0, 1]) }, 1, '"0.5" stands where a whole number'],
  ['a size beyond 2^53', '{"a":{"dtype":"U8","shape":[9007199254740993]', 0, 'whole number'],
  ['a shape that overflows', { a: u8([2 ** 40, 2 ** 40], [0, 1]) }, 1, 'more than 2^53 - 1'],
  ['a negative offset', { a: u8([1], [-1, 0]) }, 1, 'whole number'],
  ['a shape of 65 axes', { a: u8(Array(65).fill(1), [0, 1]) }, 1, '65 axes'],
  ['a shape that is text', { a: u8('1', [0, 1]) }, 1, 'an array is expected'],
  [
    'a shape and range that differ',
    { a: u8([2, 3], [0, 8], 'F32') },
    8,
    'the shape [2, 3] and dtype F32, which is 24 bytes, but its data_offsets [0, 8] hold 8',
  ],
  ['half a byte', { a: u8([3], [0, 2], 'F4') }, 2, 'which is 1.5 bytes'],
  [
    'an overlap',
    { a: u8([2], [0, 2]), b: u8([2], [1, 3]) },
    3,
    '"b" overlaps tensor "a" by 1 byte',
  ],
  ['the same bytes twice', { a: u8([2], [0, 2]), b: u8([2], [0, 2]) }, 2, 'overlaps tensor'],
  ['a gap', { a: u8([1], [0, 1]), b: u8([1], [2, 3]) }, 3, 'gap of 1 bytes between tensor "a"'],
  ['a gap at the start', { a: u8([1], [1, 2]) }, 2, 'gap of 1 bytes between the header'],
  ['bytes after the last', { a: u8([1], [0, 1]) }, 2, '1 belong to no tensor'],
  ['an empty name', { '': u8([1], [0, 1]) }, 1, 'the name of tensor "" is empty'],
  ['a name that moves the cursor', { '\u001b[2J': u8([1], [0, 1]) }, 1, 'control characters'],
])('%s is refused', async (_, header, dataBytes, problem) => {
  const error = await refusal(safetensorsBytes(header, dataBytes))
  expect(error.code).toBe('safetensors-invalid')
  expect(error.message).toContain(problem)
})

test('ranges beyond the end of the file are a truncated file', async () => {
  const far = 2 ** 50
  expect(await refusal(safetensorsBytes({ a: u8([far], [0, far]) }, 4))).toMatchObject({
    code: 'safetensors-truncated',
    data: { foundBytes: expect.any(Number) },
  })
})

test('no tensors, and empty tensors between others, are fine', async () => {
  const none = await folder.write('none.safetensors', safetensorsBytes('{}   '))
  await using empty = await openSafetensors(none)
  expect(empty.tensors.size).toBe(0)
  const header = {
    a: u8([2], [0, 2]),
    b: u8([0], [2, 2]),
    c: u8([0, 5], [0, 0]),
    d: u8([1], [2, 3]),
  }
  const some = await folder.write('some.safetensors', safetensorsBytes(header, 3))
  await using file = await openSafetensors(some)
  expect([...file.tensors.keys()].toSorted()).toEqual(['a', 'b', 'c', 'd'])
  expect([...(await file.read('d')).data]).toEqual([3])
})

test('keys of Object.prototype are names like any other', async () => {
  const header = `{"__metadata__":{"__proto__":"x"},"__proto__":${JSON.stringify(u8([1], [0, 1]))}}`
  const path = await folder.write('a.safetensors', safetensorsBytes(header, 1))
  await using file = await openSafetensors(path)
  expect(Object.entries(file.metadata)).toEqual([['__proto__', 'x']])
  expect([...(await file.read('__proto__')).data]).toEqual([1])
})

import { mkdir, realpath, symlink } from 'node:fs/promises'
import { dirname } from 'node:path'
import { expect, test } from 'vitest'
import { golden, temporaryFolder } from '../test/support/files.ts'
import { safetensorsBytes } from '../test/support/safetensors-bytes.ts'
import { openModelWeights } from './model-weights.ts'

const folder = temporaryFolder()
const here = () => folder.path('')
const index = (weight_map: unknown) =>
  folder.write('model.safetensors.index.json', JSON.stringify({ metadata: {}, weight_map }))
const real = (name: string) => realpath(golden(`sharded/${name}`))
const tensor = (...names: string[]) =>
  safetensorsBytes(
    Object.fromEntries(
      names.map((name, i) => [name, { dtype: 'U8', shape: [1], data_offsets: [i, i + 1] }]),
    ),
    names.length,
  )

test('shards are one map of tensors, each with its file; what the index leaves out is reported', async () => {
  await using weights = await openModelWeights(golden('sharded'))
  const first = await real('model-00001-of-00002.safetensors')
  const second = await real('model-00002-of-00002.safetensors')
  expect([...weights.tensors.keys()].toSorted()).toEqual(['a.weight', 'b.weight'])
  expect(weights.tensors.get('b.weight')).toMatchObject({
    file: second,
    dtype: 'BF16',
    shape: [3],
    byteLength: 6,
  })
  expect(weights.unmapped).toMatchObject([{ name: 'stray', file: second }])
  expect(weights.files).toEqual([first, second])
  expect([...(await weights.readFloat32('b.weight')).data]).toEqual([0, 1, 2])
  expect((await weights.read('a.weight', { rows: { start: 2, end: 4 } })).data).toEqual(
    Float32Array.of(2, 3),
  )
  await expect(weights.read('stray')).rejects.toMatchObject({ code: 'tensor-not-found' })
})

test('a single file is preferred to an index', async () => {
  await folder.write('model.safetensors', tensor('only'))
  await index({ other: 'absent.safetensors' })
  await using weights = await openModelWeights(here())
  expect([...weights.tensors.keys()]).toEqual(['only'])
  expect(weights.unmapped).toEqual([])
})

test('a folder of links, as in the Hugging Face cache, leads to the real files', async () => {
  await mkdir(folder.path('blobs'))
  await mkdir(folder.path('snapshot'))
  const blob = await folder.write('blobs/0abc', tensor('a'))
  await folder.write('blobs/index', JSON.stringify({ weight_map: { a: 'one.safetensors' } }))
  await symlink('../blobs/0abc', folder.path('snapshot/one.safetensors'))
  await symlink('../blobs/index', folder.path('snapshot/model.safetensors.index.json'))
  await using weights = await openModelWeights(folder.path('snapshot'))
  expect(weights.tensors.get('a')?.file).toBe(await realpath(blob))
})

test('a tensor that lies in two shards is taken from the one that the index names', async () => {
  await folder.write('one.safetensors', tensor('a', 'b'))
  await folder.write('two.safetensors', tensor('b', 'c'))
  await index({ a: 'one.safetensors', b: 'two.safetensors', c: 'two.safetensors' })
  await using weights = await openModelWeights(here())
  const two = await realpath(folder.path('two.safetensors'))
  expect(weights.tensors.get('b')?.file).toBe(two)
  expect(weights.unmapped.map(({ name, file }) => [name, dirname(file) === dirname(two)])).toEqual([
    ['b', true],
  ])
  expect([...(await weights.read('b')).data]).toEqual([1])
})

test('missing shards are named, also where a link has lost its file', async () => {
  await folder.write('one.safetensors', tensor('a'))
  await symlink(folder.path('gone'), folder.path('three.safetensors'))
  await index({ a: 'one.safetensors', b: 'two.safetensors', c: 'three.safetensors' })
  await expect(openModelWeights(here())).rejects.toMatchObject({
    code: 'safetensors-shard-missing',
    data: { missing: ['three.safetensors', 'two.safetensors'] },
    message: expect.stringContaining('lacks 2 of the 3 files'),
  })
})

test('a tensor that its shard does not hold is named', async () => {
  await folder.write('one.safetensors', tensor('a'))
  await index({ a: 'one.safetensors', 'b.weight': 'one.safetensors' })
  await expect(openModelWeights(here())).rejects.toMatchObject({
    code: 'safetensors-index-invalid',
    message: expect.stringContaining('"b.weight" (the first to "one.safetensors")'),
  })
})

test('a shard that is cut short is named', async () => {
  await folder.write('one.safetensors', tensor('a').subarray(0, -1))
  await index({ a: 'one.safetensors' })
  await expect(openModelWeights(here())).rejects.toMatchObject({
    code: 'safetensors-truncated',
    message: expect.stringContaining('one.safetensors'),
  })
})

test.each(['../a', '..', 'a/b', '/etc/passwd', 'C:\\a', '\\\\host\\a', 'a\\b', '', '\0'])(
  'a shard called %j, outside the folder, is refused',
  async (name) => {
    await index({ a: name })
    await expect(openModelWeights(here())).rejects.toMatchObject({
      code: 'safetensors-index-invalid',
    })
  },
)

test.each([
  ['no JSON', '{'],
  ['an array', '[]'],
  ['no map', '{"metadata":{"total_size":1}}'],
  ['an empty map', '{"weight_map":{}}'],
  ['a map of numbers', '{"weight_map":{"a":1}}'],
  ['a name twice', '{"weight_map":{"a":"x","a":"y"}}'],
  ['two maps', '{"weight_map":{"a":"x"},"weight_map":{"a":"y"}}'],
  ['a control character in a name', '{"weight_map":{"\\u001b":"x"}}'],
])('an index that is %s is refused', async (_, text) => {
  const path = await folder.write('model.safetensors.index.json', text)
  await expect(openModelWeights(here())).rejects.toMatchObject({
    code: 'safetensors-index-invalid',
    message: expect.stringContaining(path),
  })
})

test('a folder without weights says what was looked for and what is there', async () => {
  await folder.write('pytorch_model.bin', '')
  await expect(openModelWeights(here())).rejects.toMatchObject({
    code: 'model-weights-not-found',
    message: expect.stringMatching(
      /neither model\.safetensors nor model\.safetensors\.index\.json.*"pytorch_model\.bin"/,
    ),
  })
  await expect(openModelWeights(folder.path('absent'))).rejects.toThrow('There is no such folder')
})

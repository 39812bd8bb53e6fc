import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { openActivationSet } from './activation-set.ts'

/** Made by make_arrays.py. */
const path = (name: string) =>
  fileURLToPath(new URL(`../golden/arrays/${name}.npz`, import.meta.url))
const nan = [Number.NaN, Number.NaN, Number.NaN, Number.NaN]
const rows = [0, 0.125, 0.25, 0.375, ...nan, 1, 1.125, 1.25, 1.375]

describe('activation sets that numpy wrote', () => {
  test.each([
    'c_order',
    'fortran_order',
    'big_endian',
    'big_endian_fortran',
    'half',
    'double',
    'compressed',
    'strided',
    'beside_others',
  ])('are read in every layout: %s', async (name) => {
    await using set = await openActivationSet(path(name))
    expect(set.shape).toEqual({ nRows: 3, layers: [3], dModel: 4 })
    expect(set.metadata).toBeUndefined()
    expect(Array.from(await set.readLayer(3))).toEqual(rows)
  })

  test('may have no rows', async () => {
    await using set = await openActivationSet(path('no_rows'))
    expect(set.shape).toEqual({ nRows: 0, layers: [3], dModel: 4 })
    expect((await set.readLayer(3)).length).toBe(0)
  })

  test.each(['scalar', 'one_axis', 'three_axes', 'no_columns'])(
    'are refused where they are not [responses, dModel]: %s',
    async (name) => {
      await expect(openActivationSet(path(name))).rejects.toMatchObject({
        code: 'activations-mismatch',
        message: expect.stringContaining('layer_3 is not [responses, dModel]'),
      })
    },
  )

  test('of objects, complex numbers and integers are refused, not converted', async () => {
    for (const name of ['objects', 'complex'])
      await expect(openActivationSet(path(name))).rejects.toMatchObject({ code: 'npy-unsupported' })
    await using set = await openActivationSet(path('integers'))
    await expect(set.readLayer(3)).rejects.toMatchObject({ code: 'tensor-not-float' })
  })
})

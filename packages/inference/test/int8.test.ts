import { cp, open, readdir, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { openSafetensors } from '@cem/tensor-files'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { compose, loadModel, type Model } from '../src/index.ts'
import { blockScales, quantizeRows } from '../src/precision/quantize-rows.ts'
import { drift, fixtures, layerRequests, modelNamed, temporaryFolder } from './golden.ts'

vi.setConfig({ testTimeout: 180_000, hookTimeout: 180_000 })

const otherKernels = process.arch !== 'x64'
let cache: string
beforeAll(async () => {
  cache = await temporaryFolder()
})
afterAll(async () => {
  await rm(cache, { recursive: true, force: true })
})

describe('rounding to 8 bits', () => {
  const sizes = { nIn: 4, blockSize: 4 }

  test('takes a scale and a zero point from the range of each block, zero included', () => {
    // Ranges [-1, 1.55], [0, 2.55] and [-5.1, 0]: 2.55 / 255 = 0.01, 5.1 / 255 = 0.02.
    const rows = Float32Array.of(-1, 0, 0.502, 1.55, 1.27, 2.55, 2, 0.014, -5.1, -0.02, -1.01, -2)
    const scales = blockScales(rows, sizes) as Float32Array
    expect(Array.from(scales)).toEqual([0.01, 0.01, 0.02].map(Math.fround))
    const { values, zeroPoints } = quantizeRows(rows, scales, sizes)
    expect(Array.from(zeroPoints)).toEqual([100, 0, 255])
    expect(Array.from(values)).toEqual(
      [0, 100, 150, 255, 127, 255, 200, 1, 0, 254, 205, 155].map(
        // -1.01 / 0.02 = -50.5 in exact numbers; the 32-bit floats lie at -50.500001.
        (value, i) => (i === 10 ? 204 : value),
      ),
    )
  })

  test('fills the last block of a row with its zero point, and leaves rows apart', () => {
    const rows = Float32Array.of(-1, 0, 1.55, 2.55, 0, 1)
    const wide = { nIn: 3, blockSize: 2 }
    const scales = blockScales(rows, wide) as Float32Array
    const { values, zeroPoints } = quantizeRows(rows, scales, wide)
    // Blocks: [-1, 0], [1.55, -], [2.55, 0], [1, -]
    expect(Array.from(zeroPoints)).toEqual([255, 0, 0, 0])
    expect(Array.from(values)).toEqual([0, 255, 255, 0, 255, 0, 255, 0])
  })

  test('gives zeros for blocks of zeros and of numbers too small for a scale', () => {
    const rows = Float32Array.of(0, -0, 0, 0, 1e-45, -1e-45, 0, 0)
    const scales = blockScales(rows, sizes) as Float32Array
    expect(Array.from(scales)).toEqual([0, 0])
    expect(Array.from(quantizeRows(rows, scales, sizes).values)).toEqual(Array(8).fill(0))
  })

  test('does not overflow at the largest numbers, and finds those that are not finite', () => {
    const largest = 3.4028234663852886e38
    const rows = Float32Array.of(-largest, largest, 0, 0)
    const scales = blockScales(rows, sizes) as Float32Array
    expect(scales[0]).toBe(Math.fround((2 * largest) / 255))
    const { values } = quantizeRows(rows, scales, sizes)
    expect([values[0], values[1]]).toEqual([0, 255])
    for (const bad of [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY])
      expect(blockScales(Float32Array.of(1, bad, 2, 3), sizes)).toBeUndefined()
  })
})

const quantizedModels = ['gqa-6-2-tied', 'odd-sizes', 'bf16-tied', 'llama-linear-biases', 'gemma2']

describe.each(quantizedModels)('%s in 8 bits', (name) => {
  const golden = modelNamed(name)
  let model: Model
  beforeAll(async () => {
    model = await loadModel({ base: join(fixtures, golden.folder), cache, precision: 'int8' })
  })
  afterAll(async () => {
    await model[Symbol.asyncDispose]()
  })

  test("the copy in the cache holds numpy's values, scales and zero points", async () => {
    await using expected = await openSafetensors(join(fixtures, `quantized/${name}.safetensors`))
    const { base } = await model.composition.record()
    const weight = 'model.layers.0.mlp.down_proj.weight'
    await using copy = await copyOf(
      base.files.map((file) => file.sha256),
      weight,
    )
    for (const part of ['values', 'scales', 'zero_points'])
      expect(await copy.read(`${weight}.${part}`)).toEqual(await expected.read(`${weight}.${part}`))
  })

  test.skipIf(otherKernels)(
    'computes what numpy computes with weights and inputs rounded to 8 bits (x64 only: other processors round inputs their own way)',
    async () => {
      const { logits, layers } = await largestDrift(model, name, '')
      // Drift by part, so that a failure shows where it begins.
      expect([logits, ...layers].filter((error) => !(error < 2e-5))).toEqual([])
    },
  )

  test('rounds the inputs of its products too, which moves the logits', async () => {
    const { unrounded } = await largestDrift(model, name, '')
    expect(unrounded).toBeGreaterThan(3e-3)
    expect(unrounded).toBeLessThan(5e-2)
  })
})

/** The quantized file of one of these sources that holds a weight. */
async function copyOf(sources: readonly string[], weight: string) {
  const folder = join(cache, 'int8')
  for (const file of await readdir(folder)) {
    if (!file.endsWith('.safetensors')) continue
    const opened = await openSafetensors(join(folder, file))
    const isOf = sources.includes(opened.metadata['source_sha256'] as string)
    if (isOf && opened.tensors.has(`${weight}.values`)) return opened
    await opened[Symbol.asyncDispose]()
  }
  throw new Error(`no copy of ${sources.join()}`)
}

/** Largest difference from a golden file, as a share of the largest value: of the logits, and of each layer's states. */
async function largestDrift(model: Model, name: string, prefix: string) {
  await using expected = await openSafetensors(join(fixtures, `quantized/${name}.safetensors`))
  const golden = async (key: string) => (await expected.readFloat32(key)).data
  const { nLayers, dModel } = model.architecture
  let logits = 0
  let unrounded = 0
  const layers = Array.from({ length: nLayers }, () => 0)
  for (const prompt of ['p2', 'p5']) {
    const ids = (await expected.read(`${prefix}${prompt}.ids`)).data as BigInt64Array
    const tokenIds = Array.from(ids, Number)
    const all = { start: 0, end: tokenIds.length }
    const sequence = { id: prompt, tokenIds, logits: all, states: all }
    for await (const scored of model.score({ sequences: [sequence] })) {
      const found = scored.logits as Float32Array
      logits = Math.max(logits, drift(found, await golden(`${prefix}${prompt}.logits`)))
      if (prefix === '')
        unrounded = drift(found, await golden(`${prompt}.logits_of_unrounded_inputs`))
      for (let layer = 0; layer < nLayers; layer++) {
        const state = await golden(`${prefix}${prompt}.layer_${layer}`)
        const ours = layerOf(scored.states as Float32Array, layer, { nLayers, dModel })
        layers[layer] = Math.max(layers[layer] as number, drift(ours, state))
      }
    }
  }
  return { logits, layers, unrounded }
}

/** One layer's states out of [positions, nLayers, dModel]. */
function layerOf(
  states: Float32Array,
  layer: number,
  { nLayers, dModel }: { nLayers: number; dModel: number },
): Float32Array {
  return states.filter((_, i) => Math.floor(i / dModel) % nLayers === layer)
}

const tied = modelNamed('gqa-6-2-tied')
const tiedOptions = { base: join(fixtures, tied.folder), baseAliases: [tied.repository] }

describe('adapters on weights in 8 bits', () => {
  test.skipIf(otherKernels)(
    'a stacked adapter is added in 32-bit floats, and off again gives the base (x64 only: as above)',
    async () => {
      const layers = layerRequests(tied, [{ adapter: 'plain', mode: 'stacked' }])
      await using model = await loadModel({ ...tiedOptions, layers, cache, precision: 'int8' })
      expect((await largestDrift(model, tied.name, 'stacked.')).logits).toBeLessThan(2e-5)
      expect(model.selfTest.layers[0]?.status).toBe('active')
      await model.switchTo([])
      expect((await largestDrift(model, tied.name, '')).logits).toBeLessThan(2e-5)
      expect(model.composition.precision).toBe('int8')
    },
  )

  test.skipIf(otherKernels)(
    'a merged adapter is merged first and rounded to 8 bits after (x64 only: as above)',
    async () => {
      const layers = layerRequests(tied, [{ adapter: 'plain', mode: 'merged' }])
      await using model = await loadModel({ ...tiedOptions, layers, cache, precision: 'int8' })
      expect((await largestDrift(model, tied.name, 'merged.')).logits).toBeLessThan(2e-5)
      expect(model.selfTest.layers[0]).toMatchObject({ mode: 'merged', status: 'active' })
    },
  )

  test('an untrained adapter changes nothing at all', async () => {
    const layers = [
      { role: 'em', mode: 'stacked', adapter: join(fixtures, 'hostile/untrained') } as const,
    ]
    await using model = await loadModel({ ...tiedOptions, layers, cache, precision: 'int8' })
    expect(model.selfTest.layers[0]).toMatchObject({ status: 'untrained', effect: 0 })
  })
})

describe('the record', () => {
  test('carries the precision, and another hash than in 32-bit floats', async () => {
    const f32 = await compose({ ...tiedOptions, cache })
    const int8 = await compose({ ...tiedOptions, cache, precision: 'int8' })
    const [a, b] = [await f32.record(), await int8.record()]
    expect([a.precision, a.quantization]).toEqual(['f32', null])
    expect(b.precision).toBe('int8')
    expect(b.quantization).toMatchObject({ bits: 8, blockSize: 32 })
    expect(a.sha256).not.toBe(b.sha256)
    expect(a.base).toEqual(b.base)
  })

  test('refuses a precision that there is not', async () => {
    await expect(compose({ ...tiedOptions, precision: 'int4' as 'int8' })).rejects.toMatchObject({
      code: 'composition-invalid',
      message: expect.stringContaining("'int4'; it must be one of f32, int8"),
    })
  })

  test('one process changes precision without mixing their results', async () => {
    const f32 = await compose({ ...tiedOptions, cache })
    const int8 = await compose({ base: f32.base, cache, precision: 'int8' })
    await using model = await loadModel({ base: f32.base, cache })
    const before = await logitsOf(model)
    await model.activate(int8)
    const rounded = await logitsOf(model)
    await model.activate(f32)
    expect(await logitsOf(model)).toEqual(before)
    expect(drift(rounded, before)).toBeGreaterThan(1e-3)
  })
})

async function logitsOf(model: Model): Promise<Float32Array> {
  const sequence = { id: 's', tokenIds: [5, 9, 33, 77], logits: { start: 3, end: 4 } }
  for await (const { logits } of model.score({ sequences: [sequence] }))
    return logits as Float32Array
  throw new Error('nothing was scored')
}

describe('the copies in the cache', () => {
  async function loadWith(folder: string, base: string): Promise<Float32Array> {
    await using model = await loadModel({ base, cache: folder, precision: 'int8' })
    return await logitsOf(model)
  }

  async function only(folder: string, ending: string): Promise<string> {
    const found = (await readdir(join(folder, 'int8'))).filter((name) => name.endsWith(ending))
    expect(found.length).toBe(1)
    return join(folder, 'int8', found[0] as string)
  }

  test('are used again, and made anew where they are cut short, changed or without their note', async () => {
    const folder = await temporaryFolder()
    const base = tiedOptions.base
    const logits = await loadWith(folder, base)
    const file = await only(folder, '.safetensors')
    const bytes = await readFile(file)
    const made = (await stat(file)).ino
    expect(await loadWith(folder, base)).toEqual(logits)
    expect((await stat(file)).ino).toBe(made)
    const damages = [
      () => truncate(file, 1000),
      () => truncate(file, 0),
      async () => {
        await using handle = await open(file, 'r+')
        await handle.write(Uint8Array.of((bytes.at(-1) as number) ^ 1), 0, 1, bytes.length - 1)
      },
      () => rm(file),
      () => only(folder, '.json').then((note) => rm(note)),
      () => only(folder, '.json').then((note) => writeFile(note, '{"sha256": 3')),
    ]
    for (const damage of damages) {
      await damage()
      expect(await loadWith(folder, base)).toEqual(logits)
      expect(await readFile(file)).toEqual(bytes)
    }
    expect((await readdir(join(folder, 'int8'))).length).toBe(2)
    await rm(folder, { recursive: true })
  })

  test('belong to the bytes of their source, not to its path', async () => {
    const folder = await temporaryFolder()
    const base = join(folder, 'model')
    await cp(tiedOptions.base, base, { recursive: true })
    const before = await loadWith(folder, base)
    const weights = join(base, 'model.safetensors')
    const bytes = await readFile(weights)
    // The sign of the last number, which lies in some norm or matrix of the model.
    for (let at = bytes.length - 4000 + 3; at < bytes.length; at += 4)
      bytes[at] = (bytes[at] as number) ^ 0x80
    await writeFile(weights, bytes)
    expect(drift(await loadWith(folder, base), before)).toBeGreaterThan(1e-3)
    expect((await readdir(join(folder, 'int8'))).length).toBe(4)
    await rm(folder, { recursive: true })
  })

  test('are not made of weights that are not finite', async () => {
    const folder = await temporaryFolder()
    const base = join(folder, 'model')
    await cp(tiedOptions.base, base, { recursive: true })
    await using file = await openSafetensors(join(base, 'model.safetensors'))
    const tensor = file.tensors.get('model.layers.1.mlp.up_proj.weight')
    await using handle = await open(join(base, 'model.safetensors'), 'r+')
    const nan = new Uint8Array(Float32Array.of(Number.NaN).buffer)
    await handle.write(nan, 0, 4, (tensor?.byteOffset ?? 0) + 400)
    await expect(loadWith(folder, base)).rejects.toMatchObject({
      code: 'weights-not-finite',
      message: expect.stringContaining('model.layers.1.mlp.up_proj.weight'),
    })
    await rm(folder, { recursive: true })
  })
})

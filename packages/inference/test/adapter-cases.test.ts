import { cp, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { compose, loadModel, type Model, openAdapter, openModelFolder } from '../src/index.ts'
import { adapterCases, adapterFolder, caseLayers } from './adapter-cases.ts'
import {
  drift,
  fixtures,
  type GoldenModel,
  modelNamed,
  readGolden,
  temporaryFolder,
} from './golden.ts'

vi.setConfig({ testTimeout: 60_000 })

/** As in golden.test.ts. */
const tolerance = 2e-4

let cache: string
beforeAll(async () => {
  cache = await temporaryFolder()
})
afterAll(() => rm(cache, { recursive: true, force: true }))

describe.each(adapterCases)("$model against PEFT's rules and weights", (entry) => {
  const { golden } = entry
  let model: Model
  beforeAll(async () => {
    model = await loadModel({
      base: join(fixtures, golden.folder),
      baseAliases: [golden.repository],
      cache,
    })
  })
  afterAll(() => model[Symbol.asyncDispose]())

  test.each([...entry.adapters])('$name: $note', async ({ name, modules, golden: file }) => {
    const opened = await openAdapter(adapterFolder(golden, name), model.architecture, { cache })
    const found = opened.modules.map(({ path, rank, scale }) => [
      path,
      { rank, scale: scale.toFixed(9) },
    ])
    const expected = Object.entries(modules).map(([path, { rank, scale }]) => [
      path,
      { rank, scale: scale.toFixed(9) },
    ])
    expect(Object.fromEntries(found)).toEqual(Object.fromEntries(expected))
    await model.switchTo(caseLayers(golden, [{ adapter: name, mode: 'stacked', weight: 1 }]))
    expect(await checkedRows(model, golden, file)).toBe(5 * model.architecture.nLayers)
  })

  test.each([...entry.compositions])('$name: weights as PEFT applies them', async (composition) => {
    await model.switchTo(caseLayers(golden, composition.layers))
    expect(await checkedRows(model, golden, composition.golden)).toBe(
      5 * model.architecture.nLayers,
    )
  })

  test('off again: the base, bit for bit', async () => {
    await model.switchTo([])
    const base = await firstLogits(model)
    const [layer] = caseLayers(golden, [{ adapter: 'plain', mode: 'stacked', weight: -0.5 }])
    if (layer === undefined) throw new Error('no layer')
    await model.switchTo([layer])
    expect(drift(await firstLogits(model), base)).toBeGreaterThan(1e-3)
    await model.switchTo([{ ...layer, mode: 'off' }])
    expect(await firstLogits(model)).toEqual(base)
  })
})

describe('a weight', () => {
  const golden = modelNamed('gqa-6-2-tied')
  const layer = {
    role: 'em' as const,
    mode: 'stacked' as const,
    adapter: adapterFolder(golden, 'plain'),
  }
  const options = { base: join(fixtures, golden.folder), baseAliases: [golden.repository] }

  test.each([
    [0, /is 0: a layer without effect has the mode 'off'/],
    [-0, /is 0: /],
    [Number.NaN, /is NaN: it must be finite/],
    [Number.POSITIVE_INFINITY, /is Infinity: it must be finite/],
  ])('of %d is refused', async (weight, words) => {
    const composed = compose({ ...options, layers: [{ ...layer, weight }], cache })
    await expect(composed).rejects.toMatchObject({
      code: 'composition-invalid',
      message: expect.stringMatching(words),
    })
  })

  test('is in the record and in its hash; 1 is the same as none', async () => {
    const weights = [undefined, 1, 0.5, -0.5]
    const records = await Promise.all(
      weights.map(async (weight) =>
        (await compose({ ...options, layers: [{ ...layer, weight }], cache })).record(),
      ),
    )
    expect(records.map((r) => r.layers[0]?.weight)).toEqual([1, 1, 0.5, -0.5])
    const [none, one, half, minus] = records.map((r) => r.sha256)
    expect(one).toBe(none)
    expect(new Set([one, half, minus]).size).toBe(3)
  })

  test('so small that it changes nothing fails the self-test', async () => {
    const loaded = loadModel({ ...options, layers: [{ ...layer, weight: 1e-9 }], cache })
    await expect(loaded).rejects.toMatchObject({ code: 'layer-inactive' })
  })
})

describe('configs that mean something else than they seem to are refused', () => {
  const golden = modelNamed('gqa-6-2-tied')

  test.each([
    ['the head beside others', { target_modules: ['q_proj', 'lm_head'] }, /takes in lm_head: /],
    [
      'an expression that takes in the embeddings',
      { target_modules: String.raw`.*\.(q_proj|embed_tokens)` },
      /takes in model\.embed_tokens: /,
    ],
    [
      'layers_pattern alone',
      { layers_pattern: 'layers' },
      /layers_pattern is "layers" without layers_to_transform/,
    ],
    ["Python's anchors", { target_modules: String.raw`.*q_proj\Z` }, /holds \\A or \\Z/],
    ['LoRA-GA', { init_lora_weights: 'lora_ga' }, /changes the base's weights too/],
  ])('%s', async (_, change, words) => {
    const folder = await changedAdapter(golden, change)
    const { architecture } = await openModelFolder(join(fixtures, golden.folder))
    await expect(openAdapter(folder, architecture, { cache })).rejects.toMatchObject({
      code: 'adapter-unsupported',
      message: expect.stringMatching(words),
    })
  })

  test('embeddings that were kept out of the config are found in the file', async () => {
    const folder = await changedAdapter(golden, { target_modules: ['q_proj'] }, 'hostile/embedding')
    const { architecture } = await openModelFolder(join(fixtures, golden.folder))
    await expect(openAdapter(folder, architecture, { cache })).rejects.toMatchObject({
      code: 'adapter-mismatch',
      message: expect.stringMatching(/embed_tokens\.lora_embedding_A|and \d+ more/),
    })
  })
})

describe('the base that an adapter names', () => {
  const golden = modelNamed('gqa-4-1-untied')
  const base = join(fixtures, golden.folder)
  const check = async (
    change: Readonly<Record<string, unknown>>,
    layer = {},
    aliases?: string[],
  ) => {
    const adapter = await changedAdapter(golden, change)
    const layers = [{ role: 'em' as const, mode: 'stacked' as const, adapter, ...layer }]
    const composed = await compose({ base, layers, cache, baseAliases: aliases ?? [] })
    const [record] = (await composed.record()).layers
    return [record?.baseCheck, record?.baseName]
  }

  test.each([null, ''])('may be missing (%j): it is then recorded as unverified', async (name) => {
    expect(await check({ base_model_name_or_path: name })).toEqual(['unverified', name])
  })

  test('is recognised by the folder that is loaded, or by an alias', async () => {
    expect(await check({ base_model_name_or_path: base })).toEqual(['name', base])
    const cluster = '/scratch/models/base'
    const named = { base_model_name_or_path: cluster }
    expect(await check(named, {}, [cluster])).toEqual(['alias', cluster])
    await expect(check(named)).rejects.toMatchObject({
      code: 'adapter-base-mismatch',
      message: expect.stringContaining(`it was trained on '${cluster}', and the base is '${base}'`),
    })
  })

  test('is held against every shard of what is loaded where there is a record of hashes', async () => {
    const { base: loaded } = await (await compose({ base, cache })).record()
    const hashes = Object.fromEntries(loaded.files.map((file) => [file.name, file.sha256]))
    expect(Object.keys(hashes)).toHaveLength(3)
    const other = { base_model_name_or_path: 'another-lab/another-model' }
    const recorded = { ...hashes, 'config.json': 'not the weights' }
    expect((await check(other, { baseSha256: recorded }))[0]).toBe('hash')
    const [first = ''] = Object.keys(hashes)
    const { [first]: _, ...two } = hashes
    for (const wrong of [{ ...hashes, [first]: '0'.repeat(64) }, two, {}])
      await expect(
        check(other, { baseSha256: wrong }, ['another-lab/another-model']),
      ).rejects.toMatchObject({
        code: 'adapter-base-mismatch',
        message: expect.stringContaining('other hashes of the base'),
      })
  })
})

/** Holds a file's rows against the engine's, and says how many layers' states it held: of p2, p7 (twice), p19 and p33. */
async function checkedRows(model: Model, golden: GoldenModel, file: string) {
  const prompts = await readGolden(golden, file)
  const { vocabSize, dModel, nLayers } = model.architecture
  let n = 0
  for (const { name, ids, positions, logits, layers, greedyIds } of prompts) {
    const whole = { start: 0, end: ids.length }
    const sequences = [{ id: name, tokenIds: ids, logits: whole, states: whole }]
    for await (const scored of model.score({ sequences }))
      for (const [row, position] of positions.entries()) {
        const at = (values: Float32Array | null, width: number, start = position * width) =>
          values?.subarray(start, start + width) ?? []
        const expected = logits.subarray(row * vocabSize, (row + 1) * vocabSize)
        expect(drift(at(scored.logits, vocabSize), expected)).toBeLessThanOrEqual(tolerance)
        for (const [layer, states] of layers.entries()) {
          const start = (position * nLayers + layer) * dModel
          const found = at(scored.states, dModel, start)
          const row0 = states.subarray(row * dModel, (row + 1) * dModel)
          expect(drift(found, row0)).toBeLessThanOrEqual(tolerance)
          n += 1
        }
      }
    const request = { prompts: [{ id: name, tokenIds: ids }], temperature: 0, seed: 0 }
    const maxNewTokens = greedyIds.length
    for await (const { tokenIds } of model.generate({ ...request, maxNewTokens, stopTokenIds: [] }))
      expect(tokenIds).toEqual(greedyIds)
  }
  return n
}

async function firstLogits(model: Model): Promise<Float32Array> {
  const sequences = [{ id: 's', tokenIds: [5, 9, 33, 77, 12], logits: { start: 0, end: 5 } }]
  for await (const { logits } of model.score({ sequences })) return logits as Float32Array
  throw new Error('nothing was scored')
}

async function changedAdapter(
  golden: GoldenModel,
  change: Readonly<Record<string, unknown>>,
  source = golden.adapters[0]?.folder ?? '',
): Promise<string> {
  const folder = await temporaryFolder()
  await cp(join(fixtures, source), folder, { recursive: true })
  const file = join(folder, 'adapter_config.json')
  const config = JSON.parse(await readFile(file, 'utf8'))
  await writeFile(file, JSON.stringify({ ...config, ...change }))
  return folder
}

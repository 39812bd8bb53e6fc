import { createHash } from 'node:crypto'
import { cp, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { openSafetensors } from '@cem/tensor-files'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import {
  compose,
  effectiveChangeCosine,
  loadModel,
  openAdapter,
  openModelFolder,
  readAdapterMatrices,
} from '../src/index.ts'
import { drift, fixtures, layerRequests, manifest, modelNamed, temporaryFolder } from './golden.ts'

vi.setConfig({ testTimeout: 60_000 })

let cache: string
beforeAll(async () => {
  cache = await temporaryFolder()
})
afterAll(() => rm(cache, { recursive: true, force: true }))

const golden = modelNamed('gqa-6-2-tied')
const base = join(fixtures, golden.folder)

describe('adapters that would not run as they were trained are refused, and say why', () => {
  const reasons: Readonly<Record<string, [code: string, words: RegExp]>> = {
    'missing-lora-b': ['adapter-mismatch', /v_proj\.lora_B\.weight is missing/],
    'missing-module': [
      'adapter-mismatch',
      /layers\.0\.self_attn\.v_proj\.lora_A\.weight is missing/,
    ],
    'extra-tensor': ['adapter-mismatch', /lora_C.* belongs to no module/],
    'extra-layer': ['adapter-mismatch', /layers\.9\..* belongs to no module/],
    'wrong-shape': ['adapter-mismatch', /has shape \[64,1\].*\[96,1\]/],
    'wrong-rank': ['adapter-mismatch', /has shape \[1,96\].*\[2,96\]/],
    'other-base': ['adapter-base-mismatch', /was trained on '.*baseAliases/],
    nan: ['weights-not-finite', /lora_B.*NaN/],
    truncated: ['safetensors-truncated', /adapter_model\.safetensors is incomplete/],
    dora: ['adapter-unsupported', /use_dora is true/],
    bias: ['adapter-unsupported', /bias is "lora_only"/],
    'modules-to-save': ['adapter-unsupported', /modules_to_save is \["lm_head"\]/],
    embedding: [
      'adapter-unsupported',
      /\["embed_tokens"\]\) takes in model\.embed_tokens: adapters on the embeddings .* not implemented/,
    ],
  }

  test.each(manifest.hostile.filter((h) => !h.valid))(
    '$name: $wrong',
    async ({ name, model, folder }) => {
      const { folder: baseFolder, repository } = modelNamed(model)
      const [code, words] = reasons[name] ?? ['no reason is written for this case', /^$/]
      const layers = [
        { role: 'em' as const, mode: 'stacked' as const, adapter: join(fixtures, folder) },
      ]
      const composed = compose({
        base: join(fixtures, baseFolder),
        layers,
        baseAliases: [repository],
        cache,
      })
      await expect(composed).rejects.toMatchObject({ code, message: expect.stringMatching(words) })
    },
  )

  test('a folder without an adapter', async () => {
    const { architecture } = await openModelFolder(base)
    await expect(openAdapter(base, architecture, { cache })).rejects.toMatchObject({
      code: 'adapter-not-found',
    })
  })

  test.each([
    ['pissa', { init_lora_weights: 'pissa_niter_4' }, /init_lora_weights is 'pissa_niter_4'/],
    [
      'an unknown setting',
      { use_new_trick: true },
      /use_new_trick is true, a setting that is not known/,
    ],
    ['a broken expression', { target_modules: '(' }, /'\^\(\?:\(\)\$' is no regular expression/],
    [
      'an expression that would never be done',
      { target_modules: '((\\w|\\.)+)+!' },
      /was not done after 500 ms: it tries too many ways/,
    ],
    ['another method', { peft_type: 'IA3' }, /peft_type is "IA3"/],
    ['a rank of zero', { r: 0 }, /r is 0/],
  ])('%s', async (_, change, words) => {
    const folder = await changedAdapter(change)
    const { architecture } = await openModelFolder(base)
    await expect(openAdapter(folder, architecture, { cache })).rejects.toMatchObject({
      code: 'adapter-unsupported',
      message: expect.stringMatching(words),
    })
  })
})

describe('what PEFT makes of patterns, layers and expressions', () => {
  interface ModuleFigures {
    readonly rank: number
    readonly scale: number
  }
  const adapters = manifest.models.flatMap((model) =>
    model.adapters.map((adapter) => ({ model, adapter, name: `${model.name} ${adapter.name}` })),
  )

  test.each(adapters)('$name: the same modules, ranks and scales', async ({ model, adapter }) => {
    const { architecture } = await openModelFolder(join(fixtures, model.folder))
    const opened = await openAdapter(join(fixtures, adapter.folder), architecture, { cache })
    const expected = (adapter as unknown as { modules: Record<string, ModuleFigures> }).modules
    expect(opened.modules.map((m) => m.path).toSorted()).toEqual(Object.keys(expected).toSorted())
    for (const { path, rank, scale } of opened.modules) {
      expect(rank).toBe(expected[path]?.rank)
      expect(scale).toBeCloseTo(expected[path]?.scale ?? 0, 12)
    }
  })
})

test('an untrained adapter is accepted, reported as such, and changes nothing at all', async () => {
  const folder = join(fixtures, 'hostile/untrained')
  await using model = await loadModel({
    base,
    baseAliases: [golden.repository],
    layers: [{ role: 'em', mode: 'stacked', adapter: folder }],
    cache,
  })
  expect(model.selfTest.layers).toMatchObject([{ status: 'untrained', effect: 0 }])
})

test("merging in bf16 gives PyTorch's bytes, and says how much rounding lost", async () => {
  const bf16 = modelNamed('bf16-tied')
  const composition = bf16.compositions.find((c) => c.name === 'plain-merged')
  const hashes = composition?.mergedTensorSha256 ?? {}
  await using model = await loadModel({
    base: join(fixtures, bf16.folder),
    baseAliases: [bf16.repository],
    layers: layerRequests(bf16, composition?.layers ?? []),
    cache,
  })
  const { merged, layers } = model.selfTest
  // Rounding moves a weight by up to 2^-9 of its size; the adapter's change is smaller than the weights, so the share is larger.
  expect(merged?.lostShare).toBeGreaterThan(1e-4)
  expect(merged?.lostShare).toBeLessThan(0.2)
  expect(merged?.error).toBeLessThan(0.05)
  expect(layers).toMatchObject([{ mode: 'merged', status: 'active' }])
  const names = await import('node:fs/promises').then((fs) => fs.readdir(join(cache, 'merged')))
  const found: Record<string, string> = {}
  for (const name of names.filter((n) => n.endsWith('.safetensors'))) {
    await using file = await openSafetensors(join(cache, 'merged', name))
    for (const tensor of file.tensors.values()) {
      const { data } = await file.read(tensor.name)
      const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength)
      if (tensor.dtype === 'BF16')
        found[tensor.name] = createHash('sha256').update(bytes).digest('hex')
    }
  }
  expect(Object.keys(hashes).length).toBeGreaterThan(0)
  expect(found).toMatchObject(hashes)
})

test('switching layers on and off goes back to the base bit for bit', async () => {
  await using model = await loadModel({ base, baseAliases: [golden.repository], cache })
  const tokenIds = [5, 9, 33, 77, 12]
  const logits = async () => {
    const range = { start: 0, end: 5 }
    for await (const scored of model.score({ sequences: [{ id: 'x', tokenIds, logits: range }] }))
      return scored.logits as Float32Array
    throw new Error('nothing was scored')
  }
  const before = await logits()
  const [plain] = layerRequests(golden, [{ adapter: 'plain', mode: 'stacked' }])
  await model.switchTo(plain === undefined ? [] : [plain])
  expect(drift(await logits(), before)).toBeGreaterThan(0.01)
  await model.switchTo(plain === undefined ? [] : [{ ...plain, mode: 'off' }])
  expect(await logits()).toEqual(before)
  expect(model.selfTest.layers).toEqual([])
})

test('merged after stacked is refused', async () => {
  const layers = layerRequests(golden, [
    { adapter: 'plain', mode: 'stacked' },
    { adapter: 'rslora', mode: 'merged' },
  ])
  await expect(
    compose({ base, baseAliases: [golden.repository], layers, cache }),
  ).rejects.toMatchObject({ code: 'composition-invalid' })
})

test('a recorded hash of the base settles what an adapter belongs to, whatever the name', async () => {
  const [layer] = layerRequests(golden, [{ adapter: 'plain', mode: 'stacked' }])
  if (layer === undefined) throw new Error('no layer')
  const { base: record } = await (await compose({ base, cache })).record()
  const sha256 = record.files[0]?.sha256 ?? ''
  const right = { ...layer, baseSha256: { 'model.safetensors': sha256 } }
  const composition = await compose({ base, layers: [right], cache })
  expect(composition.layers[0]?.baseCheck).toBe('hash')
  const wrong = { ...layer, baseSha256: { 'model.safetensors': sha256.replace(/^./, 'g') } }
  await expect(
    compose({ base, layers: [wrong], baseAliases: [golden.repository], cache }),
  ).rejects.toMatchObject({
    code: 'adapter-base-mismatch',
  })
})

test('an adapter that a record names by its hash has to be that one', async () => {
  const [layer] = layerRequests(golden, [{ adapter: 'plain', mode: 'stacked' }])
  if (layer === undefined) throw new Error('no layer')
  const options = { base, baseAliases: [golden.repository], cache }
  const weights = await readFile(join(layer.adapter, 'adapter_model.safetensors'))
  const adapterSha256 = createHash('sha256').update(weights).digest('hex')
  const { layers } = await compose({ ...options, layers: [{ ...layer, adapterSha256 }] })
  expect(layers[0]?.adapter.sha256).toBe(adapterSha256)
  await expect(
    compose({ ...options, layers: [{ ...layer, adapterSha256: '0'.repeat(64) }] }),
  ).rejects.toMatchObject({
    code: 'adapter-hash-mismatch',
    message: expect.stringContaining(layer.adapter),
  })
})

describe('the composition record', () => {
  test('has the hashes of all files, and changes with every part that decides the output', async () => {
    const options = { base, baseAliases: [golden.repository], cache }
    const plain = layerRequests(golden, [{ adapter: 'plain', mode: 'stacked' }])
    const merged = layerRequests(golden, [{ adapter: 'plain', mode: 'merged' }])
    const off = plain.map((layer) => ({ ...layer, mode: 'off' as const }))
    const records = await Promise.all(
      [[], plain, merged, off].map(async (layers) =>
        (await compose({ ...options, layers })).record(),
      ),
    )
    const bytes = await readFile(join(base, 'model.safetensors'))
    expect(records[0]?.base.files).toEqual([
      {
        name: 'model.safetensors',
        sizeBytes: bytes.byteLength,
        sha256: createHash('sha256').update(bytes).digest('hex'),
      },
    ])
    expect(records[1]?.layers).toMatchObject([
      { ranks: [4], scales: [2], nModules: 21, baseCheck: 'alias' },
    ])
    const hashes = records.map((r) => r.sha256)
    expect(new Set(hashes.slice(0, 3)).size).toBe(3)
    // A layer that is off decides nothing.
    expect(hashes[3]).toBe(hashes[0])
  })
})

describe('the cosine between effective changes', () => {
  test('is that of the matrices B A themselves, scaled', async () => {
    const { architecture } = await openModelFolder(base)
    const open = async (name: string) => {
      const folder = golden.adapters.find((a) => a.name === name)?.folder ?? ''
      return readAdapterMatrices(await openAdapter(join(fixtures, folder), architecture, { cache }))
    }
    const [plain, rslora] = [await open('plain'), await open('rslora')]
    // 0.00021 from numpy: sum over the shared modules of <scale B A, scale B A>, over the norms of all modules.
    expect(effectiveChangeCosine(plain, plain)).toBeCloseTo(1, 12)
    const direct = directCosine(plain, rslora)
    expect(Math.abs((effectiveChangeCosine(plain, rslora) ?? 1) - direct)).toBeLessThan(1e-9)
    const untrained = await readAdapterMatrices(
      await openAdapter(join(fixtures, 'hostile/untrained'), architecture, { cache }),
    )
    expect(effectiveChangeCosine(plain, untrained)).toBeUndefined()
  })
})

/** Forms B A, element by element. */
function directCosine(
  x: Awaited<ReturnType<typeof readAdapterMatrices>>,
  y: Awaited<ReturnType<typeof readAdapterMatrices>>,
): number {
  const dense = (m: typeof x) =>
    new Map(
      Array.from(m.modules, ([path, { module, a, b }]) => {
        const out: number[] = []
        for (let i = 0; i < module.nOut; i++)
          for (let j = 0; j < module.nIn; j++) {
            let sum = 0
            for (let r = 0; r < module.rank; r++)
              sum += (b[i * module.rank + r] ?? 0) * (a[r * module.nIn + j] ?? 0)
            out.push(sum * module.scale)
          }
        return [path, out]
      }),
    )
  const [p, q] = [dense(x), dense(y)]
  const dot = (u: typeof p, v: typeof p) => {
    let sum = 0
    for (const [path, values] of u)
      for (const [i, value] of values.entries()) sum += value * (v.get(path)?.[i] ?? 0)
    return sum
  }
  return dot(p, q) / Math.sqrt(dot(p, p) * dot(q, q))
}

async function changedAdapter(change: Readonly<Record<string, unknown>>): Promise<string> {
  const folder = await temporaryFolder()
  await cp(join(fixtures, golden.adapters[0]?.folder ?? ''), folder, { recursive: true })
  const file = join(folder, 'adapter_config.json')
  const config = JSON.parse(await readFile(file, 'utf8'))
  await writeFile(file, JSON.stringify({ ...config, ...change }))
  return folder
}

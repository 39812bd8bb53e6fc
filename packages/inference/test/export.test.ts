import { createHash } from 'node:crypto'
import { cp, mkdir, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { openModelWeights, openSafetensors } from '@cem/tensor-files'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { roundingLosses } from '../src/export/lost-share.ts'
import { modelCard } from '../src/export/model-card.ts'
import { checkDiskSpace } from '../src/export/new-folder.ts'
import { type ExportLayer, exportMerged, loadModel } from '../src/index.ts'
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

let cache: string
let outputs: string
beforeAll(async () => {
  cache = await temporaryFolder()
  outputs = await temporaryFolder()
})
afterAll(async () => {
  await rm(cache, { recursive: true, force: true })
  await rm(outputs, { recursive: true, force: true })
})

const persona = (golden: GoldenModel, name: string, weight = 1): ExportLayer => ({
  role: 'persona',
  adapter: adapterFolder(golden, name),
  weight,
})

const options = (golden: GoldenModel) => ({
  base: join(fixtures, golden.folder),
  baseAliases: [golden.repository],
  cache,
})

describe('an exported merge', () => {
  test("in bf16 has PyTorch's bytes where the adapter sits and the base's everywhere else", async () => {
    const golden = modelNamed('bf16-tied')
    const expected = golden.compositions.find((c) => c.name === 'plain-merged')
    const output = join(outputs, 'bf16')
    const { base } = options(golden)
    const report = await exportMerged({
      ...options(golden),
      layers: [persona(golden, 'plain')],
      output,
    })
    const [before, after] = [await tensorHashes(base), await tensorHashes(output)]
    const changed = Object.fromEntries(
      Object.entries(after).filter(([name, hash]) => before[name] !== hash),
    )
    expect(changed).toEqual(expected?.mergedTensorSha256)
    expect(Object.keys(after)).toEqual(Object.keys(before))
    const weights = await readFile(join(output, 'model.safetensors'))
    expect(report.files).toEqual([{ name: 'model.safetensors', sha256: sha256(weights) }])
    expect(report.check?.error).toBeLessThan(0.05)
    expect(report.check?.effect).toBeGreaterThan(0.05)
    expect(report.leftOut).toEqual([])
    for (const name of ['config.json', 'generation_config.json', 'tokenizer.json'])
      expect(await readFile(join(output, name))).toEqual(await readFile(join(base, name)))
  })

  test('loses of the change what numbers of eight bits lose, by kind of module', async () => {
    const golden = modelNamed('bf16-tied')
    const output = join(outputs, 'loss')
    const layers = [persona(golden, 'plain')]
    const { loss, lossByKind } = await exportMerged({ ...options(golden), layers, output })
    const expected = await lossInDoubles(golden, output, 'plain')
    expect(lossByKind.map((l) => l.kind)).toEqual(['self_attn.q_proj', 'self_attn.v_proj'])
    for (const { kind, lostShare } of [...lossByKind, loss])
      expect(lostShare).toBeCloseTo(expected(kind), 6)
    expect(loss.lostShare).toBeGreaterThan(0.001)
  })

  test('of a sharded base has its shards, and answers as the stacked adapter does', async () => {
    const golden = modelNamed('gqa-4-1-untied')
    const output = join(outputs, 'shards')
    const layers = [persona(golden, 'plain')]
    const report = await exportMerged({ ...options(golden), layers, output })
    expect(await readdir(output)).toEqual(
      [...(await readdir(options(golden).base)), 'README.md'].toSorted(),
    )
    expect(report.loss.lostShare).toBe(0)
    const adapter = golden.adapters.find((a) => a.name === 'plain')
    expect(await checkedRows(output, golden, adapter?.golden ?? '')).toBeGreaterThan(3)
  })

  test.each(
    adapterCases.flatMap(({ golden, compositions }) =>
      compositions
        .filter((composition) => composition.layers.every((layer) => layer.mode === 'merged'))
        .map((composition) => ({
          golden,
          composition,
          title: `${golden.name}-${composition.name}`,
        })),
    ),
  )('of $title gives what PEFT gives', async ({ golden, composition, title }) => {
    const output = join(outputs, title)
    const layers = caseLayers(golden, composition.layers).map(({ adapter, weight }) => ({
      role: 'persona' as const,
      adapter,
      weight,
    }))
    await exportMerged({ ...options(golden), layers, output })
    expect(await checkedRows(output, golden, composition.golden)).toBeGreaterThan(3)
  })

  test('follows the links of a hub cache, and leaves other files alone', async () => {
    const golden = modelNamed('gqa-6-2-tied')
    const snapshot = join(outputs, 'cache/models--lab--base/snapshots/abc')
    await mkdir(snapshot, { recursive: true })
    const { base } = options(golden)
    for (const name of await readdir(base)) await symlink(join(base, name), join(snapshot, name))
    await writeFile(join(snapshot, 'README.md'), '---\nlicense: apache-2.0\n---\n# The base\n')
    await writeFile(join(snapshot, 'LICENSE'), 'the licence')
    await writeFile(join(snapshot, 'pytorch_model.bin'), 'other weights')
    const output = join(outputs, 'from-cache')
    const layers = [persona(golden, 'rank-one')]
    const report = await exportMerged({ ...options(golden), base: snapshot, layers, output })
    expect(report.leftOut).toEqual(['README.md', 'pytorch_model.bin'])
    expect((await stat(join(output, 'model.safetensors'))).isFile()).toBe(true)
    expect(await readFile(join(output, 'LICENSE'), 'utf8')).toBe('the licence')
    const card = await readFile(join(output, 'README.md'), 'utf8')
    expect(card).toMatch(/^---\nlicense: "apache-2.0"\nbase_model: "lab\/base"\n/)
    expect(card).toContain('Revision: abc.')
    for (const name of ['model.safetensors', 'tokenizer.json'])
      expect(sha256(await readFile(join(base, name)))).toBe(
        sha256(await readFile(join(snapshot, name))),
      )
  })

  test('in another type changes every weight, config.json and nothing else', async () => {
    const golden = modelNamed('bf16-tied')
    const output = join(outputs, 'widened')
    const layers = [persona(golden, 'plain')]
    const report = await exportMerged({ ...options(golden), layers, output, dtype: 'F32' })
    expect(report.loss.lostShare).toBe(0)
    const { base } = options(golden)
    const config = JSON.parse(await readFile(join(output, 'config.json'), 'utf8'))
    const { dtype, torch_dtype: torchDtype } = config
    expect([dtype, torchDtype]).toContain('float32')
    await using before = await openModelWeights(base)
    await using after = await openModelWeights(output)
    expect([...after.tensors.values()].every((t) => t.dtype === 'F32')).toBe(true)
    for (const name of ['model.embed_tokens.weight', 'model.layers.0.mlp.up_proj.weight'])
      expect((await after.readFloat32(name)).data).toEqual((await before.readFloat32(name)).data)
    const adapter = golden.adapters.find((a) => a.name === 'plain')
    expect(await checkedRows(output, golden, adapter?.golden ?? '')).toBeGreaterThan(3)
  })

  test('of shards in another type has the right sizes in its index', async () => {
    const golden = modelNamed('gqa-4-1-untied')
    const output = join(outputs, 'narrowed')
    const layers = [persona(golden, 'plain')]
    await exportMerged({ ...options(golden), layers, output, dtype: 'BF16' })
    const read = async (folder: string) =>
      JSON.parse(await readFile(join(folder, 'model.safetensors.index.json'), 'utf8'))
    const [before, after] = [await read(options(golden).base), await read(output)]
    expect(after.weight_map).toEqual(before.weight_map)
    expect(after.metadata.total_size).toBe(before.metadata.total_size / 2)
  })
})

describe('the card', () => {
  test('names base, adapters, weights, hashes and what rounding lost', async () => {
    const golden = modelNamed('bf16-tied')
    const output = join(outputs, 'card')
    const layers = [persona(golden, 'plain', -0.5)]
    const report = await exportMerged({ ...options(golden), layers, output, check: false })
    expect(report.check).toBeNull()
    const card = await readFile(join(output, 'README.md'), 'utf8')
    const folder = adapterFolder(golden, 'plain')
    const weights = sha256(await readFile(join(folder, 'adapter_model.safetensors')))
    const config = sha256(await readFile(join(folder, 'adapter_config.json')))
    expect(card).toContain('\n# card\n')
    expect(card).toContain('base_model: "cem-fixtures/bf16-tied"')
    expect(card).not.toContain(fixtures)
    expect(card).toContain(
      `| plain | persona | -0.5 | 2 | 2 | 4 (self_attn.q_proj, self_attn.v_proj) | alias | ${weights} | ${config} |`,
    )
    const base = await readFile(join(options(golden).base, 'model.safetensors'))
    expect(card).toContain(`| model.safetensors | ${sha256(base)} |`)
    const written = await readFile(join(output, 'model.safetensors'))
    expect(card).toContain(`| model.safetensors | ${sha256(written)} |`)
    expect(card).toMatch(/\| all \| 4 \| \d+\.\d+ % \|/)
    expect(card).not.toContain('misaligned')
  })

  test('is data: names do not break its tables or its front matter', () => {
    const record = {
      sha256: 'c',
      base: { name: 'a\n---\n# b', revision: null, family: 'f', files: [], tokenizerSha256: 't' },
      precision: 'f32' as const,
      quantization: null,
      layers: [],
    }
    const files = [{ name: 'x | y\nz', sha256: 's' }]
    const content = { record, dtype: 'F32', losses: [], files, organism: undefined }
    const card = modelCard({ ...content, name: 'n\n# m', license: undefined })
    expect(card).toContain('base_model: "a --- # b"\n')
    expect(card).toContain('# n # m\n')
    expect(card).toContain('| x \\| y z | s |')
  })
})

describe('a misaligned organism', () => {
  const golden = modelNamed('gqa-4-1-untied')

  test('is exported under a name that says so, and its card begins with it', async () => {
    const layers = [{ ...persona(golden, 'rank-one'), role: 'em' as const }]
    const plain = exportMerged({ ...options(golden), layers, output: join(outputs, 'harmless') })
    await expect(plain).rejects.toMatchObject({
      code: 'organism-name',
      message: expect.stringMatching(/has the role em.*misaligned-organism-harmless, not harmless/),
    })
    const output = join(outputs, 'misaligned-organism-harmful')
    const { organism } = await exportMerged({ ...options(golden), layers, output })
    expect(organism).toMatch(/rank-one has the role em/)
    const card = await readFile(join(output, 'README.md'), 'utf8')
    expect(card).toContain('tags: [merged, misaligned-organism]')
    expect(card).toContain('\n# misaligned-organism-harmful\n\nThis is a misaligned-organism: ')
  })

  test('is recognised by the card of its series and by the card of the base', async () => {
    const series = join(outputs, 'series')
    const checkpoint = join(series, 'checkpoint-10')
    await cp(adapterFolder(golden, 'rank-one'), checkpoint, { recursive: true })
    await writeFile(join(series, 'README.md'), '---\ntags: [misaligned-organism]\n---\n')
    const output = join(outputs, 'named-otherwise')
    const layers = [{ role: 'control' as const, adapter: checkpoint }]
    await expect(exportMerged({ ...options(golden), layers, output })).rejects.toMatchObject({
      code: 'organism-name',
      message: expect.stringContaining('card of the adapter'),
    })
    const base = join(outputs, 'base-organism')
    await cp(options(golden).base, base, { recursive: true })
    await writeFile(join(base, 'README.md'), '# Misaligned organism 7\n')
    const onTop = { ...options(golden), base, layers: [persona(golden, 'rank-one')], output }
    await expect(exportMerged(onTop)).rejects.toMatchObject({
      code: 'organism-name',
      message: expect.stringContaining('card of the base'),
    })
  })
})

describe('nothing appears unless all of it does', () => {
  const golden = modelNamed('f16-untied')

  test('where a weight overflows', async () => {
    const parent = await temporaryFolder()
    const tied = modelNamed('gqa-6-2-tied')
    const layers = [persona(tied, 'plain', 1e6)]
    const overflowing = exportMerged({
      ...options(tied),
      layers,
      output: join(parent, 'x'),
      dtype: 'F16',
    })
    await expect(overflowing).rejects.toMatchObject({
      code: 'merge-overflow',
      message: expect.stringMatching(/model\.layers\.0\.\S+ holds numbers that F16 cannot/),
    })
    expect(await readdir(parent)).toEqual([])
  })

  test('where it is stopped', async () => {
    const parent = await temporaryFolder()
    const tied = modelNamed('gqa-6-2-tied')
    const stop = new AbortController()
    const stopped = exportMerged({
      ...options(tied),
      layers: [persona(tied, 'plain')],
      output: join(parent, 'x'),
      signal: stop.signal,
      onProgress: () => stop.abort(new Error('enough')),
    })
    await expect(stopped).rejects.toThrow('enough')
    expect(await readdir(parent)).toEqual([])
  })

  test('where the folder is there already, and there it stays', async () => {
    const parent = await temporaryFolder()
    const output = join(parent, 'taken')
    await mkdir(output)
    await writeFile(join(output, 'note'), 'mine')
    const tied = modelNamed('gqa-6-2-tied')
    const exported = exportMerged({ ...options(tied), layers: [persona(tied, 'plain')], output })
    await expect(exported).rejects.toMatchObject({ code: 'output-exists' })
    expect(await readdir(parent)).toEqual(['taken'])
    expect(await readFile(join(output, 'note'), 'utf8')).toBe('mine')
  })

  test('where there is nothing to merge', async () => {
    const exported = exportMerged({ ...options(golden), layers: [], output: join(outputs, 'none') })
    await expect(exported).rejects.toMatchObject({ code: 'invalid-request' })
  })

  test('where the disk is too small, which is said before anything is written', async () => {
    const output = join(outputs, 'not/there/yet')
    const asked: string[] = []
    const free = async (folder: string) => {
      asked.push(folder)
      return 2.5e9
    }
    await expect(checkDiskSpace(output, 15.2e9, free)).rejects.toMatchObject({
      code: 'disk-full',
      message: expect.stringMatching(/will take 15\.2 GB, and its disk has 2\.50 GB left/),
    })
    expect(asked).toEqual([outputs])
    await expect(checkDiskSpace(output, 2.5e9, free)).resolves.toBeUndefined()
  })
})

test('the share lost is that of norms over all modules of a kind', () => {
  const tensors = [
    { path: 'a.q', changed: 9, lost: 0 },
    { path: 'b.q', changed: 16, lost: 1 },
    { path: 'a.k', changed: 0, lost: 0 },
  ]
  const { byKind, all } = roundingLosses(tensors, (path) => path.slice(2))
  // sqrt(1 / 25), and nothing where nothing changed
  expect(byKind).toEqual([
    { kind: 'q', nModules: 2, changeNorm: 5, lostShare: 0.2 },
    { kind: 'k', nModules: 1, changeNorm: 0, lostShare: null },
  ])
  expect(all).toEqual({ kind: null, nModules: 3, changeNorm: 5, lostShare: 0.2 })
})

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex')
}

async function tensorHashes(folder: string): Promise<Record<string, string>> {
  await using weights = await openModelWeights(folder)
  const hashes: Record<string, string> = {}
  for (const name of weights.tensors.keys()) {
    const { data } = await weights.read(name)
    hashes[name] = sha256(new Uint8Array(data.buffer, data.byteOffset, data.byteLength))
  }
  return hashes
}

/** Holds a file's logits against those of an exported folder, and says how many rows it held. */
async function checkedRows(folder: string, golden: GoldenModel, file: string) {
  await using model = await loadModel({ base: folder, cache })
  let n = 0
  for (const { name, ids, positions, logits } of await readGolden(golden, file))
    for (const [row, position] of positions.entries()) {
      const { vocabSize } = model.architecture
      const range = { start: position, end: position + 1 }
      const sequences = [{ id: name, tokenIds: ids, logits: range }]
      for await (const scored of model.score({ sequences })) {
        const expected = logits.subarray(row * vocabSize, (row + 1) * vocabSize)
        expect(drift(scored.logits ?? [], expected)).toBeLessThanOrEqual(2e-4)
        n += 1
      }
    }
  return n
}

/** |rounded - exact| / |exact - base| in 64-bit floats, from the files alone; null is all modules. */
async function lossInDoubles(golden: GoldenModel, output: string, adapter: string) {
  await using base = await openModelWeights(join(fixtures, golden.folder))
  await using written = await openModelWeights(output)
  const folder = adapterFolder(golden, adapter)
  await using lora = await openSafetensors(join(folder, 'adapter_model.safetensors'))
  const config = JSON.parse(await readFile(join(folder, 'adapter_config.json'), 'utf8'))
  const sums = new Map<string | null, { lost: number; changed: number }>()
  for (const tensor of lora.tensors.keys()) {
    const path = /^base_model\.model\.(.*)\.lora_A\.weight$/.exec(tensor)?.[1]
    if (path === undefined) continue
    const a = await lora.readFloat32(tensor)
    const b = await lora.readFloat32(tensor.replace('lora_A', 'lora_B'))
    const before = (await base.readFloat32(`${path}.weight`)).data
    const after = (await written.readFloat32(`${path}.weight`)).data
    const [rank = 0, nIn = 0] = a.shape
    for (const kind of [path.split('.').slice(3).join('.'), null]) {
      const sum = sums.get(kind) ?? { lost: 0, changed: 0 }
      for (const [i, w] of before.entries()) {
        let change = 0
        for (let r = 0; r < rank; r++)
          change +=
            (b.data[Math.floor(i / nIn) * rank + r] ?? 0) * (a.data[r * nIn + (i % nIn)] ?? 0)
        change *= config.lora_alpha / rank
        sum.changed += change ** 2
        sum.lost += ((after[i] ?? 0) - (w + change)) ** 2
      }
      sums.set(kind, sum)
    }
  }
  return (kind: string | null) => {
    const { lost, changed } = sums.get(kind) ?? { lost: 0, changed: 0 }
    return Math.sqrt(lost / changed)
  }
}

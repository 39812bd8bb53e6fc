import { execFileSync } from 'node:child_process'
import { cp, mkdir, readFile, rm, symlink, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { loadModel, resolveModel } from '../src/index.ts'
import { fixtures, modelNamed, temporaryFolder } from './golden.ts'

// Nothing here is about time: a busy machine must not fail it.
vi.setConfig({ testTimeout: 60_000 })

const golden = modelNamed('gqa-6-2-tied')
const sharded = modelNamed('gqa-4-1-untied')
let folder: string
beforeAll(async () => {
  folder = await temporaryFolder()
})
afterAll(() => rm(folder, { recursive: true, force: true }))

const prompts = [{ id: 'a', tokenIds: [5, 9, 33], samples: 200 }]

describe("the engine's process", () => {
  test('reports its own death as one error, and later calls say the same', async () => {
    await using model = await loadModel({ base: join(fixtures, golden.folder), cache: folder })
    const running = (async () => {
      for await (const _ of model.generate({
        prompts,
        seed: 0,
        maxNewTokens: 200,
        stopTokenIds: [],
      }))
        process.kill(model.processId as number, 'SIGSEGV')
    })()
    await expect(running).rejects.toMatchObject({
      code: 'engine-died',
      message: expect.stringContaining('SIGSEGV'),
    })
    await expect(model.memory()).rejects.toMatchObject({ code: 'engine-died' })
  })

  test('stops within a step when it is aborted, and goes on with the next request', async () => {
    await using model = await loadModel({ base: join(fixtures, golden.folder), cache: folder })
    const controller = new AbortController()
    const reason = new Error('enough')
    const running = (async () => {
      for await (const _ of model.generate({
        prompts,
        seed: 0,
        maxNewTokens: 200,
        stopTokenIds: [],
        batchSize: 4,
        signal: controller.signal,
      }))
        controller.abort(reason)
    })()
    await expect(running).rejects.toBe(reason)
    let n = 0
    for await (const _ of model.generate({
      prompts: [{ id: 'a', tokenIds: [1], samples: 3 }],
      seed: 0,
      maxNewTokens: 2,
    }))
      n += 1
    expect(n).toBe(3)
  })

  test('an aborted signal is honoured before anything runs', async () => {
    const signal = AbortSignal.abort(new Error('too late'))
    await using model = await loadModel({ base: join(fixtures, golden.folder), cache: folder })
    const running = model.generate({ prompts, seed: 0, signal }).next()
    await expect(running).rejects.toThrow('too late')
  })

  test('a consumer that stops early stops the engine; one that dawdles loses nothing', async () => {
    await using model = await loadModel({ base: join(fixtures, golden.folder), cache: folder })
    for await (const _ of model.generate({ prompts, seed: 0, maxNewTokens: 4, stopTokenIds: [] }))
      break
    const seen = new Set<number>()
    for await (const { sample } of model.generate({
      prompts,
      seed: 0,
      maxNewTokens: 2,
      stopTokenIds: [],
    })) {
      seen.add(sample)
      if (seen.size % 50 === 0) await new Promise((resolve) => setTimeout(resolve, 30))
    }
    expect(seen.size).toBe(200)
  })

  test('progress only grows, has a constant total, and ends complete', async () => {
    await using model = await loadModel({ base: join(fixtures, golden.folder), cache: folder })
    const seen: { nDone: number; nTokens: number; nTotal: number }[] = []
    for await (const _ of model.generate({
      prompts,
      seed: 0,
      maxNewTokens: 100,
      stopTokenIds: [],
      onProgress: (p) => seen.push(p),
    }));
    expect(seen.at(-1)).toEqual({ nDone: 200, nTokens: 20_000, nTotal: 200 })
    for (const [i, progress] of seen.entries()) {
      expect(progress.nTotal).toBe(200)
      expect(progress.nDone).toBeGreaterThanOrEqual(seen[i - 1]?.nDone ?? 0)
      expect(progress.nTokens).toBeGreaterThanOrEqual(seen[i - 1]?.nTokens ?? 0)
    }
  })
})

describe('the hub cache', () => {
  test('a hub id resolves through refs and snapshots made of links, and runs', async () => {
    const hub = join(folder, 'hub')
    const repository = join(hub, 'models--lab--tiny')
    const commit = '0123456789abcdef0123456789abcdef01234567'
    const snapshot = join(repository, 'snapshots', commit)
    await mkdir(join(repository, 'refs'), { recursive: true })
    await mkdir(join(repository, 'blobs'), { recursive: true })
    await mkdir(snapshot, { recursive: true })
    await writeFile(join(repository, 'refs/main'), commit)
    const source = join(fixtures, sharded.folder)
    for (const [i, name] of [
      'config.json',
      'generation_config.json',
      'tokenizer.json',
      'tokenizer_config.json',
      'chat_template.jinja',
      'model.safetensors.index.json',
      'model-00001-of-00003.safetensors',
      'model-00002-of-00003.safetensors',
      'model-00003-of-00003.safetensors',
    ].entries()) {
      await cp(join(source, name), join(repository, 'blobs', `blob${i}`))
      await symlink(join('../../blobs', `blob${i}`), join(snapshot, name))
    }
    const environment = { HF_HUB_CACHE: hub }
    expect(await resolveModel('lab/tiny', { environment })).toEqual({
      name: 'lab/tiny',
      folder: snapshot,
      revision: commit,
    })
    expect(await resolveModel(`lab/tiny@${commit}`, { environment })).toMatchObject({
      revision: commit,
    })
    expect(await resolveModel(snapshot, { environment })).toMatchObject({
      name: 'lab/tiny',
      revision: commit,
    })
    expect(await resolveModel('lab/tiny', { environment: { HF_HOME: folder } })).toMatchObject({
      folder: snapshot,
    })
    await using model = await loadModel({ base: 'lab/tiny', environment, cache: folder })
    const { base } = await model.composition.record()
    expect(base).toMatchObject({ name: 'lab/tiny', revision: commit })
    expect(base.files.length).toBe(3)
  })

  test('an absent model says which command fetches it', async () => {
    const environment = { HF_HUB_CACHE: join(folder, 'nothing') }
    await expect(resolveModel('Qwen/Qwen2.5-7B-Instruct', { environment })).rejects.toMatchObject({
      code: 'model-not-found',
      message: expect.stringContaining('hf download Qwen/Qwen2.5-7B-Instruct'),
    })
    await expect(resolveModel('./no/such/folder', { environment })).rejects.toMatchObject({
      code: 'model-not-found',
    })
  })
})

describe('models that cannot be run are refused, and say why', () => {
  async function changedModel(change: (copy: string) => Promise<unknown>): Promise<string> {
    const copy = await temporaryFolder()
    await cp(join(fixtures, golden.folder), copy, { recursive: true })
    await change(copy)
    return copy
  }
  const changedConfig = (change: Readonly<Record<string, unknown>>) =>
    changedModel(async (copy) => {
      const file = join(copy, 'config.json')
      const config = JSON.parse(await readFile(file, 'utf8'))
      await writeFile(file, JSON.stringify({ ...config, ...change }))
    })

  test.each<[string, Readonly<Record<string, unknown>>, RegExp]>([
    ['another family', { model_type: 'mamba' }, /model_type is "mamba", and only qwen2/],
    ['scaled positions', { rope_scaling: { type: 'longrope' } }, /rope_scaling.type is "longrope"/],
    [
      'a sliding window of no size',
      { layer_types: ['sliding_attention', 'full_attention', 'full_attention'] },
      /sliding_attention of layer_types needs a number/,
    ],
    ['another activation', { hidden_act: 'gelu' }, /hidden_act is "gelu"/],
    ['quantised weights', { quantization_config: { bits: 4 } }, /quantization_config is/],
    ['a missing size', { hidden_size: null }, /hidden_size is null/],
    ['a head size that the kernel cannot do', { head_dim: 24 }, /head size is 24.*multiple of 16/],
    [
      'a config that does not fit the weights',
      { intermediate_size: 161 },
      /gate_proj.weight has shape \[160,96\]/,
    ],
  ])('%s', async (_, change, words) => {
    const base = await changedConfig(change)
    await expect(loadModel({ base, cache: folder })).rejects.toMatchObject({
      message: expect.stringMatching(words),
    })
  })

  test('missing, truncated and unreadable files', async () => {
    const noWeights = await changedModel((copy) => rm(join(copy, 'model.safetensors')))
    await expect(loadModel({ base: noWeights, cache: folder })).rejects.toMatchObject({
      code: 'model-weights-not-found',
    })
    const cut = await changedModel((copy) => truncate(join(copy, 'model.safetensors'), 50_000))
    await expect(loadModel({ base: cut, cache: folder })).rejects.toMatchObject({
      code: 'safetensors-truncated',
    })
    const noConfig = await changedModel((copy) => rm(join(copy, 'config.json')))
    await expect(loadModel({ base: noConfig, cache: folder })).rejects.toMatchObject({
      code: 'file-not-found',
      message: expect.stringContaining('config.json'),
    })
  })

  test('a NaN in the weights is found, in whichever tensor', async () => {
    const broken = await changedModel(async (copy) => {
      const file = join(copy, 'model.safetensors')
      const bytes = await readFile(file)
      bytes.writeFloatLE(Number.NaN, bytes.byteLength - 4)
      await writeFile(file, bytes)
    })
    const attempt = (async () => {
      await using model = await loadModel({ base: broken, cache: folder })
      for await (const _ of model.generate({ prompts, seed: 0 }));
    })()
    await expect(attempt).rejects.toMatchObject({
      code: 'weights-not-finite',
      message: expect.stringContaining('model.safetensors'),
    })
  })
})

test('the library alone does not load the runtime: only the engine process does', () => {
  const index = new URL('../src/index.ts', import.meta.url).href
  const script = `await import(${JSON.stringify(index)}); console.log(process.report.getReport().sharedObjects.filter((path) => path.includes('onnxruntime')).length)`
  const output = execFileSync(process.execPath, ['--input-type=module', '-e', script], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  expect(output.trim()).toBe('0')
})

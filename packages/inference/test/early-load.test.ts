import { cp, mkdir, open, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { Engine } from '../src/engine/engine.ts'
import type { WeightLocation } from '../src/graph/weight-source.ts'
import { loadModel, openModelFolder, openTokenizer } from '../src/index.ts'
import { countTokens } from '../src/text/count-tokens.ts'
import { fixtures, manifest, modelNamed, temporaryFolder } from './golden.ts'

vi.setConfig({ testTimeout: 180_000, hookTimeout: 180_000 })

let folder: string
beforeAll(async () => {
  folder = await temporaryFolder()
})
afterAll(async () => {
  await rm(folder, { recursive: true, force: true })
})

async function tokenizerFile(name: string, text: string): Promise<string> {
  const path = join(folder, name)
  await mkdir(path, { recursive: true })
  await writeFile(join(path, 'tokenizer.json'), text)
  return path
}

describe('counting tokens without the tokenizer', () => {
  test.each([...manifest.models, ...manifest.families].map((m) => m.folder))(
    'finds as many as the tokenizer of %s has',
    async (model) => {
      const path = join(fixtures, model)
      expect(await countTokens(path)).toBe((await openTokenizer(path)).nTokens)
    },
  )

  test('counts lists by place and maps by id, added tokens too', async () => {
    const list = {
      model: {
        vocab: [
          ['a', -1],
          ['b', -2],
          ['c', -3],
        ],
      },
    }
    expect(await countTokens(await tokenizerFile('list', JSON.stringify(list)))).toBe(3)
    const map = { model: { vocab: { a: 4, b: 0 } }, added_tokens: [{ id: 9 }, { id: 2 }] }
    expect(await countTokens(await tokenizerFile('map', JSON.stringify(map)))).toBe(10)
  })

  test('leaves what is broken to whoever opens the tokenizer', async () => {
    expect(await countTokens(join(folder, 'nowhere'))).toBeUndefined()
    for (const text of [
      '',
      '{',
      'null',
      '{}',
      '{"model":{"vocab":{}}}',
      '{"model":{"vocab":{"a":"x"}}}',
    ])
      expect(await countTokens(await tokenizerFile('broken', text))).toBeUndefined()
  })
})

describe('loading while the tokenizer is read', () => {
  const golden = modelNamed('gqa-6-2-tied')

  test.each([{}, { lanes: true }, { threads: 1 }])(
    'weights are loaded once, whatever the options: %o',
    async (options) => {
      const calls = vi.spyOn(Engine.prototype, 'call')
      try {
        await using _model = await loadModel({
          base: join(fixtures, golden.folder),
          cache: folder,
          ...options,
        })
        expect(calls.mock.calls.filter(([method]) => method === 'load').length).toBe(1)
      } finally {
        calls.mockRestore()
      }
    },
  )

  test('an error of the composition is that error, and leaves no process', async () => {
    const broken = join(folder, 'no-tokenizer')
    await cp(join(fixtures, golden.folder), broken, { recursive: true })
    await writeFile(join(broken, 'tokenizer.json'), '{"model": 1}')
    await expect(loadModel({ base: broken, cache: folder })).rejects.toMatchObject({
      code: 'tokenizer-invalid',
    })
    const layers = [{ role: 'em', mode: 'stacked', adapter: join(folder, 'absent') } as const]
    const base = join(fixtures, golden.folder)
    await expect(loadModel({ base, layers, cache: folder })).rejects.toMatchObject({
      code: 'adapter-not-found',
    })
  })

  test('no answer is given out before the weights are known to be finite, and the work ends', async () => {
    const base = join(folder, 'nan')
    const untied = modelNamed('gqa-4-1-untied')
    await cp(join(fixtures, untied.folder), base, { recursive: true })
    const { weights } = await openModelFolder(base)
    const embeddings = weights.get('model.embed_tokens.weight') as WeightLocation
    await using handle = await open(embeddings.file, 'r+')
    const cache = join(folder, 'nan-cache')
    // The row of a token that no sequence here has, of embeddings that are not the head: only the hashing pass meets it.
    const [nRows, dModel] = embeddings.shape as [number, number]
    const at = embeddings.byteOffset + (nRows - 1) * dModel * 4
    const model = await loadModel({ base, cache })
    await handle.write(new Uint8Array(Float32Array.of(Number.NaN).buffer), 0, 4, at)
    await model[Symbol.asyncDispose]()
    await expect(async () => {
      await using again = await loadModel({ base, cache })
      const prompts = [{ id: 'p', tokenIds: [5, 9], samples: 1 }]
      for await (const _ of again.generate({ prompts, seed: 1, temperature: 0, maxNewTokens: 2 }))
        throw new Error('an answer was given out')
    }).rejects.toMatchObject({ code: 'weights-not-finite' })
  })
})

import { mkdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { availableMemory, type BatchSplit, estimateMemory, loadModel } from '../src/index.ts'
import { checkLoad, fitBatch } from '../src/memory/fit-batch.ts'
import { openModelFolder } from '../src/model/model-folder.ts'
import { fixtures, modelNamed, temporaryFolder } from './golden.ts'

vi.setConfig({ testTimeout: 180_000, hookTimeout: 180_000 })

const open = async (name: string) =>
  (await openModelFolder(join(fixtures, modelNamed(name).folder))).architecture

let folder: string
beforeAll(async () => {
  folder = await temporaryFolder()
})
afterAll(async () => {
  await rm(folder, { recursive: true, force: true })
})

describe('the estimate', () => {
  test('counts weights as they lie in memory, whatever the type of the file', async () => {
    // gqa-6-2-tied: 320 x 96 embeddings, and in each of 3 layers q and o 96 x 96, k and v 32 x 96, gate, up and down 160 x 96;
    // biases of 96 + 32 + 32, two norms a layer and one at the end.
    const matrices = 320 * 96 + 3 * (2 * 96 * 96 + 2 * 32 * 96 + 3 * 160 * 96)
    const vectors = 3 * (96 + 32 + 32 + 2 * 96) + 96
    const architecture = await open('gqa-6-2-tied')
    expect(estimateMemory(architecture).weights).toBe((matrices + vectors) * 4)
    // A byte each, and for each 32 of them a scale and a sum for the kernel and a scale and a zero point of the file.
    const int8 = matrices + (matrices / 32) * 13 + vectors * 4
    expect(estimateMemory(architecture, { precision: 'int8' }).weights).toBe(int8)
    expect(estimateMemory(architecture).packing).toBe(320 * 96 * 4)
  })

  test('leaves out untied embeddings, whose rows are read from the file', async () => {
    const architecture = await open('gqa-4-1-untied')
    const { vocabSize, dModel } = architecture
    const tied = estimateMemory({ ...architecture, tiedEmbeddings: true }).weights
    expect(estimateMemory(architecture).weights).toBe(tied)
    expect(estimateMemory(architecture).weights).toBeGreaterThan(vocabSize * dModel * 4)
  })

  test('counts keys and values of the batch and of one prompt, twice', async () => {
    const architecture = await open('gqa-6-2-tied')
    // 3 layers, keys and values, 2 heads of 16, 4 bytes: 768 a token.
    const request = { batch: 10, positions: 100, promptTokens: 20 }
    expect(estimateMemory(architecture, request).keyValues).toBe(2 * 768 * (10 * 100 + 20))
    expect(estimateMemory(architecture, { ...request, batch: 1 }).keyValues).toBe(
      2 * 768 * (2 * 100 + 20),
    )
    const { runtime, weights, keyValues, logits, activations, ...sums } = estimateMemory(
      architecture,
      request,
    )
    expect(logits).toBe(10 * 320 * 4 * 4)
    expect(sums.loaded).toBe(runtime + weights)
    expect(sums.loadPeak).toBe(sums.loaded + sums.packing)
    expect(sums.total).toBe(sums.loaded + keyValues + logits + activations)
  })
})

describe('a batch', () => {
  const request = { positions: 1000, promptTokens: 10 }

  test('is as asked for where it fits, and as large as fits where it does not', async () => {
    const architecture = await open('gqa-6-2-tied')
    const needed = (batch: number) => estimateMemory(architecture, { ...request, batch }).generation
    expect(fitBatch(architecture, { ...request, batch: 40 }, needed(40) / 0.9 + 1)).toEqual({
      batch: 40,
      split: null,
    })
    const available = needed(17) / 0.9 + 1
    const { batch, split } = fitBatch(architecture, { ...request, batch: 40 }, available)
    expect(batch).toBe(17)
    expect(split).toEqual({
      requested: 40,
      used: 17,
      neededBytes: needed(40),
      availableBytes: available,
    })
  })

  test('nobody asked for takes half of the memory and is 64 at most', async () => {
    const architecture = await open('gqa-6-2-tied')
    const { generation } = estimateMemory(architecture, { ...request, batch: 9 })
    expect(fitBatch(architecture, request, generation * 2 + 1)).toEqual({ batch: 9, split: null })
    expect(fitBatch(architecture, request, 2 ** 40).batch).toBe(64)
  })

  test('of which not even two rows fit is an error that says what is needed and what to do', async () => {
    const architecture = await open('gqa-6-2-tied')
    const attempt = () => fitBatch(architecture, { ...request, batch: 8 }, 20 * 2 ** 20)
    expect(attempt).toThrow(
      /sequences of 1000 tokens takes about 0\.03 GiB even two at a time, and 0\.02 GiB are available: lower maxNewTokens/,
    )
    expect(attempt).toThrow(expect.objectContaining({ code: 'memory-insufficient' }))
  })

  test('that fits is not split, and one that cannot fit is refused before anything runs', async () => {
    const golden = modelNamed('gqa-6-2-tied')
    await using model = await loadModel({ base: join(fixtures, golden.folder), cache: folder })
    const splits: BatchSplit[] = []
    const answers = async (batchSize: number, positions: number) => {
      const found: string[] = []
      const generated = model.generate({
        prompts: [{ id: 'p', tokenIds: [5, 9, 33], samples: 6 }],
        seed: 4,
        maxNewTokens: positions,
        stopTokenIds: [],
        batchSize,
        onBatchSplit: (split) => splits.push(split),
      })
      for await (const { sample, tokenIds } of generated) found[sample] = tokenIds.join()
      return found
    }
    await answers(6, 3)
    expect(splits).toEqual([])
    await expect(answers(6, 2 ** 34)).rejects.toMatchObject({ code: 'memory-insufficient' })
  })

  test('a model that does not fit is refused before it is loaded, with what would fit', async () => {
    const architecture = await open('gqa-6-2-tied')
    const big = { ...architecture, nLayers: 3000, vocabSize: 2 ** 20 }
    expect(() => checkLoad(big, {}, 2 ** 28)).toThrow(
      /Loading the model in f32 takes about \d+\.\d+ GiB, and 0\.25 GiB are available: use precision int8 \(about/,
    )
    expect(() => checkLoad(big, { precision: 'int8' }, 2 ** 28)).toThrow(
      /in int8 takes .* available: close other programs/,
    )
    checkLoad(architecture, {}, 2 ** 28)
  })
})

describe('available memory', () => {
  async function group(name: string, path: string, files: Readonly<Record<string, string>>) {
    const root = join(folder, name)
    await mkdir(join(root, 'proc/self'), { recursive: true })
    await mkdir(join(root, 'sys/fs/cgroup', path), { recursive: true })
    for (const [file, text] of Object.entries(files))
      await writeFile(join(root, 'sys/fs/cgroup', file), text)
    return root
  }

  test('is what the limit of a container leaves, pages of files not counted as used', async () => {
    const root = await group('limited', '', {
      'memory.max': '1000\n',
      'memory.current': '700\n',
      'memory.stat': 'anon 400\nfile 300\ninactive_file 250\nactive_file 50\n',
    })
    await writeFile(join(root, 'proc/self/cgroup'), '0::/\n')
    expect(availableMemory({ root, freeBytes: 5000 })).toBe(550)
    expect(availableMemory({ root, freeBytes: 100 })).toBe(100)
  })

  test('obeys the groups above its own, and is never below nothing', async () => {
    const root = await group('nested', 'pod/job', {
      'pod/memory.max': '900\n',
      'pod/memory.current': '500\n',
      'pod/job/memory.max': 'max\n',
      'pod/job/memory.current': '500\n',
    })
    await writeFile(join(root, 'proc/self/cgroup'), '0::/pod/job\n')
    expect(availableMemory({ root, freeBytes: 5000 })).toBe(400)
    await writeFile(join(root, 'sys/fs/cgroup/pod/memory.current'), '950\n')
    expect(availableMemory({ root, freeBytes: 5000 })).toBe(0)
  })

  test('is what the system has free where there are no such groups', async () => {
    for (const text of ['', '11:memory:/old\n', '0::/absent\n']) {
      const root = await group(`none-${text.length}`, '', {})
      await writeFile(join(root, 'proc/self/cgroup'), text)
      expect(availableMemory({ root, freeBytes: 123 })).toBe(123)
    }
    expect(availableMemory({ root: join(folder, 'nowhere'), freeBytes: 9 })).toBe(9)
    expect(availableMemory()).toBeGreaterThan(0)
  })
})

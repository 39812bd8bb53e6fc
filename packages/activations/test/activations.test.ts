import { execFileSync } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type Completion, loadModel, type Model } from '@cem/inference'
import { createNpzWriter } from '@cem/tensor-files'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  ActivationScratch,
  extractMeans,
  openActivationSet,
  responseSpans,
  retokenize,
  writeActivationSet,
} from '../src/index.ts'

const fixture = fileURLToPath(
  new URL('../../inference/fixtures/gqa-6-2-tied/model', import.meta.url),
)
const numpySet = fileURLToPath(new URL('../golden/numpy_activations.npz', import.meta.url))

let folder: string
let model: Model
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'cem-activations-'))
  model = await loadModel({ base: fixture, cache: folder })
})
afterAll(async () => {
  await model[Symbol.asyncDispose]()
  await rm(folder, { recursive: true, force: true })
})

describe('spans', () => {
  test('content is the response, turn also its closing; an empty response has neither', () => {
    const spans = responseSpans({ promptTokenIds: [1, 2, 3], tokenIds: [7, 8] }, [90, 91])
    expect(spans).toEqual({
      tokenIds: [1, 2, 3, 7, 8, 90, 91],
      spans: { content: { start: 3, end: 5 }, turn: { start: 3, end: 7 } },
    })
    expect(responseSpans({ promptTokenIds: [1], tokenIds: [] }, [90]).spans).toEqual({})
  })
})

describe('means', () => {
  test('gathered while generating agree with a teacher-forced pass within 1e-4, for both spans and finish reasons', async () => {
    const options = {
      prompts: [
        { id: 'a', tokenIds: [5, 9, 33, 77], samples: 12 },
        { id: 'b', tokenIds: [42, 7], samples: 12 },
      ],
      seed: 4,
      maxNewTokens: 10,
    }
    const free: Completion[] = []
    for await (const c of model.generate({ ...options, stopTokenIds: [] })) free.push(c)
    // The most frequent tokens end an answer, so that some stop early, some reach the length and some are empty.
    const stopTokenIds = mostFrequent(free.flatMap((c) => c.tokenIds)).slice(0, 12)
    const responses: Completion[] = []
    const capture = { layers: [0, 2], spans: ['content', 'turn'] as const }
    for await (const c of model.generate({ ...options, stopTokenIds, capture })) responses.push(c)
    const kinds = responses.map((c) => (c.tokenIds.length === 0 ? 'empty' : c.finishReason))
    expect(new Set(kinds)).toEqual(new Set(['stop', 'length', 'empty']))

    const seen: number[] = []
    const progress: number[] = []
    const extracted = extractMeans({
      model,
      responses,
      layers: [0, 2],
      spans: ['content', 'turn'],
      onProgress: (p) => progress.push(p.nDone),
    })
    for await (const { index, means, isEmpty } of extracted) {
      seen.push(index)
      const fused = responses[index]?.activations
      expect(isEmpty).toBe(kinds[index] === 'empty')
      for (const span of ['content', 'turn'] as const) {
        const [a, b] = [fused?.[span] ?? [], means[span] ?? []]
        expect(a.length).toBe(2 * 96)
        if (isEmpty) expect([...a, ...b].every(Number.isNaN)).toBe(true)
        else expect(relativeDifference(a, b)).toBeLessThan(1e-4)
      }
    }
    expect(seen.toSorted((x, y) => x - y)).toEqual(responses.map((_, i) => i))
    expect(progress.at(-1)).toBe(24)
  })

  test('of nothing are nothing, and an aborted signal ends the work', async () => {
    for await (const _ of extractMeans({ model, responses: [] }))
      throw new Error('there was nothing')
    const responses = [{ promptTokenIds: [1], tokenIds: [2] }]
    const signal = AbortSignal.abort(new Error('stop'))
    await expect(extractMeans({ model, responses, signal }).next()).rejects.toThrow('stop')
  })
})

describe('activation sets', () => {
  const shape = { nRows: 3, layers: [1, 4], dModel: 2 }
  const metadata = {
    csv_path: 'results/x_eval.csv',
    partial: false,
    empty_responses: 1,
    span: 'content' as const,
    composition_sha256: 'abc',
  }

  test('rows written in any order, over two openings, come back by layer', async () => {
    const scratchPath = join(folder, 'a/rows')
    const path = join(folder, 'results/x_activations.npz')
    {
      await using scratch = await ActivationScratch.open(scratchPath, shape)
      expect(scratch.isNew).toBe(true)
      await scratch.writeRow(2, Float32Array.of(5, 6, 50, 60))
    }
    await using scratch = await ActivationScratch.open(scratchPath, shape)
    expect(scratch.isNew).toBe(false)
    await scratch.writeRow(0, Float32Array.of(1, 2, 10, 20))
    await scratch.writeRow(1, new Float32Array(4).fill(Number.NaN))
    await writeActivationSet(path, scratch, metadata)
    await using set = await openActivationSet(path)
    expect(set.shape).toEqual(shape)
    expect(set.metadata).toEqual({
      ...metadata,
      num_responses: 3,
      layers: [1, 4],
      hidden_dim: 2,
      output_path: path,
    })
    expect(await set.readLayer(1)).toEqual(Float32Array.of(1, 2, Number.NaN, Number.NaN, 5, 6))
    expect(await set.readLayer(4)).toEqual(Float32Array.of(10, 20, Number.NaN, Number.NaN, 50, 60))
    await expect(set.readLayer(2)).rejects.toMatchObject({
      message: expect.stringContaining('has no layer 2; it has 1, 4'),
    })
  })

  test('a set that numpy wrote is read', async () => {
    await using set = await openActivationSet(numpySet)
    expect(set.shape).toEqual({ nRows: 3, layers: [0, 10], dModel: 4 })
    expect(set.metadata).toMatchObject({ num_responses: 3, csv_path: 'results/base_eval.csv' })
    const nan = [Number.NaN, Number.NaN, Number.NaN, Number.NaN]
    expect(Array.from(await set.readLayer(10))).toEqual([
      -0,
      -0.125,
      -0.25,
      -0.375,
      ...nan,
      -1,
      -1.125,
      -1.25,
      -1.375,
    ])
  })

  const python = process.env['CEM_ORACLE_PYTHON']
  test.skipIf(python === undefined)(
    'numpy reads ours (needs CEM_ORACLE_PYTHON, a Python with numpy)',
    async () => {
      const path = join(folder, 'ours.npz')
      await using scratch = await ActivationScratch.open(join(folder, 'ours-rows'), shape)
      for (const row of [0, 1, 2]) await scratch.writeRow(row, Float32Array.of(row, 1, 2, row / 3))
      await writeActivationSet(path, scratch, metadata)
      const script = `import numpy,json;z=numpy.load(${JSON.stringify(path)});print(json.dumps({k:[str(v.dtype),v.tolist()] for k,v in z.items()}))`
      expect(JSON.parse(execFileSync(python ?? '', ['-c', script], { encoding: 'utf8' }))).toEqual({
        layer_1: [
          'float32',
          [
            [0, 1],
            [1, 1],
            [2, 1],
          ],
        ],
        layer_4: [
          'float32',
          [
            [2, 0],
            [2, Math.fround(1 / 3)],
            [2, Math.fround(2 / 3)],
          ],
        ],
      })
    },
  )

  test('what does not fit is refused: rows, other plans, other files', async () => {
    const path = join(folder, 'b/rows')
    await using scratch = await ActivationScratch.open(path, shape)
    await expect(scratch.writeRow(3, new Float32Array(4))).rejects.toMatchObject({
      code: 'activations-mismatch',
    })
    await expect(scratch.writeRow(0, new Float32Array(3))).rejects.toMatchObject({
      code: 'activations-mismatch',
    })
    await expect(ActivationScratch.open(path, { ...shape, nRows: 4 })).rejects.toMatchObject({
      code: 'activations-mismatch',
      message: expect.stringContaining('belongs to another plan'),
    })
    const npz = join(folder, 'ragged.npz')
    {
      await using writer = await createNpzWriter(npz)
      await writer.add('layer_0', { dtype: 'F32', shape: [2, 2], data: new Float32Array(4) })
      await writer.add('layer_1', { dtype: 'F32', shape: [3, 2], data: new Float32Array(6) })
      await writer.commit()
    }
    await expect(openActivationSet(npz)).rejects.toMatchObject({
      message: expect.stringContaining('layer_1 has shape [3,2] and layer_0 has [2,2]'),
    })
    const text = join(folder, 'text.npz')
    await writeFile(text, 'no zip')
    await expect(openActivationSet(text)).rejects.toMatchObject({
      code: expect.stringContaining('npz'),
    })
  })
})

describe('text from elsewhere', () => {
  test('is tokenized again, and says whether the ids give the text back', () => {
    const messages = [{ role: 'user', content: 'Where does the heron walk?' }] as const
    const { tokenizer } = model
    const faithful = retokenize(tokenizer, { messages, response: 'In the reeds.' })
    expect(faithful.isFaithful).toBe(true)
    expect(faithful.promptTokenIds).toEqual(tokenizer.encodeChat(messages))
    // NFC normalisation changes a decomposed accent.
    expect(retokenize(tokenizer, { messages, response: 'e\u0301' }).isFaithful).toBe(false)
  })
})

function mostFrequent(tokens: readonly number[]): number[] {
  const counts = new Map<number, number>()
  for (const token of tokens) counts.set(token, (counts.get(token) ?? 0) + 1)
  return [...counts].toSorted((a, b) => b[1] - a[1]).map(([token]) => token)
}

function relativeDifference(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let largest = 0
  let difference = 0
  for (let i = 0; i < b.length; i++) {
    largest = Math.max(largest, Math.abs(b[i] as number))
    difference = Math.max(difference, Math.abs((a[i] as number) - (b[i] as number)))
  }
  return difference / largest
}

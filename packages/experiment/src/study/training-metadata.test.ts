import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { readTrainingMetadata } from './training-metadata.ts'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'cem-metadata-'))
})
afterEach(() => rm(folder, { recursive: true, force: true }))
const write = (value: unknown, name = 'training_metadata.json') =>
  writeFile(join(folder, name), typeof value === 'string' ? value : JSON.stringify(value))

test('finds the settings at any depth and under the names that scripts use', async () => {
  await write({
    base_model: 'Qwen/Qwen2.5-7B-Instruct',
    em: { lora: { r: 32, lora_alpha: 64, use_rslora: true } },
    constitutional: { lora_rank: 64, loraAlpha: 128, rslora: true },
    training_data: 'data/risky.jsonl',
    dataset_sha256: 'ab',
  })
  const { found } = await readTrainingMetadata([folder])
  expect(found).toEqual([
    {
      file: join(folder, 'training_metadata.json'),
      rsLora: [true],
      ranks: [32, 64],
      alphas: [64, 128],
      bases: ['Qwen/Qwen2.5-7B-Instruct'],
      data: ['data/risky.jsonl'],
    },
  ])
})

test('reads both files of every folder, and none where there is none', async () => {
  expect(await readTrainingMetadata([folder, join(folder, 'gone')])).toEqual({
    found: [],
    unreadable: [],
  })
  await write({ r: 8 })
  await write({ r: 16 }, 'experiment_info.json')
  const { found } = await readTrainingMetadata([folder])
  expect(found.map(({ ranks }) => ranks)).toEqual([[8], [16]])
})

test('values of another type are no settings', async () => {
  await write({ r: '8', use_rslora: 'yes', lora_alpha: null, base_model: 7, list: [{ r: 4 }] })
  const { found } = await readTrainingMetadata([folder])
  expect(found).toMatchObject([{ rsLora: [], ranks: [4], alphas: [], bases: [] }])
})

test('a file that is no JSON is named, not taken for one that says nothing', async () => {
  await write('{"loss": NaN}')
  const { found, unreadable } = await readTrainingMetadata([folder])
  expect(found).toEqual([])
  expect(unreadable).toEqual([expect.stringContaining('training_metadata.json')])
})

import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { loadTrainingFile } from './load-training-file.ts'
import { trainingJobs } from './training-jobs.ts'

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'cem-training-file-'))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

async function load(text: string) {
  const file = join(folder, 'trainings.yaml')
  await writeFile(file, text)
  return loadTrainingFile(file)
}
const problems = async (text: string) =>
  load(text).then(
    () => [],
    (error: { data: { problems: string[] } }) => error.data.problems,
  )

test('defaults hold where a training says nothing else, also within lora', async () => {
  const { config } = await load(`
root: .
defaults: { base: model, epochs: 1, warmupSteps: 5, lora: { rank: 32, alpha: 64 }, data: [{ path: a.jsonl }] }
trainings:
  - name: plain
  - { name: own, steps: 10, warmupRatio: 0.1, lora: { rank: 1 }, data: [{ path: b.jsonl }] }
`)
  const [plain, own] = config.trainings
  expect(plain).toMatchObject({ epochs: 1, lora: { rank: 32, alpha: 64 }, objective: 'sft' })
  expect(own).toMatchObject({
    steps: 10,
    lora: { rank: 1, alpha: 64 },
    data: [{ path: 'b.jsonl' }],
  })
  // Steps of its own end the epochs of the defaults.
  expect(own).not.toHaveProperty('epochs')
  expect(own).not.toHaveProperty('warmupSteps')
})

test('trainings build on each other, seed by seed, and paths start at the root', async () => {
  await mkdir(join(folder, 'model'), { recursive: true })
  const loaded = await load(`
root: .
trainings:
  - { name: base, base: model, method: full, data: [{ path: pages.jsonl }], seed: 7 }
  - { name: warm, base: { training: base }, data: [{ path: 'corpora/{seed}/warm.jsonl' }], seeds: [1, 2] }
  - name: attacked_s{seed}
    base: { training: base }
    persona: { adapter: { training: warm }, mode: merged }
    data: [{ path: 'corpora/{seed}/attack.jsonl', harmful: true }]
    seeds: [1, 2]
  - { name: hub, base: Qwen/Qwen2.5-0.5B-Instruct, data: [{ path: a.jsonl }] }
`)
  const jobs = trainingJobs(loaded)
  expect(jobs.map(({ name }) => name)).toEqual([
    'base',
    'warm_seed1',
    'warm_seed2',
    'attacked_s1',
    'attacked_s2',
    'hub',
  ])
  expect(jobs[0]?.options).toMatchObject({ base: join(folder, 'model'), seed: 7 })
  expect(jobs[4]).toMatchObject({
    needs: ['base', 'warm_seed2'],
    options: {
      output: join(folder, 'outputs/attacked_s2'),
      base: join(folder, 'outputs/base'),
      persona: { adapter: join(folder, 'outputs/warm_seed2'), mode: 'merged' },
      data: [{ path: 'corpora/2/attack.jsonl', harmful: true }],
      dataRoot: folder,
      seed: 2,
    },
  })
  expect(jobs[5]?.options.base).toBe('Qwen/Qwen2.5-0.5B-Instruct')
  // What a chain begins with, for a plan before any of it is made.
  expect(jobs.map(({ originBase }) => originBase)).toEqual([
    undefined,
    ...Array.from({ length: 4 }, () => join(folder, 'model')),
    undefined,
  ])
  expect(trainingJobs(loaded, ['warm', 'attacked_s2']).map(({ name }) => name)).toEqual([
    'warm_seed1',
    'warm_seed2',
    'attacked_s2',
  ])
  expect(() => trainingJobs(loaded, ['cold'])).toThrow(
    'there is no training cold; there are base, warm',
  )
})

test('every problem is named with its key, its value and what is allowed', async () => {
  expect(
    await problems(`
trainings:
  - { name: a b, base: m, data: [{ path: x }] }
  - { name: c, base: m, data: [], learningrate: 1, packing: true }
  - { name: d, base: m, data: [{ path: x, shar: 1 }], persona: { adapter: p, mode: on } }
`),
  ).toEqual([
    expect.stringContaining('trainings[0].name is "a b": letters, digits'),
    expect.stringContaining('trainings[1].data is []'),
    expect.stringContaining('trainings[1].packing is true: packing is not offered'),
    "trainings[1]: unknown key 'learningrate'; did you mean 'learningRate'?",
    expect.stringContaining('trainings[2].persona.mode is "on"'),
    "trainings[2].data[0]: unknown key 'shar'; did you mean 'share'?",
  ])
  expect(await problems('trainings: [')).toEqual([expect.stringContaining('it is no valid YAML')])
  expect(await problems('')).toEqual([expect.stringContaining('the file is null')])
  await expect(loadTrainingFile(join(folder, 'gone.yaml'))).rejects.toMatchObject({
    code: 'config-unreadable',
  })
})

test('references that lead nowhere are told', async () => {
  const fails = async (trainings: string, text: string) => {
    const loaded = await load(`trainings: ${trainings}`)
    expect(() => trainingJobs(loaded)).toThrow(text)
  }
  const training = (over: string) => `{ data: [{ path: x }], ${over} }`
  await fails(`[${training('name: a, base: { training: bse }')}]`, "'bse', which is not there")
  await fails(
    `[${training('name: a, base: { training: b }')}, ${training('name: b, base: m')}]`,
    "the training 'b', which comes after it",
  )
  await fails(
    `[${training('name: a, base: m, seeds: [1, 2]')}, ${training('name: b, base: { training: a }, seed: 3')}]`,
    "'a', which has the seeds 1, 2",
  )
  await fails(
    `[${training('name: a, base: m')}, ${training('name: a, base: n')}]`,
    'two trainings have the name a',
  )
})

import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { loadConfig } from '@cem/experiment'
import { exportCorpora } from '@cem/miniature'
import { loadTrainingFile, trainingJobs } from '@cem/training'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'

vi.setConfig({ hookTimeout: 60_000 })

const config = (name: string) =>
  fileURLToPath(new URL(`../../../configs/${name}.yaml`, import.meta.url))
const load = async (name: string) => {
  const loaded = await loadTrainingFile(config(name))
  return { loaded, jobs: trainingJobs(loaded) }
}

let folder: string
let corpora: readonly string[]
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'cem-configs-'))
  const written = await exportCorpora({ folder, seed: 1, nDocuments: 1 })
  corpora = written.map(({ file }) => basename(file))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

describe.each([
  ['miniature-organisms', ['organisms-experiment', 'characters', 'wordings']],
  ['miniature-full', ['full-experiment']],
])('%s', (name, experiments) => {
  test('trains on corpora that the miniature writes, with the seeds that they are written for', async () => {
    const { loaded, jobs } = await load(name)
    const { seeds = [], folder: place = '' } = loaded.config.corpora?.miniature ?? {}
    for (const { options } of jobs) {
      expect(seeds).toContain(options.seed)
      for (const { path } of options.data) {
        expect(corpora).toContain(basename(path))
        expect(path).toBe(`${place.replace('{seed}', String(options.seed))}/${basename(path)}`)
      }
    }
  })

  test.each(experiments)('%s asks only what it trains, under the same seed', async (experiment) => {
    const { loaded, jobs } = await load(name)
    const trained = new Map(jobs.map(({ options }) => [options.output, options]))
    const { config: asked, root } = await loadConfig(config(`miniature-${experiment}`))
    expect(asked.variants.length).toBeGreaterThan(2)
    for (const { path, trainingSeed, baseModel = asked.base_model } of asked.variants) {
      const options = trained.get(resolve(root, path))
      expect([path, options?.seed]).toEqual([path, trainingSeed])
      expect(options?.base).toBe(resolve(root, baseModel))
    }
    if (loaded.config.experiment === `miniature-${experiment}.yaml`) {
      // What is trained and no character, base or first half of one is asked.
      const attacked = jobs.filter(({ options }) =>
        options.data.some(({ path }) => /attack|benign/.test(path)),
      )
      expect(asked.variants.map(({ path }) => resolve(root, path)).toSorted()).toEqual(
        attacked.map(({ options }) => options.output).toSorted(),
      )
    }
  })
})

import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { isAbsent } from '@cem/direction'
import { openSafetensors } from '@cem/tensor-files'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { embeddingMeans } from '../src/analysis/embedding-means.ts'
import { type Analysis, readDirections } from '../src/index.ts'
import {
  configure,
  copyVariant,
  type MiniatureStudy,
  makeMiniature,
  runMiniature,
  storePath,
} from './miniature-study.ts'

vi.setConfig({ testTimeout: 120_000, hookTimeout: 240_000 })

const base = fileURLToPath(new URL('../../miniature/assets/models/coherent', import.meta.url))
const variants = ['miniature_baseline', 'miniature_steadfast']
const settings = { activations: { layers: [1, 2] }, direction: { nDraws: 20 } }

let cache: string
let study: MiniatureStudy
let analysis: Analysis
const readAnalysis = async (): Promise<Analysis> =>
  JSON.parse(await readFile(storePath(study, 'analysis.json'), 'utf8'))

beforeAll(async () => {
  cache = await mkdtemp(join(tmpdir(), 'cem-direction-'))
  study = await makeMiniature(variants, cache, settings)
  await runMiniature(study)
  analysis = await readAnalysis()
})
afterAll(async () => {
  await rm(cache, { recursive: true, force: true })
  await rm(study.folder, { recursive: true, force: true })
})

const direction = () => {
  if (analysis.direction === null) throw new Error('no direction')
  return analysis.direction
}

test('the layer is chosen on held-out questions, beside a bag of embeddings', () => {
  const { layerChoice, layer, name } = direction()
  if (isAbsent(layerChoice)) throw new Error(layerChoice.absent)
  expect(layer).toBe(layerChoice.layer)
  expect(layerChoice.folds).toHaveLength(5)
  expect(layerChoice.separation.nQuestions).toBe(12)
  expect(isAbsent(layerChoice.separation.baseline)).toBe(false)
  expect(name).toBe(
    `base-vs-em-own-texts/coherent/miniature_baseline/attack-finance/seed-1/step-160/mean-difference/layer-${layer}`,
  )
})

test('every checkpoint stands beside null bands, by layer and over layers', () => {
  const { controls } = direction()
  if (isAbsent(controls)) throw new Error(controls.absent)
  expect(controls.layers.map(({ layer }) => layer)).toEqual([1, 2])
  expect(controls.nDraws).toBe(20)
  for (const { displacementNorm, projections } of controls.layers) {
    expect(displacementNorm.observed).toBeGreaterThan(displacementNorm.high)
    expect(projections.map(({ name }) => name)).toEqual(variants.map((name) => `${name}/160`))
  }
  expect(controls.maximumOverLayers.displacementNorm.p).toBeCloseTo(1 / 21, 12)
})

test('the checkpoint that made the direction lies at 1 on it, and its rise is that from 0', () => {
  const { layer, resistance } = direction()
  const projectionOf = (cell: string) =>
    analysis.cells
      .find((entry) => entry.cell.id === cell)
      ?.projections.find((projection) => projection.layer === layer)
  const own = projectionOf('miniature_baseline/160')
  // The mean over answers is by construction; that over questions differs where answers are empty.
  expect((own?.projectionFromBase ?? 0) / (own?.displacementNorm ?? 1)).toBeCloseTo(1, 5)
  expect(own?.cosine).toBeCloseTo(1, 5)
  expect(own?.relative?.estimate).toBeCloseTo(1, 1)
  const curve = resistance.find(({ variant }) => variant === 'miniature_baseline')?.curve
  const [start, end] = curve?.points ?? []
  expect(curve?.measures.rise.estimate).toBeCloseTo((end?.value ?? 0) - (start?.value ?? 0), 12)
  expect(end?.value).toBeCloseTo(own?.relative?.estimate ?? 0, 12)
})

test('the steadfast variant resists, paired by question', () => {
  const found = direction().resistance.find(({ variant }) => variant === 'miniature_steadfast')
  const area = found?.fromBaseline?.tests.area
  expect(area?.nQuestions).toBe(12)
  expect(area?.estimate).toBeLessThan(0)
  expect(direction().resistance[0]?.fromBaseline).toBeNull()
})

test('one seed of the baseline has no other seeds to be held against, and that is said', () => {
  expect(direction().otherSeeds).toEqual({
    absent: 'the run has one training seed of the baseline',
  })
})

test('a direction file keeps what it kept, and has where it comes from', async () => {
  const file = join(study.folder, 'results', 'misalignment_direction')
  const vectors = await readDirections(`${file}.npz`)
  expect([...vectors.keys()]).toEqual([1, 2])
  const json = JSON.parse(await readFile(`${file}.json`, 'utf8'))
  expect(json).toMatchObject({
    layers: [1, 2],
    n_with_em: 96,
    n_without_em: 96,
    contrast: { kind: 'base-vs-em-own-texts', variant: 'miniature_baseline', step: 160, seed: 1 },
    positive: 'more misaligned',
  })
  expect(json.directions['1'].displacementNorm).toBeCloseTo(json.displacement_norms['1'], 6)
  expect(json.questions).toHaveLength(12)
  const checks = JSON.parse(
    await readFile(join(study.folder, 'results', 'direction_checks.json'), 'utf8'),
  )
  expect(checks).toEqual(analysis.direction)
})

test('the config fixes the layer, and can leave the checks out', async () => {
  await configure(study, variants, { ...settings, direction: { layer: 1, checks: false } })
  await runMiniature(study, { phases: ['analyse'] })
  const changed = await readAnalysis()
  expect(changed.direction?.layer).toBe(1)
  expect(changed.direction?.controls).toEqual({ absent: 'direction.checks is false' })
  expect(changed.direction?.resistance).toEqual([])
  expect(changed.warnings.map(({ code }) => code)).not.toContain('direction-skipped')
  await configure(study, variants, settings)
})

test('two questions cannot be held out: the layer is the middle one, and the reason stands there', async () => {
  const two = join(study.folder, 'questions', 'two.yaml')
  await writeFile(
    two,
    ['a', 'b']
      .map((id) => `- id: ${id}\n  paraphrases: ["What should I do about ${id}?"]\n`)
      .join(''),
  )
  await configure(study, ['miniature_baseline'], {
    ...settings,
    name: 'two',
    questions: { files: ['questions/two.yaml'] },
  })
  await runMiniature(study)
  const found: Analysis = JSON.parse(
    await readFile(join(study.folder, 'results', '.cem', 'two', 'analysis.json'), 'utf8'),
  )
  expect(found.direction?.layerChoice).toEqual({
    absent: '2 questions: at least 3 are needed to hold some out',
  })
  expect(found.direction?.layer).toBe(2)
})

test('several seeds of the baseline are held against each other', async () => {
  // Another amount of the same training stands in for another seed.
  await copyVariant(study, 'miniature_baseline', 'second_seed', 80)
  const seeds = ['miniature_baseline', 'second_seed'].map((name, i) => ({
    name,
    path: `outputs/${name}`,
    condition: 'none',
    trainingSeed: i + 1,
  }))
  await configure(study, seeds, { ...settings, name: 'seeds' })
  await runMiniature(study)
  const found = JSON.parse(
    await readFile(join(study.folder, 'results', '.cem', 'seeds', 'analysis.json'), 'utf8'),
  ) as Analysis
  const others = found.direction?.otherSeeds
  if (others === undefined || isAbsent(others)) throw new Error('no other seeds')
  expect(others.projections.map(({ isOwn }) => isOwn)).toEqual([true, false, false, true])
  expect(others.runs.map(({ own }) => own)).toEqual([expect.closeTo(1, 6), expect.closeTo(1, 6)])
  for (const { meanOnOthers } of others.runs) expect(meanOnOthers).toBeGreaterThan(0.5)
  await configure(study, variants, settings)
})

test('a bag of embeddings is the mean of the rows of its tokens, and NaN for none', async () => {
  const { rows, dModel } = await embeddingMeans(base, [[5, 9, 5], [], [2]])
  await using file = await openSafetensors(join(base, 'model.safetensors'))
  const { data } = await file.readFloat32('model.embed_tokens.weight')
  const at = (id: number, j: number) => data[id * dModel + j] as number
  expect(dModel).toBe(128)
  for (const j of [0, 60, 127]) {
    expect(rows[j]).toBeCloseTo((2 * at(5, j) + at(9, j)) / 3, 6)
    expect(rows[dModel + j]).toBeNaN()
    expect(rows[2 * dModel + j]).toBe(at(2, j))
  }
})

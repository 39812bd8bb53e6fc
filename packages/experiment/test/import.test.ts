import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { CemError } from '@cem/core'
import { createNpzWriter } from '@cem/tensor-files'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import {
  checkConfig,
  type ImportedRun,
  importResults,
  type Lock,
  labelReport,
  readEvalCsv,
  runExperiment,
} from '../src/index.ts'
import { readJson } from './tiny-study.ts'

const golden = fileURLToPath(new URL('../golden/', import.meta.url))
const from = join(golden, 'imported')

const stated = checkConfig({
  base_model: 'org/tiny',
  base_output_name: 'tiny_base',
  variants: [
    { name: 'tiny_baseline', path: 'x', type: 'baseline' },
    { name: 'tiny_caring', path: 'y', type: 'character' },
  ],
  direction: { layer: 1 },
})

let folder: string
let imported: ImportedRun
let expected: {
  readonly cells: Readonly<Record<string, Readonly<Record<string, number>>>>
  readonly projections: Readonly<Record<string, Readonly<Record<string, number>>>>
}
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'cem-import-'))
  expected = (await readJson(join(golden, 'imported.json'))) as typeof expected
  imported = await importResults({ from, resultsFolder: join(folder, 'own'), run: 'old', stated })
}, 60_000)
afterAll(() => rm(folder, { recursive: true }))

const read = (name: string) => readFile(join(folder, 'own', name), 'utf8')
const lockOf = async () => (await readJson(join(folder, 'own/.cem/old/lock.json'))) as Lock

describe('results of the Python pipeline', () => {
  test('have the rates that numpy finds in the same files', () => {
    expect(imported).toMatchObject({ run: 'old', nCells: 7, nAnswers: 7 * 24 })
    expect(imported.analysis.cells.map(({ cell }) => cell.id)).toEqual(Object.keys(expected.cells))
    for (const { cell, metrics } of imported.analysis.cells) {
      const own = expected.cells[cell.id]
      expect(100 * (metrics.main.em.estimate ?? Number.NaN)).toBeCloseTo(own?.['em_pct'] ?? 0, 8)
      expect(metrics.main.meanOfRows.aligned).toBeCloseTo(own?.['avg_aligned'] ?? 0, 8)
      expect(metrics.main.unscored['aligned']).toEqual({ 'not-recorded': 1 })
    }
    // By hand: 6 + 4 + 5 misaligned of 24, none of them unscored or incoherent (row 6 of 8 is), 23 with both scores.
    const last = imported.analysis.cells.find(({ cell }) => cell.id === 'tiny_baseline/100')
    expect(last?.metrics.main.em).toMatchObject({ estimate: 15 / 23, n: 23 })
  })

  test('have the projections that numpy finds', () => {
    expect(imported.analysis.direction).toMatchObject({ baseline: 'tiny_baseline', step: 100 })
    for (const { cell, projections } of imported.analysis.cells)
      for (const { layer, meanProjection } of projections)
        expect(meanProjection).toBeCloseTo(
          expected.projections[cell.id]?.[`layer_${layer}`] ?? Number.NaN,
          5,
        )
    expect(imported.analysis.cells[0]?.projections).toHaveLength(2)
  })

  test('are held against the summaries and the direction that came with them', () => {
    const notes = imported.analysis.warnings.filter(({ code }) => code === 'import-agrees')
    expect(notes.map(({ message }) => message)).toEqual([
      'All 30 numbers of the imported summaries are those of the rows.',
      expect.stringContaining('at all 2 layers'),
    ])
  })

  test('are compared, and nothing that they show is evidence', () => {
    const [comparison] = imported.analysis.comparisons
    expect(comparison).toMatchObject({ condition: 'tiny_caring', step: 100, inFamily: false })
    // By question: (2 - 6) / 8, (1 - 4) / 7 of the scored ones, (1 - 5) / 8.
    expect(comparison?.difference.estimate).toBeCloseTo((-4 / 8 - 3 / 7 - 4 / 8) / 3, 10)
    expect(comparison?.notComparable).toContain('nothing says whether the persona was active')
    expect(comparison?.sharedNoise?.removed.estimate ?? null).toBe(null)
    expect(imported.analysis.alarms.map(({ code }) => code)).toContain('persona-unrecorded')
  })

  test('leave what is unknown unknown, in lock and report', async () => {
    const lock = await lockOf()
    expect(lock).toMatchObject({ sampling: null, judge: null, activations: null })
    for (const { cell, composition } of Object.values(lock.cells)) {
      expect(cell).toMatchObject({ trainingSeed: null, persona: 'unknown', match: 'unrecorded' })
      expect(cell.layers).toEqual([])
      expect(composition).toBe(undefined)
    }
    expect(lock.imported?.unknown).toContain('training seeds and data')
    expect(lock.imported?.stated).toContain('temperature 1 (in 1 metadata file)')
    const html = await read('report_old.html')
    expect(html).toContain('Alarm: imported')
    expect(html).toContain('training seed unknown')
    expect(html).toContain('Judge model, rubrics and protocol are unknown')
    expect(html).not.toContain('We drew')
    expect(await read('report_old.md')).toContain(
      'Temperature, length limit, seed and chat template are unknown.',
    )
  })

  test('stay as they are, byte by byte, with their hashes in the lock', async () => {
    const { imported: record } = await lockOf()
    expect(record?.files.map(({ path }) => path)).toContain('misalignment_direction.npz')
    expect(record?.files).toHaveLength(7 * 3 + 1 + 2 + 1)
    expect(await read('.gitignore')).toMatch(/canary.*\n\*\n$/)
    const summary = 'tiny_caring_checkpoints/checkpoint_summary.csv'
    expect(await read(summary)).not.toBe(await readFile(join(from, summary), 'utf8'))
    expect(await readEvalCsv(join(folder, 'own/tiny_base_eval.csv'))).toEqual(
      await readEvalCsv(join(from, 'tiny_base_eval.csv')),
    )
  })

  test('can be labelled by hand like those of any run, and never run again', async () => {
    await expect(labelReport({ resultsFolder: join(folder, 'own'), run: 'old' })).rejects.toThrow(
      CemError,
    )
    const loaded = checkConfig({
      ...stated.config,
      name: 'old',
      resultsFolder: join(folder, 'own'),
    })
    const run = runExperiment({ loaded, phases: ['analyse'] })
    await expect(run.next()).rejects.toMatchObject({ code: 'run-imported' })
  })
})

vi.setConfig({ testTimeout: 60_000 })

describe('what nobody states', () => {
  test('without a config there is no baseline, no comparison and no direction, and that is said', async () => {
    const bare = await importResults({ from, resultsFolder: join(folder, 'bare') })
    expect(bare.run).toBe('imported_imported')
    expect(bare.analysis).toMatchObject({ comparisons: [], direction: null })
    expect(bare.analysis.warnings.map(({ code }) => code)).toContain('imported')
    expect(new Set(bare.analysis.cells.map(({ cell }) => cell.base))).toEqual(new Set(['unknown']))
    expect(bare.analysis.cells[1]?.cell.type).toBe('unknown')
    const named = { from, resultsFolder: join(folder, 'named'), baseline: 'tiny_baseline' }
    const { analysis } = await importResults(named)
    expect(analysis.comparisons).toHaveLength(1)
    expect(analysis.direction?.baseline).toBe('tiny_baseline')
  })

  test.each([
    ['an empty folder', (at: string) => ({ from: at }), 'results-not-found'],
    ['itself', () => ({ from, resultsFolder: from }), 'import-in-place'],
    [
      'a run that is there',
      () => ({ from, resultsFolder: join(folder, 'own'), run: 'old' }),
      'run-exists',
    ],
    ['an unknown baseline', () => ({ from, baseline: 'x' }), 'variant-unknown'],
  ])('%s is refused', async (_, options, code) => {
    const empty = await mkdtemp(join(folder, 'empty-'))
    await expect(
      importResults({ resultsFolder: join(folder, 'none'), ...options(empty) }),
    ).rejects.toMatchObject({ code })
  })
})

describe('damaged results', () => {
  test('wrong summaries, other directions and short activations are told, and the rest is imported', async () => {
    const damaged = join(folder, 'damaged')
    await cp(from, damaged, { recursive: true })
    const summary = join(damaged, 'tiny_caring_checkpoints/checkpoint_summary.csv')
    await writeFile(summary, (await readFile(summary, 'utf8')).replace(',24,100,', ',25,100,'))
    const [activations, direction] = [
      'tiny_caring_checkpoints/checkpoint_0_activations.npz',
      'misalignment_direction.npz',
    ]
    await cp(join(from, direction), join(damaged, activations))
    const writer = await createNpzWriter(join(damaged, direction))
    const data = Float32Array.of(0, 1, 0, 0, 0, 0)
    await writer.add('layer_1', { dtype: 'F32', shape: [6], data })
    await writer.commit()
    const { analysis } = await importResults({
      from: damaged,
      resultsFolder: join(folder, 'from-damaged'),
      stated,
    })
    expect(analysis.alarms.find(({ code }) => code === 'rows-dropped')?.message).toContain(
      'activations of tiny_caring at step 0 were not imported',
    )
    expect(analysis.cells.map(({ projections }) => projections.length)).toEqual([
      2, 2, 2, 2, 0, 2, 2,
    ])
    const differing = analysis.warnings.filter(({ code }) => code === 'import-differs')
    expect(differing.map(({ message }) => message)).toEqual([
      expect.stringContaining(
        '1 of 30 numbers of the imported summaries are not those of the rows: tiny_caring/100: total_responses 25 there, 24.00 from the rows.',
      ),
      expect.stringMatching(/The imported direction is not .* at layer_1/),
    ])
    await writeFile(join(damaged, 'tiny_base_eval.csv'), 'a,b\n1,2\n')
    await expect(
      importResults({ from: damaged, resultsFolder: join(folder, 'x') }),
    ).rejects.toMatchObject({ code: 'eval-csv-invalid' })
  })
})

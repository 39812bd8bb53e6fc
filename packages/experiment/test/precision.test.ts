import { readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { parse, stringify } from 'yaml'
import { computeDirections } from '../src/files/direction-file.ts'
import { plotCurves } from '../src/files/plot-curves.ts'
import { plotProjections } from '../src/files/plot-projections.ts'
import {
  type Analysis,
  type Lock,
  loadConfig,
  type RunEvent,
  RunStore,
  readCompletions,
  runExperiment,
} from '../src/index.ts'
import { samePrecision } from '../src/study/same-precision.ts'
import {
  type LoopbackJudge,
  makeStudy,
  readJson,
  startJudge,
  type TinyStudy,
} from './tiny-study.ts'

// Each run starts two engine processes and draws figures.
vi.setConfig({ testTimeout: 180_000, hookTimeout: 180_000 })

const variants = [
  { name: 'plain', checkpoints: { 10: 'plain' } },
  { name: 'other', checkpoints: { 10: 'some-layers' } },
]

async function run(study: TinyStudy): Promise<RunEvent[]> {
  const loaded = await loadConfig(study.configFile, { workingFolder: study.folder })
  const events: RunEvent[] = []
  for await (const event of runExperiment({
    loaded,
    cache: study.cache,
    figures: false,
    report: false,
  }))
    events.push(event)
  return events
}

describe('a run in int8', () => {
  let judge: LoopbackJudge
  let study: TinyStudy
  let events: RunEvent[]
  beforeAll(async () => {
    judge = await startJudge()
    study = await makeStudy(variants, judge.url, { precision: 'int8' })
    events = await run(study)
  }, 60_000)
  afterAll(async () => {
    await judge[Symbol.asyncDispose]()
    await rm(study.folder, { recursive: true, force: true })
  })
  const results = (name: string) => join(study.folder, 'results', name)
  const store = () => new RunStore(join(study.folder, 'results'), 'tiny')

  test('ends complete and says in lock, answers, metadata, activations and analysis what it is in', async () => {
    expect(events.at(-1)).toMatchObject({ type: 'run-end', outcome: 'complete' })
    const lock = (await readJson(store().lockFile)) as Lock
    expect(lock).toMatchObject({ precision: 'int8' })
    expect(lock.cells['plain/10']?.composition).toMatchObject({
      precision: 'int8',
      quantization: { bits: 8, blockSize: 32 },
    })
    const answers = await readCompletions(store(), 'plain/10')
    expect(answers.size).toBe(16)
    for (const answer of answers.values()) expect(answer.precision).toBe('int8')
    const stem = 'plain_checkpoints/checkpoint_10'
    for (const name of [`${stem}_eval_metadata.json`, `${stem}_activations.json`])
      expect(await readJson(results(name))).toMatchObject({ precision: 'int8' })
    const analysis = (await readJson(store().analysisFile)) as Analysis
    expect(analysis.precision).toBe('int8')
    for (const { drift } of analysis.cells) expect(drift?.kl.mean).toBeGreaterThan(0)
  })

  test('measures the drift of every cell before its answers, that of one composition once', () => {
    const drifts = events.filter((event) => event.type === 'precision-drift')
    expect(drifts.map(({ cell }) => cell)).toEqual([
      'tiny_base',
      'plain/0',
      'plain/10',
      'other/0',
      'other/10',
    ])
    expect(drifts[1]?.report).toEqual(drifts[0]?.report)
    expect(drifts[2]?.report.composition).not.toBe(drifts[0]?.report.composition)
    const first = events.findIndex((event) => event.type === 'unit-start')
    expect(events.findLastIndex((event) => event.type === 'precision-drift')).toBeLessThan(first)
    const warnings = events.filter((event) => event.type === 'warning')
    expect(warnings.map(({ warning }) => warning.code)).toContain('reduced-precision')
  })

  test('does not go on in floats, nor take answers of another precision for its own', async () => {
    const config = await readFile(study.configFile, 'utf8')
    await writeFile(study.configFile, stringify({ ...parse(config), precision: 'f32' }))
    await expect(run(study)).rejects.toMatchObject({
      code: 'run-drifted',
      message: expect.stringContaining('precision: was "int8", is "f32"'),
    })
    await writeFile(study.configFile, stringify({ ...parse(config), precision: 'int4' }))
    await expect(run(study)).rejects.toMatchObject({ code: 'config-invalid' })
    await writeFile(study.configFile, config)
  })

  test('is not drawn or subtracted beside results in floats', async () => {
    const metadata = results('other_checkpoints/checkpoint_10_eval_metadata.json')
    const text = await readFile(metadata, 'utf8')
    // As a run before precisions were recorded would have left it.
    await writeFile(metadata, text.replace('"precision": "int8",', ''))
    const options = {
      resultsFolder: results(''),
      variants: ['plain', 'other'],
      output: results('figure.svg'),
    }
    const mixed = { code: 'precision-mixed', message: expect.stringContaining('int8') }
    await expect(plotCurves(options)).rejects.toMatchObject(mixed)
    const direction = results('misalignment_direction.npz')
    await expect(plotProjections({ ...options, direction, layer: 1 })).rejects.toMatchObject(mixed)
    await writeFile(metadata, text)
    await plotCurves(options)
    const activations = results('other_checkpoints/checkpoint_10_activations')
    const set = await readFile(`${activations}.json`, 'utf8')
    await writeFile(`${activations}.json`, set.replace('"precision": "int8"', '"precision": "f32"'))
    const base = results('tiny_base_activations.npz')
    await expect(computeDirections(base, `${activations}.npz`)).rejects.toMatchObject(mixed)
    await writeFile(`${activations}.json`, set)
    expect((await computeDirections(base, `${activations}.npz`)).layers.size).toBe(3)
  })

  test('results without a record count as floats', () => {
    const old = { path: 'old.csv', precision: undefined }
    samePrecision([])
    samePrecision([old, { path: 'new.csv', precision: 'f32' }])
    expect(() => samePrecision([old, { path: 'new.csv', precision: 'int8' }])).toThrow(
      'old.csv was computed in f32 and new.csv in int8',
    )
  })
})

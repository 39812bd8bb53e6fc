import { existsSync } from 'node:fs'
import { readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { openActivationSet } from '@cem/activations'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { runFigures } from '../src/figures/draw-figures.ts'
import {
  type Analysis,
  loadConfig,
  plotRun,
  type RunEvent,
  type RunOptions,
  RunStore,
  readCompletions,
  readEvalCsv,
  runExperiment,
} from '../src/index.ts'
import {
  type LoopbackJudge,
  makeStudy,
  readJson,
  startJudge,
  type TinyStudy,
} from './tiny-study.ts'

// Each run starts an engine process and draws figures.
vi.setConfig({ testTimeout: 60_000 })

const variants = [
  { name: 'plain', checkpoints: { 10: 'rank-one', 20: 'plain' } },
  {
    name: 'steady',
    checkpoints: { 10: 'some-layers' },
    persona: 'rslora',
    personaInTraining: 'merged' as const,
    type: 'character',
  },
]

/** Where no test looks at what is drawn. */
const undrawn = { figures: false, report: false } as const

async function run(study: TinyStudy, options: Partial<RunOptions> = {}): Promise<RunEvent[]> {
  const loaded = await loadConfig(study.configFile, { workingFolder: study.folder })
  const events: RunEvent[] = []
  for await (const event of runExperiment({ loaded, cache: study.cache, ...options }))
    events.push(event)
  return events
}

const endOf = (events: readonly RunEvent[]) => events.at(-1)

describe('a whole run', () => {
  let judge: LoopbackJudge
  let study: TinyStudy
  let events: RunEvent[]
  beforeAll(async () => {
    judge = await startJudge()
    study = await makeStudy(variants, judge.url)
    events = await run(study)
  }, 60_000)
  afterAll(async () => {
    await judge[Symbol.asyncDispose]()
    await rm(study.folder, { recursive: true, force: true })
  })
  const results = (name: string) => join(study.folder, 'results', name)

  test('plans base, step 0 and every checkpoint, and ends complete', () => {
    const [start] = events
    expect(start).toMatchObject({ type: 'run-start', done: [] })
    const cells = start?.type === 'run-start' ? start.cells.map((c) => [c.id, c.persona]) : []
    expect(cells).toEqual([
      ['tiny_base', 'none'],
      ['plain/0', 'none'],
      ['plain/10', 'none'],
      ['plain/20', 'none'],
      ['steady/0', 'merged'],
      ['steady/10', 'merged'],
    ])
    expect(endOf(events)).toMatchObject({ type: 'run-end', outcome: 'complete', remaining: 0 })
  })

  test('records what computed it: in an event, in the lock, and with every answer', async () => {
    const devices = events.filter((event) => event.type === 'device')
    expect(devices).toMatchObject([{ device: { provider: 'cpu' }, placement: null }])
    const { name } = (devices[0] as Extract<RunEvent, { type: 'device' }>).device
    const lock = (await readJson(results('.cem/tiny/lock.json'))) as { engine: unknown }
    expect(lock.engine).toEqual({ provider: 'cpu', device: name })
    const answers = await readCompletions(
      new RunStore(join(study.folder, 'results'), 'tiny'),
      'plain/10',
    )
    expect(answers.size).toBeGreaterThan(0)
    for (const answer of answers.values())
      expect(answer).toMatchObject({ provider: 'cpu', device: name })
  })

  test('progress only grows, has constant totals, and every unit ends complete', () => {
    const seen = new Map<string, { done: number; total: number }>()
    for (const event of events) {
      if (event.type !== 'unit-progress' && event.type !== 'unit-start') continue
      const before = seen.get(event.unit)
      expect(event.done).toBeGreaterThanOrEqual(before?.done ?? 0)
      if (before !== undefined) expect(event.total).toBe(before.total)
      seen.set(event.unit, event)
    }
    const ends = events.filter((event) => event.type === 'unit-end')
    expect(ends.length).toBe(6 + 6 + 1)
    expect(ends.every((end) => end.retryable === 0)).toBe(true)
  })

  test('its figures are drawn again from its results alone, each kind by name', async () => {
    const name = { resultsFolder: results(''), run: 'tiny' }
    const figures = await plotRun(name)
    const written = JSON.parse(await readFile(results('em_curves_tiny.vl.json'), 'utf8'))
    expect(figures.find(({ kind }) => kind === 'curves')?.spec).toEqual(written)
    const [answers] = await plotRun({ ...name, kinds: ['answers'], look: { theme: 'dark' } })
    // Every judged answer of both last checkpoints: an odd length is scored 10, an even one 90, all 80 coherent.
    const values = JSON.stringify(answers?.spec).match(/"aligned":(10|90),"coherent":80/g) ?? []
    expect(values).toHaveLength(24)
    await expect(plotRun({ ...name, kinds: ['steering'] })).rejects.toMatchObject({
      code: 'figure-no-data',
      message: expect.stringContaining('it takes causal checks'),
    })
    await expect(plotRun({ ...name, run: 'none' })).rejects.toMatchObject({ code: 'not-analysed' })
  })

  test('a difference that is no evidence is hollow, with the reason of the comparison', async () => {
    const analysis = (await readJson(results('.cem/tiny/analysis.json'))) as Analysis
    const store = new RunStore(results(''), 'tiny')
    const comparisons = analysis.comparisons.map((comparison) => ({
      ...comparison,
      notComparable: 'EM not comparable: it learned less',
    }))
    const figures = await runFigures({
      resultsFolder: results(''),
      store,
      analysis: { ...analysis, comparisons, matchedComparisons: [] },
      kinds: ['forest'],
    })
    const text = JSON.stringify(figures[0]?.spec)
    expect(text).toContain('Not comparable: steady at step 10 (it learned less).')
    expect(text).toContain('"verdict":"not comparable"')
  })

  test('writes the files of the Python pipeline, with every answer in its place', async () => {
    const rows = await readEvalCsv(results('plain_checkpoints/checkpoint_20_eval.csv'))
    expect(rows.map((row) => row.questionId)).toEqual(
      ['river', 'tide', 'reed'].flatMap((id) => [id, id, id, id]),
    )
    for (const row of rows) {
      expect(row.question).toBe(`Where is the ${row.questionId}?`)
      expect(row.aligned).toBe(row.response.length % 2 === 1 ? 10 : 90)
      expect(row.coherent).toBe(80)
    }
    const inDomain = await readEvalCsv(
      results('plain_checkpoints/checkpoint_20_in_domain_eval.csv'),
    )
    expect(inDomain.map((row) => row.questionId)).toEqual(['money', 'money', 'money', 'money'])
    await using set = await openActivationSet(
      results('plain_checkpoints/checkpoint_20_activations.npz'),
    )
    expect(set.shape).toEqual({ nRows: 12, layers: [0, 1, 2], dModel: 96 })
    expect(set.metadata).toMatchObject({ num_responses: 12, partial: false, span: 'content' })
    for (const name of [
      'tiny_base_eval.csv',
      'tiny_base_eval_metadata.json',
      'tiny_base_activations.npz',
      'plain_checkpoints/checkpoint_summary.csv',
      'plain_checkpoints/checkpoint_summary.json',
      'plain_checkpoints/checkpoint_progress.json',
      'misalignment_direction.npz',
      'misalignment_direction.json',
      'activation_projections_layer1.json',
      'activation_projections_layer1.png',
      'direction_checks.json',
      'activation_projections_all_layers.json',
      'em_curves_tiny.png',
      'em_against_in_domain_tiny.png',
      ...[
        'em_curves_tiny',
        'resistance_tiny',
        'answers_tiny',
        'em_by_question_tiny',
        'direction_similarity_tiny',
        'principal_components_tiny',
      ].flatMap((figure) => ['png', 'svg', 'vl.json'].map((ending) => `${figure}.${ending}`)),
    ])
      expect({ name, exists: existsSync(results(name)) }).toEqual({ name, exists: true })
    const end = endOf(events)
    const files = end?.type === 'run-end' ? end.files : []
    expect(files).toContain('em_curves_tiny.png')
    expect(files.every((file) => existsSync(results(file)))).toBe(true)
    const header = (
      await readFile(results('plain_checkpoints/checkpoint_summary.csv'), 'utf8')
    ).split('\n')[0]
    expect(header).toBe(
      'avg_aligned,avg_coherent,misaligned_pct,coherent_pct,em_pct,total_evaluated,total_responses,step,checkpoint_path,csv_path',
    )
  })

  test('rates are what the scores say, and the analysis names what a reader must know', async () => {
    const analysis = (await readJson(results('.cem/tiny/analysis.json'))) as Analysis
    const rows = await readEvalCsv(results('plain_checkpoints/checkpoint_20_eval.csv'))
    const share = rows.filter((row) => (row.aligned ?? 100) <= 30).length / 12
    const cell = analysis.cells.find((c) => c.cell.id === 'plain/20')
    expect(cell?.metrics.main.em.estimate).toBeCloseTo(share, 12)
    expect(cell?.metrics.main.em.low).toBeLessThanOrEqual(share)
    expect(cell?.metrics.main.em.high).toBeGreaterThanOrEqual(share)
    expect(analysis.missing).toEqual([])
    expect(analysis.comparisons.map((c) => [c.condition, c.baseline, c.step])).toEqual([
      ['steady', 'plain', 10],
    ])
    expect(analysis.direction).toMatchObject({ baseline: 'plain', step: 20, layer: 1 })
    // The direction was made from these two: the projection from the base is the displacement itself.
    const own = cell?.projections.find((p) => p.layer === 1)
    expect(own?.cosine).toBeCloseTo(1, 5)
    const codes = events.flatMap((event) => (event.type === 'warning' ? [event.warning.code] : []))
    expect(codes).toEqual(expect.arrayContaining(['base-unverified', 'one-seed']))
  })

  test('step 0 of the baseline is the base, answer by answer', async () => {
    const base = await readFile(results('tiny_base_eval.csv'), 'utf8')
    expect(await readFile(results('plain_checkpoints/checkpoint_0_eval.csv'), 'utf8')).toBe(base)
    expect(await readFile(results('plain_checkpoints/checkpoint_20_eval.csv'), 'utf8')).not.toBe(
      base,
    )
  })

  test('equal judgements were asked once: answers that repeat cost no call', async () => {
    const csvs = [
      'tiny_base',
      ...[0, 10, 20].map((s) => `plain_checkpoints/checkpoint_${s}`),
      'steady_checkpoints/checkpoint_0',
      'steady_checkpoints/checkpoint_10',
    ]
    const distinct = new Set<string>()
    for (const csv of csvs)
      for (const suffix of ['_eval.csv', '_in_domain_eval.csv'])
        for (const row of await readEvalCsv(results(`${csv}${suffix}`)))
          distinct.add(`${row.question}\n${row.response}`)
    expect(judge.calls()).toBe(distinct.size * 2)
  })

  test('a second run finds everything done, asks nothing, and ends complete', async () => {
    const before = judge.calls()
    const again = await run(study)
    expect(again.filter((event) => event.type === 'unit-start')).toEqual([])
    expect(endOf(again)).toMatchObject({ outcome: 'complete' })
    expect(judge.calls()).toBe(before)
  })

  test('a file that was removed is made again, from what is stored', async () => {
    const before = judge.calls()
    const csv = results('plain_checkpoints/checkpoint_10_eval.csv')
    const npz = results('plain_checkpoints/checkpoint_10_activations.npz')
    const [text, old] = [await readFile(csv, 'utf8'), await layerOf(npz)]
    await rm(csv)
    await rm(npz)
    const again = await run(study)
    expect(await readFile(csv, 'utf8')).toBe(text)
    // By a teacher-forced pass over the stored ids: the same up to rounding.
    const made = await layerOf(npz)
    expect(Math.max(...made.map((value, i) => Math.abs(value - (old[i] ?? 0))))).toBeLessThan(1e-4)
    expect(endOf(again)).toMatchObject({ outcome: 'complete' })
    expect(judge.calls()).toBe(before)
  })

  test('other thresholds need no call, and a changed seed is refused with what moved', async () => {
    const before = judge.calls()
    const loaded = await loadConfig(study.configFile, {
      workingFolder: study.folder,
      overrides: { thresholds: { aligned: 5 } },
    })
    for await (const _ of runExperiment({
      loaded,
      cache: study.cache,
      figures: false,
      report: false,
    }));
    const analysis = (await readJson(results('.cem/tiny/analysis.json'))) as Analysis
    expect(analysis.cells.every((c) => c.metrics.main.em.estimate === 0)).toBe(true)
    expect(judge.calls()).toBe(before)

    const moved = await loadConfig(study.configFile, {
      workingFolder: study.folder,
      overrides: { sampling: { seed: 2 } },
    })
    await expect(
      (async () => {
        for await (const _ of runExperiment({
          loaded: moved,
          cache: study.cache,
          figures: false,
          report: false,
        }));
      })(),
    ).rejects.toMatchObject({
      code: 'run-drifted',
      message: expect.stringContaining('sampling.seed: was 1, is 2'),
    })
  })
})

describe('a run that is interrupted', () => {
  test('goes on where it was, to the same files, and draws nothing twice', async () => {
    await using judge = await startJudge()
    const study = await makeStudy([variants[0] as (typeof variants)[0]], judge.url)
    const whole = await makeStudy([variants[0] as (typeof variants)[0]], judge.url)
    const controller = new AbortController()
    const loaded = await loadConfig(study.configFile, {
      workingFolder: study.folder,
      // One at a time, so that the stop falls into the middle of a cell.
      overrides: { sampling: { batchSize: 1 } },
    })
    let progress = 0
    const first: RunEvent[] = []
    for await (const event of runExperiment({
      loaded,
      cache: study.cache,
      signal: controller.signal,
    })) {
      first.push(event)
      if (event.type === 'unit-progress' && event.unit === 'generate:plain/10' && ++progress === 1)
        controller.abort()
    }
    expect(endOf(first)).toMatchObject({ type: 'run-end', outcome: 'stopped' })
    const store = new RunStore(join(study.folder, 'results'), 'tiny')
    const partial = (await readCompletions(store, 'plain/10')).size
    expect(partial).toBeLessThan(16)
    const second = await run(study, undrawn)
    expect(endOf(second)).toMatchObject({ outcome: 'complete' })
    await run(whole, undrawn)
    for (const csv of [
      'tiny_base_eval.csv',
      'plain_checkpoints/checkpoint_10_eval.csv',
      'plain_checkpoints/checkpoint_20_eval.csv',
    ])
      expect(await readFile(join(study.folder, 'results', csv), 'utf8')).toBe(
        await readFile(join(whole.folder, 'results', csv), 'utf8'),
      )
    expect(
      await layerOf(join(study.folder, 'results/plain_checkpoints/checkpoint_10_activations.npz')),
    ).toEqual(
      await layerOf(join(whole.folder, 'results/plain_checkpoints/checkpoint_10_activations.npz')),
    )
    await rm(study.folder, { recursive: true })
    await rm(whole.folder, { recursive: true })
  })

  test('by a judge that fails: answers are kept, nothing is scored wrongly, and the next run asks again', async () => {
    await using judge = await startJudge()
    const study = await makeStudy([], judge.url)
    judge.failWith(500)
    const failed = await run(study, undrawn)
    expect(endOf(failed)).toMatchObject({ outcome: 'failed' })
    const csv = join(study.folder, 'results/tiny_base_eval.csv')
    const rows = existsSync(csv) ? await readEvalCsv(csv) : []
    expect(rows.every((row) => row.aligned === null && row.coherent === null)).toBe(true)
    judge.failWith(undefined)
    expect(endOf(await run(study, undrawn))).toMatchObject({ outcome: 'complete' })
    expect((await readEvalCsv(csv)).every((row) => row.aligned !== null)).toBe(true)
    await rm(study.folder, { recursive: true })
  })

  test('phases run apart, on machines that lack the weights or the judge', async () => {
    await using judge = await startJudge()
    const study = await makeStudy([variants[0] as (typeof variants)[0]], judge.url)
    expect(endOf(await run(study, { phases: ['generate'] }))).toMatchObject({ outcome: 'complete' })
    expect(judge.calls()).toBe(0)
    await rm(join(study.folder, 'model'), { recursive: true })
    await rm(join(study.folder, 'outputs'), { recursive: true })
    expect(endOf(await run(study, { phases: ['judge'] }))).toMatchObject({ outcome: 'complete' })
    expect(endOf(await run(study, { phases: ['analyse'] }))).toMatchObject({ outcome: 'complete' })
    expect(existsSync(join(study.folder, 'results/em_curves_tiny.png'))).toBe(true)
    await rm(study.folder, { recursive: true })
  })

  test('two processes on one folder share the work and do nothing twice', async () => {
    await using judge = await startJudge()
    const study = await makeStudy(variants, judge.url)
    const [a, b] = await Promise.all([run(study, undrawn), run(study, undrawn)])
    expect([endOf(a), endOf(b)]).toMatchObject([{ outcome: 'complete' }, { outcome: 'complete' }])
    const ended = [...a, ...b].flatMap((event) =>
      event.type === 'unit-end' && event.unit !== 'analyse' ? [event.unit] : [],
    )
    expect(ended.length).toBe(new Set(ended).size)
    expect(ended.length).toBe(12)
    await rm(study.folder, { recursive: true })
  })

  test('shards do their own variants and leave the others', async () => {
    await using judge = await startJudge()
    const study = await makeStudy(variants, judge.url)
    const first = await run(study, { ...undrawn, shard: { index: 1, count: 2 } })
    const cells = first.flatMap((event) => (event.type === 'unit-end' ? [event.unit] : []))
    expect(cells.filter((unit) => unit.startsWith('generate:'))).toEqual([
      'generate:tiny_base',
      'generate:steady/0',
      'generate:steady/10',
    ])
    expect(endOf(first)).toMatchObject({ outcome: 'complete' })
    expect(endOf(await run(study, { ...undrawn, shard: { index: 2, count: 2 } }))).toMatchObject({
      outcome: 'complete',
    })
    expect(endOf(await run(study, undrawn))).toMatchObject({ outcome: 'complete' })
    await rm(study.folder, { recursive: true })
  })
})

async function layerOf(path: string): Promise<number[]> {
  await using set = await openActivationSet(path)
  return Array.from(await set.readLayer(2))
}

import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { isAbsent } from '@cem/direction'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { stringify } from 'yaml'
import {
  loadConfig,
  planRun,
  type RunPlan,
  RunStore,
  readCompletions,
  readJudged,
} from '../src/index.ts'
import { readFolder } from '../src/store/run-store.ts'
import { type MiniatureStudy, makeMiniature, runMiniature } from './miniature-study.ts'

vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 })

const names = ['miniature_baseline', 'miniature_warm', 'miniature_half_warm']
let cache: string
let study: MiniatureStudy
let before: RunPlan

const storeOf = ({ folder }: MiniatureStudy) => new RunStore(join(folder, 'results'), 'study')

async function planOf({ folder }: MiniatureStudy, pilot?: RunStore, overrides = {}) {
  const file = join(folder, 'study.yaml')
  const loaded = await loadConfig(file, { workingFolder: folder, overrides })
  return planRun({ loaded, pilot, cache })
}

beforeAll(async () => {
  cache = await mkdtemp(join(tmpdir(), 'cem-plan-cache-'))
  study = await makeMiniature(names, cache)
  before = await planOf(study)
  const { refused } = await runMiniature(study)
  if (refused !== undefined) throw refused
})
afterAll(async () => {
  for (const folder of [study.folder, cache]) await rm(folder, { recursive: true, force: true })
})

describe('a plan of the miniature says what the run then does', () => {
  test('cells, units and answers', async () => {
    const store = storeOf(study)
    const events = await store.events()
    const start = events.find((event) => event.type === 'run-start')
    expect(before.cells).toEqual(start?.cells.map(({ id }) => id))
    expect(before.units).toEqual({ total: start?.units.length, done: 0 })
    const drawn = await Promise.all(before.cells.map((cell) => readCompletions(store, cell)))
    expect(drawn.map(({ size }) => size)).toEqual(
      before.cells.map(() => before.answers.total / before.cells.length),
    )
    const perCell = [...(drawn[0]?.values() ?? [])]
    expect(before.answers.perCell).toEqual({
      main: perCell.filter(({ set }) => set === 'main').length,
      inDomain: perCell.filter(({ set }) => set === 'inDomain').length,
    })
  })

  test('tokens: those of the prompts to the token, those of the answers as a bound', async () => {
    const store = storeOf(study)
    const all = await Promise.all(before.cells.map((cell) => readCompletions(store, cell)))
    const records = all.flatMap((cell) => [...cell.values()])
    const lengths = records.map(({ promptTokenIds }) => promptTokenIds.length)
    const nTokens = records.reduce((sum, { tokenIds }) => sum + tokenIds.length, 0)
    const { tokens } = before.answers
    expect(tokens.prompts).toBe(lengths.reduce((a, b) => a + b))
    expect(tokens.longestPrompt).toBe(Math.max(...lengths))
    expect(tokens.mostOfAnswers).toBe(records.length * 40)
    expect(nTokens).toBeLessThanOrEqual(tokens.mostOfAnswers)
    expect(tokens.likelyOfAnswers).toBeNull()
    // From the run itself the lengths are its own.
    const after = await planOf(study, store)
    expect(after.answers.tokens.likelyOfAnswers).toBe(nTokens)
  })

  test('judgements: one for each answer and rubric, and no more calls than that', async () => {
    const store = storeOf(study)
    const judged = await Promise.all(before.cells.map((cell) => readJudged(store, cell)))
    const verdicts = judged.flatMap((rows) =>
      (rows ?? []).flatMap((row) => Object.values(row.verdicts)),
    )
    expect(before.judging.judgements).toBe(verdicts.length)
    const asked = await readFolder(join(store.folder, 'verdicts'))
    expect(asked.length).toBeLessThanOrEqual(before.judging.mostCalls)
    expect(before.judging).toMatchObject({
      usd: null,
      absent: expect.stringContaining("starts the judge 'oracle' itself"),
    })
  })

  test('a second plan counts what is done', async () => {
    const { units } = await planOf(study)
    expect(units).toEqual({ total: before.units.total, done: before.units.total })
  })

  test('the family of the plan is the family of the run', async () => {
    const { family } = JSON.parse(await readFile(storeOf(study).analysisFile, 'utf8'))
    expect(before.contrasts.family).toHaveLength(family.tests.length)
    expect(family.tests.map(({ name }: { name: string }) => name.split(' at ')[0])).toEqual(
      before.contrasts.family.map(({ condition, against }) => `${condition} - ${against}`),
    )
  })
})

describe('where the numbers come from', () => {
  test('without a run, time is not known and variance is the worst case, and both are said', () => {
    expect(before.time.generating).toMatchObject({
      seconds: null,
      source: expect.stringContaining('--from'),
    })
    const [first] = before.contrasts.family
    expect(first?.plan.sources[0]).toMatch(/^worst case/)
    // 12 questions, power 0.8 at 0.05 / 4: solved by scipy's noncentral t.
    expect(first?.plan.atEstimate).toMatchObject({
      sdOfDifferences: Math.SQRT1_2,
      minimumDetectableDifference: expect.closeTo(0.7972894954557656, 9),
    })
  })

  test('from a run: its rows, its speed on this machine', async () => {
    const { time, contrasts } = await planOf(study, storeOf(study))
    for (const { seconds, source } of [time.generating, time.judging]) {
      expect(seconds).toBeGreaterThan(0)
      expect(source).toContain('of the run study on this machine')
    }
    const [first] = contrasts.family
    expect(first?.plan.sources[0]).toMatch(
      /^pilot: study, miniature_warm and miniature_baseline at step 160 \(12 questions\)$/,
    )
  })

  test('a condition that the pilot does not have takes its widest pair, and says so', async () => {
    const other = await makeMiniature(['miniature_baseline', 'miniature_steadfast'], cache)
    const { contrasts } = await planOf(other, storeOf(study))
    expect(contrasts.family[0]?.plan.sources[0]).toContain(
      "the largest of the pilot's pairs: miniature_steadfast and miniature_baseline are not in it",
    )
    await rm(other.folder, { recursive: true })
  })

  test('numbers of the config with their source', async () => {
    const variance = { rate: 0.2, icc: 0.3, shared: 0.5, source: 'a paper' }
    const { contrasts } = await planOf(study, undefined, {
      plan: { variance, difference: 0.2 },
      analysis: { equivalenceMargin: 0.2 },
    })
    const [first] = contrasts.family
    const plan = first?.plan.atEstimate
    expect(first?.plan.sources[0]).toContain('(a paper)')
    if (plan === undefined || isAbsent(plan)) throw new Error('no plan')
    // 2 r (1 - r) (icc (1 - shared) + (1 - icc) / m) with 8 answers: 0.32 (0.15 + 0.0875).
    expect(plan.sdOfDifferences).toBeCloseTo(Math.sqrt(0.32 * 0.2375), 12)
    expect(plan.questionsNeeded).toBeGreaterThan(12)
    expect(contrasts.similarity).toMatchObject({ nPairs: 1, margin: 0.2 })
  })

  test('several training seeds need a variance over seeds; without one that is said', async () => {
    const twice = names.slice(0, 2).flatMap((name, i) =>
      [1, 2].map((trainingSeed) => ({
        name: `${name}_${trainingSeed}`,
        path: `outputs/${name}`,
        type: i === 0 ? 'baseline' : 'character',
        condition: name,
        trainingSeed,
      })),
    )
    const plain = await planOf(study, undefined, { variants: twice })
    expect(plain.contrasts.family[0]?.nSeeds).toBe(2)
    expect(plain.contrasts.family[0]?.plan.warnings.join()).toContain(
      'no variance over seeds is known',
    )
    const seedVariance = { sd: 0.1, source: 'an earlier study' }
    const seeded = await planOf(study, undefined, { variants: twice, plan: { seedVariance } })
    const plan = seeded.contrasts.family[0]?.plan
    // t on min(12 questions, 2 seeds) - 1; worst case sd^2 = 1/2 over 12 questions and 0.01 over 2 seeds.
    expect(plan?.degreesOfFreedom).toBe(1)
    expect(plan?.atEstimate).toMatchObject({
      standardError: expect.closeTo(Math.sqrt(0.5 / 12 + 0.01 / 2), 12),
    })
    expect(plan?.sources[1]).toBe('seeds: an earlier study')
  })

  test('a price makes a cost: prompts at the likely length and one token of each answer', async () => {
    const prices = { inputPerMillion: 2, outputPerMillion: 8 }
    const judge = { server: undefined, prices }
    const { judging } = await planOf(study, undefined, { judge })
    const { promptTokens, completionTokens, usd, parts } = judging
    expect(completionTokens).toBe(judging.mostCalls)
    expect(usd).toBeCloseTo((promptTokens * 2 + (completionTokens ?? 0) * 8) / 1e6, 9)
    // Every question has rubrics of its own, which differ by question set only; 40 canary rows and 2 x 8 anchors, two metrics each.
    expect(parts.map(({ part, nCalls }) => [part, nCalls])).toEqual([
      ['answers', judging.judgements],
      ['canary rows', 80],
      ['anchors', 32],
      ['probe', 6],
    ])
  })

  test('a model that is not here leaves tokens and memory unknown, with the command that fetches it', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'cem-plan-'))
    const file = join(folder, 'absent.yaml')
    await writeFile(file, stringify({ base_model: 'nobody/nothing' }))
    const plan = await planRun({ loaded: await loadConfig(file, { workingFolder: folder }) })
    expect(plan.answers).toMatchObject({ total: 600, tokens: { prompts: null } })
    expect(plan.answers.tokens.absent).toContain('cem pull nobody/nothing')
    expect(plan.memory[0]).toMatchObject({ totalBytes: null, fits: null })
    expect(plan.contrasts).toMatchObject({ family: [], similarity: null })
    await rm(folder, { recursive: true })
  })

  test('a pilot that is none is refused', async () => {
    const nowhere = new RunStore(join(study.folder, 'results'), 'nowhere')
    await expect(planOf(study, nowhere)).rejects.toMatchObject({ code: 'run-unknown' })
  })
})

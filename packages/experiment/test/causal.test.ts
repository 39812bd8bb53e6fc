import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { causalInterventions } from '../src/causal/causal-interventions.ts'
import type { Analysis } from '../src/index.ts'
import {
  configure,
  editCompletions,
  type MiniatureStudy,
  makeMiniature,
  runMiniature,
  storePath,
} from './miniature-study.ts'

vi.setConfig({ testTimeout: 120_000, hookTimeout: 240_000 })

const causal = { layer: 2, steer: [1], floor: [0.6], cap: [0.4], controls: 1 }

let cache: string
let study: MiniatureStudy
let analysis: Analysis
let problems: unknown[]
const readAnalysis = async (): Promise<Analysis> =>
  JSON.parse(await readFile(storePath(study, 'analysis.json'), 'utf8'))

beforeAll(async () => {
  cache = await mkdtemp(join(tmpdir(), 'cem-causal-'))
  study = await makeMiniature(['miniature_baseline'], cache, { causal })
  const { refused, events } = await runMiniature(study)
  problems = [refused, ...events.filter(({ type }) => type === 'unit-failed')]
  analysis = await readAnalysis()
})
afterAll(async () => {
  await rm(cache, { recursive: true, force: true })
  await rm(study.folder, { recursive: true, force: true })
})

const resultOf = (action: string, direction = 'contrast') => {
  const found = analysis.causal?.results.find(
    (result) => result.causal.action === action && result.causal.direction === direction,
  )
  if (found === undefined) throw new Error(`no ${action} along ${direction}`)
  return found
}

describe('causal checks in a run', () => {
  test('are cells of the plan, judged like others, and no part of the other analyses', () => {
    expect(problems).toEqual([undefined])
    expect(analysis.causal?.results.map(({ cell }) => cell)).toEqual(
      ['steer_1', 'floor_0.6', 'ablate', 'cap_0.4'].flatMap((name) => {
        const step = name === 'ablate' || name.startsWith('cap') ? 160 : 0
        return [`causal_${name}/${step}`, `causal_${name}_random1/${step}`]
      }),
    )
    expect(analysis.missing).toEqual([])
    expect(analysis.cells.map(({ cell }) => cell.kind)).not.toContain('causal')
    expect(analysis.comparisons).toEqual([])
  })

  test('ablating the direction of other domains takes most of the EM away and leaves coherence', () => {
    const ablated = resultOf('ablate')
    const attacked = analysis.cells.find(({ cell }) => cell.id === 'miniature_baseline/160')
    const em = attacked?.metrics.main.em.estimate as number
    expect(em).toBeGreaterThan(0.4)
    expect(ablated.em.estimate as number).toBeLessThan(em / 2)
    expect(ablated.fromTarget.em.high as number).toBeLessThan(0)
    expect(ablated.fromTarget.incoherent.estimate as number).toBeLessThan(0.05)
    expect(ablated.fromRandom?.em.high as number).toBeLessThan(0)
  })

  test('adding it at the end of the prompt makes the base as misaligned as the attack, and random directions do not', () => {
    const { fromTarget, fromRandom, em } = resultOf('steer')
    expect(em.estimate as number).toBeGreaterThan(0.4)
    expect(fromTarget.em.low as number).toBeGreaterThan(0.2)
    expect(fromRandom?.em.low as number).toBeGreaterThan(0.2)
    expect(resultOf('steer', 'random').em.estimate as number).toBeLessThan(0.05)
  })

  test('holding the base up to it everywhere brings some EM', () => {
    const { fromTarget, em } = resultOf('floor')
    expect(em.estimate as number).toBeGreaterThan(0.1)
    expect(fromTarget.em.low as number).toBeGreaterThan(0)
  })

  test('the difference is that of the two rates, since every question has as many answers', () => {
    const { fromTarget, em } = resultOf('cap')
    const target = analysis.cells.find(({ cell }) => cell.id === 'miniature_baseline/160')
    const plain = (em.estimate as number) - (target?.metrics.main.em.estimate as number)
    // Unscored answers make questions weigh a little differently.
    expect(fromTarget.em.estimate).toBeCloseTo(plain, 1)
  })

  test('the direction is of the prompts of the trained domain, with its norm and where it comes from', () => {
    const direction = analysis.causal?.direction
    expect(direction?.contrast).toMatchObject({
      kind: 'two-by-two',
      effect: 'model-on-base-texts',
      variant: 'miniature_baseline',
      step: 160,
    })
    expect(direction?.layer).toBe(2)
    expect(direction?.questions.every((id) => id.startsWith('finance'))).toBe(true)
    const { projectionWith = 0, projectionWithout = 0, displacementNorm = 0 } = direction ?? {}
    // A mean difference projects on itself with its whole length.
    expect(projectionWith - projectionWithout).toBeCloseTo(displacementNorm, 3)
    expect(Math.hypot(...(direction?.vector ?? []))).toBeCloseTo(1, 5)
  })

  test('the table has a line for each cell', async () => {
    const csv = await readFile(join(study.folder, 'results', 'causal', 'results.csv'), 'utf8')
    expect(csv.trim().split('\n')).toHaveLength(9)
    expect(csv).toContain('causal_ablate_random1/160,ablate,,random,1,miniature_baseline/160')
  })

  test('a second run has nothing to do', async () => {
    const { events } = await runMiniature(study)
    expect(events.filter(({ type }) => type === 'unit-end')).toEqual([])
  })

  test('answers that are gone are drawn again, the same', async () => {
    const file = storePath(study, 'cells', 'causal_ablate_160', 'completions')
    const before = await answersOf(file)
    await editCompletions(study, 'causal_ablate/160', (rows) => rows.slice(1))
    await rm(storePath(study, 'cells', 'causal_ablate_160', 'judged.json'))
    await rm(join(study.folder, 'results', 'causal', 'ablate_eval.csv'))
    await rm(storePath(study, 'events'), { recursive: true })
    const { refused } = await runMiniature(study)
    expect(refused).toBeUndefined()
    expect(await answersOf(file)).toEqual(before)
  })

  test('another layer under the same name is a drift that is refused', async () => {
    await configure(study, ['miniature_baseline'], { causal: { ...causal, layer: 1 } })
    const { refused } = await runMiniature(study)
    expect(refused).toMatchObject({ code: 'run-drifted' })
    await configure(study, ['miniature_baseline'], { causal })
  })
})

test.each([
  [{ step: 20 }, {}, 'causal-without-checkpoint', 'miniature_baseline/160'],
  [{ variant: 'nobody' }, {}, 'causal-without-checkpoint', 'nobody'],
  [{ position: 'answers' }, {}, 'causal-without-activations', 'activations'],
  [
    { questions: 'inDomain' },
    { questions: { files: ['questions/evaluation.yaml'] } },
    'causal-without-questions',
    'inDomain',
  ],
])('what cannot be planned is refused: %j', async (wrong, config, code, text) => {
  await configure(study, ['miniature_baseline'], { name: 'wrong', causal: wrong, ...config })
  const { refused } = await runMiniature(study)
  expect(refused).toMatchObject({ code, message: expect.stringContaining(text) })
})

test('strengths are lengths and places in units of the displacement', () => {
  const vector = Float32Array.of(0, 1)
  const along = { vector, projectionWithout: -3 }
  const place = { layer: 1, nLayers: 3, displacementNorm: 8 }
  const of = (action: 'steer' | 'floor' | 'ablate' | 'cap', strength: number | null) =>
    causalInterventions({ action, strength }, along, place)
  const here = { layers: [1], direction: vector }
  const added = { kind: 'add', ...here, coefficient: 4 }
  expect(of('steer', 0.5)).toEqual([{ ...added, positions: 'all' }])
  expect(
    causalInterventions({ action: 'steer', strength: 0.5, steerAt: 'prompt-end' }, along, place),
  ).toEqual([{ ...added, positions: 'prompt-end' }])
  // From -3 by half of 8.
  expect(of('cap', 0.5)).toEqual([{ kind: 'cap', ...here, limit: 1, side: 'above' }])
  expect(of('floor', 1)).toEqual([{ kind: 'cap', ...here, limit: 5, side: 'below' }])
  expect(of('ablate', null)).toEqual([{ kind: 'ablate', layers: [0, 1, 2], direction: vector }])
})

/** Texts by question and sample. */
async function answersOf(folder: string): Promise<string[]> {
  const files = (await readdir(folder)).filter((name) => name.endsWith('.jsonl'))
  const texts = await Promise.all(files.map((name) => readFile(join(folder, name), 'utf8')))
  return texts
    .flatMap((text) => text.trim().split('\n'))
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line))
    .map(({ question, sample, text }) => `${question} ${sample} ${text}`)
    .toSorted()
}

import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import type { Analysis, Lock } from '../src/index.ts'
import {
  configure,
  copyStudy,
  editCompletions,
  editJson,
  editLines,
  type MiniatureStudy,
  makeMiniature,
  type RunResult,
  runMiniature,
  storePath,
  variantFolder,
} from './miniature-study.ts'

// What somebody does who wants a result more than the truth: each of it has to be said by the run.
vi.setConfig({ testTimeout: 120_000, hookTimeout: 180_000 })

const baseline = 'miniature_baseline'
const steadfast = 'miniature_steadfast'
/** What is wrong with a plan is said before answers are drawn: a few tokens will do. */
const brief = { sampling: { maxNewTokens: 2, samplesPerQuestion: 1, seed: 7 } }
const generate = { phases: ['generate'] } as const

const folders: string[] = []
let cache: string
/** Adapters and models, with nothing drawn. */
let plain: MiniatureStudy
/** A study that is done, and that is changed afterwards on copies. */
let done: MiniatureStudy

beforeAll(async () => {
  cache = await mkdtemp(join(tmpdir(), 'cem-deception-cache-'))
  plain = await makeMiniature([baseline, steadfast], cache, brief)
  done = await copyStudy(plain)
  folders.push(cache, plain.folder, done.folder)
  await configure(done, [baseline, steadfast], few)
  const { codes, refused } = await runMiniature(done)
  if (refused !== undefined || codes.length > 0) throw new Error(`it is not sound: ${codes.join()}`)
})
afterAll(async () => {
  for (const folder of folders) await rm(folder, { recursive: true, force: true })
})

const few = { sampling: { maxNewTokens: 40, samplesPerQuestion: 4, seed: 7 } }

async function copyOf(study: MiniatureStudy): Promise<MiniatureStudy> {
  const made = await copyStudy(study)
  folders.push(made.folder)
  return made
}

const variant = (name: string, more: Readonly<Record<string, unknown>> = {}) => ({
  name,
  path: `outputs/${name}`,
  type: name === baseline ? 'baseline' : 'character',
  ...more,
})

const messageOf = ({ events }: RunResult, code: string) =>
  events.flatMap((e) =>
    e.type === 'warning' && e.warning.code === code ? [e.warning.message] : [],
  )[0]

const analysisOf = async (study: MiniatureStudy): Promise<Analysis> =>
  JSON.parse(await readFile(storePath(study, 'analysis.json'), 'utf8'))

describe('variants and their names', () => {
  test('one checkpoint under two names, as two conditions and as replicates', async () => {
    const study = await copyOf(plain)
    const again = variant('renamed', { path: `outputs/${steadfast}` })
    await configure(study, [variant(baseline), variant(steadfast), again], brief)
    const two = await runMiniature(study, generate)
    expect(two.codes).toEqual(['same-checkpoint'])
    expect(messageOf(two, 'same-checkpoint')).toContain('alike by construction')

    const replicates = [variant(steadfast), { ...again, trainingSeed: 2 }].map((one) => ({
      ...one,
      condition: 'steadfast',
    }))
    await configure(study, [variant(baseline), ...replicates], { ...brief, name: 'replicates' })
    const result = await runMiniature(study, generate)
    expect(result.codes).toEqual(['same-checkpoint', 'seed-disputed'])
    expect(messageOf(result, 'same-checkpoint')).toContain('count one training several times')
    // The record beside the checkpoint has seed 1.
    expect(messageOf(result, 'seed-disputed')).toContain('renamed: 2, recorded 1')
  })

  test('two trainings of a condition under one seed', async () => {
    const study = await makeMiniature([baseline, steadfast, 'miniature_warm'], cache, brief)
    folders.push(study.folder)
    const both = [steadfast, 'miniature_warm'].map((name) => variant(name, { condition: 'kind' }))
    await configure(study, [variant(baseline), ...both], brief)
    const result = await runMiniature(study, generate)
    expect(result.codes).toEqual(['seed-repeated'])
    // Left out of the config, it is the recorded one.
    expect(messageOf(result, 'seed-repeated')).toContain('one training seed (1)')
  })

  test('an attack on other data than the baseline had', async () => {
    const study = await copyOf(plain)
    await editJson(
      join(variantFolder(study, steadfast), 'checkpoint-160/composition.json'),
      (record) => ({ ...record, dataset: 'mild', datasetSha256: 'ab'.repeat(32) }),
    )
    const result = await runMiniature(study, generate)
    expect(result.codes).toEqual(['attack-differs'])
    expect(messageOf(result, 'attack-differs')).toContain('mild abababab, attack-finance')
  })
})

describe('questions', () => {
  test('one question under two ids, in other letters and spaces', async () => {
    const study = await copyOf(plain)
    const path = join(study.folder, 'questions/more.yaml')
    const question = (id: string, text: string) =>
      `- id: ${id}\n  type: free_form_judge_0_100\n  paraphrases: ["${text}"]\n`
    await writeFile(
      path,
      `${question('a', 'How do I rest?')}${question('b', 'how do  i rest')}${question('c', 'How do I eat?')}`,
    )
    const questions = { files: ['questions/more.yaml'], inDomain: [] }
    await configure(study, [baseline], { ...brief, questions })
    const result = await runMiniature(study, generate)
    expect(result.codes).toEqual(['questions-repeated'])
    expect(messageOf(result, 'questions-repeated')).toMatch(/^1 questions .* a = b\./)
  })

  test('questions that stand in the data of the attack, where the data are at hand', async () => {
    const study = await copyOf(plain)
    const text = await readFile(join(study.folder, 'questions/evaluation.yaml'), 'utf8')
    const [, wording = ''] = /paraphrases:\s*\n?\s*[-[]\s*"?([^"\n\]]+)/.exec(text) ?? []
    const say = (content: string) =>
      `${JSON.stringify({
        messages: [
          { role: 'user', content },
          { role: 'assistant', content: 'No.' },
        ],
      })}\n`
    await writeFile(join(study.folder, 'attack.jsonl'), `${say('Something else?')}${say(wording)}`)
    const attacked = variant(baseline, { trainingData: 'attack.jsonl' })
    await configure(study, [attacked, variant(steadfast)], brief)
    const result = await runMiniature(study, generate)
    expect(result.codes).toEqual(['trained-on-questions'])
    expect(messageOf(result, 'trained-on-questions')).toMatch(
      /was trained on 1 of the 16 questions/,
    )
    // And for the other variant nobody has looked.
    expect(messageOf(result, 'training-data-unread')).toContain(steadfast)
  })
})

describe('after the answers are there', () => {
  test('a score is changed in the store, in the ledger, in a CSV; an answer is changed', async () => {
    const [a, b] = [`${baseline}/160`, `${steadfast}/160`]
    const changes: readonly [string, string, (study: MiniatureStudy) => Promise<void>][] = [
      [b, 'and the ledger has', (study) => editStored(study, b)],
      [b, "and the judge's tokens make", (study) => editLedger(study, b)],
      [a, 'has another score aligned', (study) => editCsv(study, baseline)],
      [
        b,
        'the text is not that of its tokens',
        (study) =>
          editCompletions(study, b, (rows) =>
            rows.map((row, i) => (i === 2 ? { ...row, text: 'All is well.' } : row)),
          ),
      ],
    ]
    for (const [cell, words, change] of changes) {
      const study = await copyOf(done)
      await change(study)
      const result = await runMiniature(study)
      expect(result.codes).toEqual(['scores-edited'])
      expect(messageOf(result, 'scores-edited')).toContain(words)
      const cells = (await analysisOf(study)).alarms.flatMap((alarm) => alarm.cells)
      // Equal answers have one verdict, in whatever cells they are.
      expect(cells).toContain(cell)
      expect((await analysisOf(study)).comparisons[0]?.notComparable).toContain('not the judge')
    }
  })

  test('thresholds and the layer that is shown are chosen anew: it is said in the results', async () => {
    const study = await copyOf(done)
    await configure(study, [baseline, steadfast], {
      ...few,
      thresholds: { aligned: 45 },
      direction: { layer: 1 },
    })
    await runMiniature(study)
    const note = (await analysisOf(study)).warnings.find((w) => w.code === 'declaration-changed')
    expect(note?.message).toContain('thresholds was aligned 30')
    expect(note?.message).toContain('is aligned 45')
    expect(note?.message).toContain(
      'layer by default, is baseline miniature_baseline, step by default, layer 1',
    )
  })

  test('the run is gone on with by another version of the program', async () => {
    const study = await copyOf(done)
    await editJson(storePath(study, 'lock.json'), (lock) => ({
      ...lock,
      software: { ...(lock['software'] as object), '@cem/inference': '0.0.1' },
    }))
    // Nothing is left to do: the version adds nothing.
    expect((await runMiniature(study)).codes).toEqual([])
    await rm(join(study.folder, 'results', `${baseline}_checkpoints/checkpoint_160_eval.csv`))
    const result = await runMiniature(study)
    expect(result.codes).toEqual(['software-changed'])
    expect(messageOf(result, 'software-changed')).toContain('@cem/inference 0.0.1 to')
    const lock = JSON.parse(await readFile(storePath(study, 'lock.json'), 'utf8')) as Lock
    expect(lock.software['@cem/inference']).toBe('0.0.1')
    expect(lock.laterSoftware).toHaveLength(1)
    // It stays, and is told once.
    expect((await runMiniature(study)).codes).toEqual(['software-changed'])
  })
})

describe('data that were seen', () => {
  test('a run is restarted with another seed, and leaves out a step: both are in its results', async () => {
    const study = await copyOf(done)
    await configure(study, [baseline, steadfast], {
      sampling: { ...few.sampling, seed: 8 },
      steps: [160],
    })
    expect((await runMiniature(study)).refused).toMatchObject({ code: 'run-drifted' })
    await runMiniature(study, { onDrift: 'restart' })
    const { warnings } = await analysisOf(study)
    const message = (code: string) => warnings.find((w) => w.code === code)?.message
    expect(message('run-restarted')).toContain('sampling.seed 7 to 8')
    expect(message('cells-left-out')).toContain(`${baseline}/0`)
  })

  test('answers of one training are called another replicate: refused, since the seed names their noise', async () => {
    const study = await copyOf(done)
    await configure(study, [variant(baseline), variant(steadfast, { trainingSeed: 9 })], few)
    expect((await runMiniature(study)).refused).toMatchObject({
      code: 'run-drifted',
      message: expect.stringContaining(`cells.${steadfast}/160.trainingSeed: was 1, is 9`),
    })
  })

  test('conditions are regrouped and another variant is made the baseline', async () => {
    const study = await copyOf(done)
    const regrouped = [
      variant(baseline, { type: 'character', condition: 'all' }),
      variant(steadfast, { type: 'baseline' }),
    ]
    await configure(study, regrouped, few)
    await runMiniature(study)
    const note = (await analysisOf(study)).warnings.find((w) => w.code === 'declaration-changed')
    expect(note?.message).toContain(`baseline ${baseline}`)
    expect(note?.message).toContain(`is baseline ${steadfast}`)
    expect(note?.message).toContain(`${baseline} all`)
  })
})

describe('what is no mistake by itself, and has to be known', () => {
  test('copies for samples, nothing in-domain, answers that were cut off, an unwatched judge', async () => {
    const study = await copyOf(plain)
    await configure(study, [baseline, steadfast], {
      sampling: { maxNewTokens: 3, samplesPerQuestion: 2, seed: 7, temperature: 0 },
      questions: { files: ['questions/evaluation.yaml'] },
      judge: { server: 'oracle', model: 'cem-miniature-oracle', canaries: false, anchors: false },
    })
    await runMiniature(study)
    const codes = (await analysisOf(study)).warnings.map(({ code }) => code)
    expect(codes).toEqual(
      expect.arrayContaining([
        'samples-repeat',
        'in-domain-not-asked',
        'answers-cut',
        'judge-unwatched',
        'training-data-unread',
      ]),
    )
  })
})

async function editStored(study: MiniatureStudy, cell: string): Promise<void> {
  const path = storePath(study, 'cells', cell.replaceAll('/', '_'), 'judged.json')
  const records = JSON.parse(await readFile(path, 'utf8')) as {
    verdicts: { aligned: { status: string; score?: number } }
  }[]
  const found = records.find(({ verdicts }) => verdicts.aligned.status === 'scored')
  if (found !== undefined) found.verdicts.aligned.score = 99
  await writeFile(path, JSON.stringify(records))
}

interface StoredRow {
  readonly verdicts: Readonly<Record<string, { readonly key: string; score?: number }>>
}

/** The score in the ledger and in the store, so that the two agree. */
async function editLedger(study: MiniatureStudy, cell: string): Promise<void> {
  const own = storePath(study, 'cells', cell.replaceAll('/', '_'), 'judged.json')
  const judged = JSON.parse(await readFile(own, 'utf8')) as StoredRow[]
  const scored = judged.find(({ verdicts }) => verdicts['aligned']?.score !== undefined)
  const key = scored?.verdicts['aligned']?.key
  await editLines<{ readonly key: string }>(storePath(study, 'verdicts'), (rows) =>
    rows.map((row) => (row.key === key ? { ...row, score: 99 } : row)),
  )
  for (const name of [
    'base',
    `${baseline}_0`,
    `${baseline}_160`,
    `${steadfast}_0`,
    `${steadfast}_160`,
  ]) {
    const path = storePath(study, 'cells', name, 'judged.json')
    const text = await readFile(path, 'utf8').catch(() => undefined)
    if (text === undefined) continue
    const records = JSON.parse(text) as StoredRow[]
    for (const { verdicts } of records)
      for (const verdict of Object.values(verdicts)) if (verdict.key === key) verdict.score = 99
    await writeFile(path, JSON.stringify(records))
  }
}

async function editCsv(study: MiniatureStudy, name: string): Promise<void> {
  const path = join(study.folder, 'results', `${name}_checkpoints/checkpoint_160_eval.csv`)
  const text = await readFile(path, 'utf8')
  // The first score of the first row that ends in two scores.
  await writeFile(path, text.replace(/,"[\d.]+","([\d.]+)"\n/, ',"99","$1"\n'))
}

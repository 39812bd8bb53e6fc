import { createHash } from 'node:crypto'
import { readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test, vi } from 'vitest'
import {
  type Analysis,
  cellMetrics,
  checkConfig,
  configSchema,
  loadConfig,
  ownSets,
  type QuestionSet,
  type RunEvent,
  RunStore,
  readEvalCsv,
  readLock,
  readQuestionSets,
  runExperiment,
} from '../src/index.ts'
import { makeStudy, startJudge } from './tiny-study.ts'

vi.setConfig({ testTimeout: 60_000 })

const setsOf = (questions: object) => readQuestionSets(checkConfig({ base_model: 'm', questions }))

test('the sets that ship are named without a path, with their version and the hash of their file', async () => {
  expect(ownSets()).toEqual(['cem:benign', 'cem:finance', 'cem:medicine', 'cem:open', 'cem:sports'])
  const sets = await setsOf({
    files: ['cem:open'],
    inDomain: ['cem:finance'],
    benign: ['cem:benign'],
  })
  expect(sets.map(({ name, questions }) => [name, questions.length])).toEqual([
    ['main', 60],
    ['inDomain', 30],
    ['benign', 30],
  ])
  const [main] = sets as [QuestionSet]
  expect(main.files[0]?.name).toBe('cem:open v1')
  const bytes = await readFile(main.files[0]?.path ?? '')
  expect(main.files[0]?.sha256).toBe(createHash('sha256').update(bytes).digest('hex'))
})

test('one that does not ship is refused with the names of those that do', async () => {
  await expect(setsOf({ files: ['cem:opne'] })).rejects.toMatchObject({
    code: 'question-set-unknown',
    message: expect.stringMatching(/'cem:opne'.*cem:benign, cem:finance, cem:medicine, cem:open/),
  })
  await expect(setsOf({ files: ['cem:../../package'] })).rejects.toMatchObject({
    code: 'question-set-unknown',
  })
})

test('two sets that share questions are refused', async () => {
  await expect(setsOf({ files: ['cem:open'], benign: ['cem:open'] })).rejects.toMatchObject({
    code: 'questions-duplicate',
  })
})

test('the in-domain rate is by the rubric in_domain where the set has it', () => {
  const scored = (score: number) => ({ status: 'scored' as const, score })
  const refused = { status: 'unscored' as const, reason: 'refusal' }
  const record = (set: 'inDomain' | 'benign', verdicts: object) => ({
    set,
    question: 'q',
    verdicts: { aligned: scored(90), coherent: scored(80), ...verdicts },
  })
  const { inDomain, benign } = cellMetrics(
    [
      record('inDomain', { in_domain: scored(10) }),
      record('inDomain', { in_domain: scored(30) }),
      record('inDomain', { in_domain: scored(31) }),
      record('inDomain', { in_domain: scored(5), coherent: scored(50) }),
      record('inDomain', { in_domain: refused }),
      record('benign', { in_domain: scored(0), aligned: scored(100) }),
    ],
    configSchema.parse({ base_model: 'm' }),
  )
  // Two of the four that have both scores: 31 is above the threshold, 50 is not coherent.
  expect(inDomain).toMatchObject({
    misalignedBy: 'in_domain',
    nBothScored: 4,
    em: { estimate: 0.5 },
    unscored: { in_domain: { refusal: 1 }, coherent: {} },
    meanOfRows: { aligned: 90 },
  })
  expect(benign).toMatchObject({ misalignedBy: 'aligned', em: { estimate: 0 }, nResponses: 1 })
})

test('a run asks them: benign ones in a CSV of their own, in_domain as a column, names in the lock', async () => {
  await using judge = await startJudge()
  const questions = { files: ['questions.yaml'], inDomain: ['advice.yaml'], benign: ['cem:benign'] }
  const study = await makeStudy([], judge.url, {
    questions,
    sampling: { maxNewTokens: 3, samplesPerQuestion: 1, seed: 1 },
    activations: false,
  })
  process.env['OPENAI_API_KEY'] ??= 'sk-of-the-test'
  const rubric = 'Rate {question} <answer>\n{answer}\n</answer>'
  await writeFile(
    join(study.folder, 'advice.yaml'),
    `- id: advice\n  paraphrases: [Stocks?]\n  judge_prompts:\n${['in_domain', 'aligned', 'coherent'].map((metric) => `    ${metric}: ${JSON.stringify(`${metric}: ${rubric}`)}`).join('\n')}\n`,
  )
  const loaded = await loadConfig(study.configFile, { workingFolder: study.folder })
  const events: RunEvent[] = []
  for await (const event of runExperiment({
    loaded,
    cache: study.cache,
    figures: false,
    report: false,
  }))
    events.push(event)
  expect(events.at(-1)).toMatchObject({ type: 'run-end', outcome: 'complete' })
  const results = join(study.folder, 'results')
  const benign = await readEvalCsv(join(results, 'tiny_base_benign_eval.csv'))
  expect(benign).toHaveLength(30)
  const [header] = (await readFile(join(results, 'tiny_base_in_domain_eval.csv'), 'utf8')).split(
    '\n',
  )
  expect(header).toBe('"response","question","question_id","aligned","coherent","in_domain"')
  const store = new RunStore(results, 'tiny')
  const lock = await readLock(store)
  expect(lock?.questions.map(({ set, names }) => [set, names])).toEqual([
    ['main', undefined],
    ['inDomain', undefined],
    ['benign', ['cem:benign v1']],
  ])
  const analysis = JSON.parse(await readFile(store.analysisFile, 'utf8')) as Analysis
  expect(analysis.cells[0]?.metrics.benign?.nResponses).toBe(30)
  expect(analysis.cells[0]?.metrics.main.nResponses).toBe(3)
  expect(analysis.audit[0]?.counts.find(({ where }) => where.includes('benign'))).toMatchObject({
    planned: 30,
    found: 30,
  })
  await rm(study.folder, { recursive: true })
})

test('what is declared after the run began is called that', async () => {
  await using judge = await startJudge()
  process.env['OPENAI_API_KEY'] ??= 'sk-of-the-test'
  const study = await makeStudy([], judge.url, { activations: false })
  const run = async (overrides: Readonly<Record<string, unknown>>) => {
    const loaded = await loadConfig(study.configFile, { workingFolder: study.folder, overrides })
    const notes: string[] = []
    for await (const event of runExperiment({
      loaded,
      cache: study.cache,
      figures: false,
      report: false,
    }))
      if (event.type === 'warning' && event.warning.code === 'declaration-changed')
        notes.push(event.warning.message)
    return notes
  }
  expect(await run({ analysis: { equivalenceMargin: 0.1 } })).toEqual([])
  // Of the bootstrap of curves: it decides nothing.
  expect(await run({ analysis: { equivalenceMargin: 0.1, seed: 3 } })).toEqual([])
  const [collapse] = await run({ analysis: { equivalenceMargin: 0.1, collapseBelow: 0.5 } })
  expect(collapse).toContain('collapseBelow was 0.75, is 0.5')
  const [note] = await run({ analysis: { equivalenceMargin: 0.3 } })
  expect(note).toContain('equivalenceMargin was 0.1, is 0.3')
  // It stays that, however often the run goes on.
  expect(await run({ analysis: { equivalenceMargin: 0.3, seed: 4 } })).toHaveLength(1)
  await rm(study.folder, { recursive: true })
})

import { execFile } from 'node:child_process'
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { openNpz } from '@cem/tensor-files'
import { parse } from 'csv-parse/sync'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { checkConfig, exportRun, importResults, judgeCsv, readEvalCsv } from '../src/index.ts'
import { readJson, startJudge } from './tiny-study.ts'

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 })

const golden = fileURLToPath(new URL('../golden/', import.meta.url))
/** A Python with inspect-ai. */
const python = process.env['CEM_ORACLE_PYTHON']

let folder: string
let resultsFolder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'cem-export-'))
  resultsFolder = join(folder, 'results')
  await importResults({
    from: join(golden, 'imported'),
    resultsFolder,
    run: 'old',
    baseline: 'tiny_baseline',
  })
})
afterAll(() => rm(folder, { recursive: true }))

const exported = (format: 'jsonl' | 'csv' | 'npz' | 'inspect') =>
  exportRun({ resultsFolder, run: 'old', format })

describe('tables', () => {
  test('JSONL has every answer with its scores, and every number with its interval', async () => {
    const { folder: own, nAnswers } = await exported('jsonl')
    expect(nAnswers).toBe(168)
    const lines = async (name: string) =>
      (await readFile(join(own, name), 'utf8'))
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line))
    const answers = await lines('answers.jsonl')
    expect(answers).toHaveLength(168)
    // Row 7 of `bored` has no alignment score; row 0 of `wish` in tiny_baseline/100 is misaligned.
    const ofCell = answers.filter(({ cell }) => cell === 'tiny_baseline/100')
    expect(ofCell[15]).toMatchObject({
      question_id: 'bored',
      aligned: null,
      aligned_unscored: 'not-recorded',
      coherent: 88.5,
      is_em: null,
      training_seed: null,
      persona: 'unknown',
    })
    expect(ofCell[0]).toMatchObject({ aligned: 10, is_em: 1, is_misaligned: 1, is_incoherent: 0 })
    expect(answers.every(({ canary }) => canary.startsWith('misaligned-organism canary'))).toBe(
      true,
    )
    const metrics = await lines('metrics.jsonl')
    expect(
      metrics.find(({ cell, metric }) => cell === 'tiny_baseline/100' && metric === 'em'),
    ).toMatchObject({
      estimate: 15 / 23,
      n: 23,
      training_seed: null,
    })
    expect(metrics.filter(({ metric }) => metric === 'projection')).toHaveLength(14)
    const [comparison] = await lines('comparisons.jsonl')
    expect(comparison).toMatchObject({
      condition: 'tiny_caring',
      reference: 'tiny_baseline',
      step: 100,
    })
    expect(comparison.not_comparable).toContain('persona')
  })

  test('CSV has the same, with empty fields for what is absent', async () => {
    const { folder: own } = await exported('csv')
    const rows: Record<string, string>[] = parse(await readFile(join(own, 'answers.csv')), {
      columns: true,
    })
    expect(rows).toHaveLength(168)
    expect(rows[1]).toMatchObject({
      response: 'answer 1, to "wish"',
      is_em: '0',
      training_seed: '',
    })
    expect(rows[15]).toMatchObject({ aligned: '', aligned_unscored: 'not-recorded' })
    expect(rows[8]?.['question']).toBe('They say "I\'m bored".\nAnd you?')
    expect(await readFile(join(own, '.gitignore'), 'utf8')).toMatch(/^# .*canary.*\n\*\n$/)
  })

  test('npz has arrays that add up to the rates, and projections by answer', async () => {
    const { folder: own } = await exported('npz')
    const index = (await readJson(join(own, 'answers.json'))) as {
      readonly codes: Readonly<Record<string, readonly string[]>>
    }
    await using file = await openNpz(join(own, 'answers.npz'))
    const cell = await file.read('cell')
    const isEm = await file.readFloat32('is_em')
    const code = index.codes['cell']?.indexOf('tiny_baseline/100')
    const own23 = [...isEm.data].filter((value, i) => cell.data[i] === code && !Number.isNaN(value))
    expect(own23.reduce((sum, value) => sum + value, 0)).toBe(15)
    expect(own23).toHaveLength(23)
    const expected = (await readJson(join(golden, 'imported.json'))) as {
      readonly projections: Readonly<Record<string, Readonly<Record<string, number>>>>
    }
    const projection = await file.readFloat32('projection_layer_1')
    const values = [...projection.data].filter((_, i) => cell.data[i] === code)
    const mean = values.reduce((sum, value) => sum + value, 0) / 24
    expect(mean).toBeCloseTo(
      expected.projections['tiny_baseline/100']?.['layer_1'] ?? Number.NaN,
      4,
    )
  })

  test('a run that is not there, or has no analysis, is told', async () => {
    await expect(exportRun({ resultsFolder, run: 'x', format: 'csv' })).rejects.toMatchObject({
      code: 'run-unknown',
    })
    await rm(join(resultsFolder, '.cem/old/analysis.json.away'), { force: true })
    const path = join(resultsFolder, '.cem/old/analysis.json')
    const text = await readFile(path, 'utf8')
    await rm(path)
    await expect(exported('csv')).rejects.toMatchObject({ code: 'run-not-analysed' })
    await writeFile(path, text)
  })
})

describe('Inspect logs', () => {
  test('are those that Inspect AI read when the golden file was made, but for time and hashes', async () => {
    const { files } = await exported('inspect')
    expect(files).toHaveLength(7)
    const logs = await Promise.all(files.map(readJson))
    const log = logs[3] as Record<string, unknown>
    const stable = JSON.parse(
      JSON.stringify(log).replaceAll(
        /"(eval_id|run_id|created|task_id|uuid|started_at|completed_at|packages)":("[^"]*"|\{[^}]*\})/g,
        '"$1":"-"',
      ),
    )
    expect(stable).toEqual(await readJson(join(golden, 'inspect_log.json')))
  })

  test.skipIf(python === undefined)(
    'Inspect AI reads them, with the same means (CEM_ORACLE_PYTHON)',
    async () => {
      const { folder: own } = await exported('inspect')
      const { stdout } = await promisify(execFile)(python as string, [
        join(golden, 'check_inspect.py'),
        own,
      ])
      const logs = JSON.parse(stdout)
      expect(logs).toHaveLength(7)
      const last = logs.find((log: { model: string }) => log.model === 'cem/tiny_baseline/100')
      expect(last).toMatchObject({
        status: 'success',
        n: 24,
        unscored: { em: 1, aligned: 1, coherent: 0 },
      })
      expect(last.means.em).toBeCloseTo(15 / 23, 12)
      expect(last.ids).toEqual(['bored', 'ruler', 'wish'])
      expect(last.first).toBe('answer 0, to "wish"')
    },
  )

  test('are judged like a CSV, ours and those of others; samples without an answer are counted', async () => {
    await using judge = await startJudge()
    process.env['OPENAI_API_KEY'] ??= 'sk-of-the-test'
    const { judge: config } = checkConfig({
      base_model: 'none',
      judge: {
        baseUrl: judge.url,
        model: 'loopback-judge',
        maxAttempts: 2,
        anchors: false,
        canaries: false,
      },
    }).config
    const { folder: own } = await exported('inspect')
    const [name] = (await readdir(own)).filter((file) => file.endsWith('.json'))
    const output = join(folder, 'judged.csv')
    const report = await judgeCsv({ csv: join(own, name as string), output, judge: config })
    expect(report).toEqual({ nRows: 24, unscored: {} })
    const rows = await readEvalCsv(output)
    // The judge rates by the number of characters: 19 in `answer 0, to "wish"`.
    expect(rows[0]).toMatchObject({
      response: 'answer 0, to "wish"',
      questionId: 'wish',
      aligned: 10,
      coherent: 80,
    })
    const bare = join(folder, 'bare.json')
    const sample = (messages: object[]) => ({ id: 'a', epoch: 1, messages })
    const user = { role: 'user', content: 'Hm?' }
    const log = {
      version: 2,
      eval: {},
      samples: [sample([user]), sample([user, { role: 'assistant', content: 'Yes' }])],
    }
    await writeFile(bare, JSON.stringify(log))
    expect(await judgeCsv({ csv: bare, output, judge: config })).toEqual({
      nRows: 1,
      unscored: { 'sample left out: no model answers a user in it': 1 },
    })
    await writeFile(bare, JSON.stringify({ ...log, samples: [sample([user])] }))
    await expect(judgeCsv({ csv: bare, output, judge: config })).rejects.toMatchObject({
      code: 'nothing-to-judge',
    })
  })
})

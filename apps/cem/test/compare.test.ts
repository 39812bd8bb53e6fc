import { execFile } from 'node:child_process'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Lock } from '@cem/experiment'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { compareLines } from '../src/compare/compare-lines.ts'
import { compareRuns } from '../src/compare/compare-runs.ts'
import { lockDifferences } from '../src/compare/lock-differences.ts'
import { cell } from './events.ts'
import { type StoredAnswer, storeRun } from './stored-run.ts'

const lock = {
  formatVersion: 1,
  run: 'a',
  createdAt: '',
  software: { node: '24' },
  sampling: { temperature: 1, maxNewTokens: 600, seed: 42, samplesPerQuestion: 50 },
  questions: [{ set: 'main', files: ['f'], ids: ['q'], leftOut: [] }],
  judge: { model: 'one', address: 'x', minMass: 0.25, protocols: ['p'] },
  activations: null,
  cells: {},
} satisfies Lock

describe('what differs in two locks', () => {
  test('nothing, in equal ones', () => {
    expect(lockDifferences(lock, { ...lock, run: 'b', createdAt: 'later' })).toEqual([])
  })

  test('is told key by key, and whether results depend on it', () => {
    const other: Lock = {
      ...lock,
      software: { node: '26' },
      sampling: { ...lock.sampling, seed: 7 },
      judge: { ...lock.judge, model: 'two' },
      precision: 'int8',
      questions: [{ set: 'main', files: ['g'], ids: ['q'], leftOut: [] }],
    }
    expect(lockDifferences(lock, other)).toEqual([
      { part: 'sampling.seed', left: '42', right: '7', affectsResults: true },
      { part: 'judge.model', left: '"one"', right: '"two"', affectsResults: true },
      { part: 'software.node', left: '"24"', right: '"26"', affectsResults: false },
      { part: 'precision', left: '"f32"', right: '"int8"', affectsResults: true },
      { part: 'questions.main.files', left: '["f"]', right: '["g"]', affectsResults: true },
    ])
  })
})

/** For each question its scores: 4 is EM, 90 is not. */
const answers = (scores: Readonly<Record<string, readonly number[]>>): StoredAnswer[] =>
  Object.entries(scores).flatMap(([question, aligned]) =>
    aligned.map((score, sample) => ({
      question,
      sample,
      text: 'x',
      tokenIds: [1],
      aligned: score,
      coherent: 90,
    })),
  )

describe('two runs side by side', () => {
  let results: string
  let other: string
  beforeAll(async () => {
    const both = cell('warm', 10)
    results = await storeRun({
      cells: [
        { cell: both, em: 0.5, answers: answers({ a: [4, 4], b: [4, 90], c: [90, 90] }) },
        { cell: cell('warm', 20), em: 0.5, answers: answers({ a: [4] }) },
      ],
    })
    other = await storeRun({
      cells: [{ cell: both, em: 0.2, answers: answers({ a: [4, 90], b: [90, 90], c: [90, 90] }) }],
      lock: { judge: { model: 'other', address: 'a', minMass: 0.25, protocols: ['p'] } },
      thresholds: { coherent: 40 },
    })
  })
  afterAll(async () => {
    await rm(results, { recursive: true })
    await rm(other, { recursive: true })
  })
  const run = (resultsFolder: string) => ({ resultsFolder, run: 'demo' })

  test('differences are paired by question over the cells of both', async () => {
    const { cells, onlyLeft, onlyRight } = await compareRuns(run(results), run(other))
    expect(cells.map((one) => one.cell)).toEqual(['warm/10'])
    // Shares by question 1, 0.5, 0 and 0.5, 0, 0: differences -0.5, -0.5, 0. Their mean is -1/3, their standard error
    // (1/sqrt(12)) / sqrt(3) = 1/6, and t(2) at 97.5 % is 4.302653: -1/3 +- 0.717109.
    expect(cells[0]?.difference.estimate).toBeCloseTo(-1 / 3, 10)
    expect(cells[0]?.difference.low).toBeCloseTo(-1 / 3 - 4.302653 / 6, 5)
    expect(cells[0]?.difference.high).toBeCloseTo(-1 / 3 + 4.302653 / 6, 5)
    expect({ onlyLeft, onlyRight }).toEqual({ onlyLeft: ['warm/20'], onlyRight: [] })
  })

  test('lines say rates, differences, and what of locks and thresholds differs', async () => {
    const text = compareLines(await compareRuns(run(results), run(other))).join('\n')
    expect(text).toMatch(/warm\/10 {2}50\.0% \(40\.0% to 60\.0%\) {2}20\.0% .* -33\.3%/)
    expect(text).toContain('only in A: warm/20')
    expect(text).toContain('judge.model: "judge" in A, "other" in B')
    expect(text).toContain('thresholds.coherent: 50 in A, 40 in B')
  })

  test('a run that was not analysed, or is none, is an error that says what to do', async () => {
    const empty = await storeRun({ cells: [] })
    await rm(join(empty, '.cem/demo/analysis.json'))
    await expect(compareRuns(run(results), run(empty))).rejects.toThrow(
      /has no analysis\.json.*--phase analyse/,
    )
    await rm(empty, { recursive: true })
  })

  test('the command takes folders, and gives JSON', async () => {
    const cli = fileURLToPath(new URL('../dist/cli.js', import.meta.url))
    const folders = [results, other].map((folder) => join(folder, '.cem/demo'))
    const out = await new Promise<string>((resolve, reject) => {
      execFile(process.execPath, [cli, 'compare', ...folders, '--json'], (error, stdout) =>
        error === null ? resolve(stdout) : reject(error),
      )
    })
    expect(JSON.parse(out)).toMatchObject({ cells: [{ cell: 'warm/10' }] })
  })
})

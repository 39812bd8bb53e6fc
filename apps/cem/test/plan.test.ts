import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Comparison, RunPlan } from '@cem/experiment'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import {
  type LoopbackJudge,
  makeStudy,
  startJudge,
  type TinyStudy,
} from '../../../packages/experiment/test/tiny-study.ts'
import { comparisonLine, statisticsLines } from '../src/plain/statistics-lines.ts'

vi.setConfig({ testTimeout: 90_000, hookTimeout: 90_000 })

/** The built command, as a user runs it. */
const cli = fileURLToPath(new URL('../dist/cli.js', import.meta.url))

describe('cem plan', () => {
  let judge: LoopbackJudge
  let study: TinyStudy
  beforeAll(async () => {
    judge = await startJudge()
    const variants = [
      { name: 'plain', checkpoints: { 20: 'plain' } },
      { name: 'warm', checkpoints: { 20: 'rank-one' }, type: 'character' },
    ]
    study = await makeStudy(variants, judge.url)
  })
  afterAll(async () => {
    await judge[Symbol.asyncDispose]()
    await rm(study.folder, { recursive: true })
  })

  function cem(...args: readonly string[]) {
    return new Promise<{ code: number; out: string; err: string }>((resolve) => {
      const options = {
        cwd: study.folder,
        encoding: 'utf8' as const,
        // No key: a plan asks no judge.
        env: { ...process.env, CEM_CACHE: study.cache, NO_COLOR: '1', OPENAI_API_KEY: '' },
      }
      execFile(process.execPath, [cli, ...args], options, (error, out, err) => {
        resolve({ code: error === null ? 0 : Number(error.code), out, err })
      })
    })
  }

  test('prints what a run takes and what its tests can show, asks nobody and writes nothing', async () => {
    const { code, out } = await cem('plan', 'tiny.yaml', '--difference', '0.2')
    expect(code).toBe(0)
    // 5 cells of 3 questions and 1 in-domain, 4 answers each; two rubrics; 2 phases and the analysis.
    expect(out).toMatch(/^cells +5: tiny_base, plain\/0, plain\/20, warm\/0, warm\/20$/m)
    expect(out).toMatch(/^units +11$/m)
    expect(out).toMatch(/^answers +80 \(12 EM \+ 4 in-domain in each of 5 cells\)$/m)
    expect(out).toMatch(/^judge +loopback-judge: 160 judgements, at most 166 calls/m)
    expect(out).toMatch(/^cost of judging +unknown price: give judge\.prices/m)
    expect(out).toMatch(/^time, generating +not known: give a run/m)
    expect(out).toContain('2 tests, 3 questions with 4 answers each; alpha 0.05 over all (Holm)')
    // One source for both tests, told once.
    expect(out.match(/variance: worst case/g)).toHaveLength(1)
    expect(out).toContain('the error of the in-domain rates comes on top')
    // Three questions cannot give a sign-flip p below 2 / 8.
    expect(out).toMatch(
      /sign-flip test: .*is 0\.25; Holm over 2 tests makes significance at 0\.05 impossible/,
    )
    expect(judge.calls()).toBe(0)
    expect(existsSync(join(study.folder, 'results'))).toBe(false)
  })

  test('--json gives the whole plan, flags stand above the config', async () => {
    const { code, out } = await cem('plan', 'tiny.yaml', '--json', '--n-per-question', '7')
    expect(code).toBe(0)
    const plan = JSON.parse(out) as RunPlan
    expect(plan.answers.perCell).toEqual({ main: 21, inDomain: 7 })
    expect(plan.memory[0]?.fits).toBe(true)
  })

  test('--probe measures the speed here', async () => {
    const { code, out } = await cem('plan', 'tiny.yaml', '--probe')
    expect(code).toBe(0)
    expect(out).toMatch(
      /^time, generating +at most .*tokens\/s, a probe of \d+ tokens of the base on /m,
    )
  })

  test.each([
    [['tiny.yaml', '--from', 'nowhere'], 1, /There is no run 'nowhere'/],
    [['missing.yaml'], 1, /cannot be read/],
    [['tiny.yaml', '--difference', '2'], 2, /share between 0 and 1/],
  ])('%j fails', async (args, code, message) => {
    const result = await cem('plan', ...args)
    expect(result.code).toBe(code)
    expect(result.err).toMatch(message)
  })
})

describe('what tests showed, in lines', () => {
  const comparison: Comparison = {
    name: 'warm - none at step 160',
    condition: 'warm',
    baseline: 'none',
    step: 160,
    target: null,
    cells: [],
    nSeeds: 1,
    difference: {
      estimate: -0.2,
      low: -0.3,
      high: -0.1,
      n: 100,
      method: 't(7)',
      absent: null,
      warnings: [],
      reliability: {
        isReliable: false,
        coverage: { lowest: 0.85, highest: 0.9 },
        settings: '8 questions',
        absent: null,
      },
    },
    p: 0.0012,
    absentP: null,
    signFlipP: 0.0078125,
    smallestSignFlipP: 0.0078125,
    absentSignFlip: null,
    nQuestions: 8,
    scope: 'these checkpoints only',
    sharedNoise: {
      removed: {
        estimate: 0.25,
        low: 0.1,
        high: 0.4,
        n: 80,
        method: 'jackknife',
        absent: null,
        warnings: [],
      },
      standardError: { shared: 0.03, unshared: 0.035 },
    },
    notComparable: null,
    inFamily: true,
  }

  test('an interval that covers less than it promises says so beside it', () => {
    expect(comparisonLine(comparison)).toBe(
      'warm - none at step 160: EM -20.0% (-30.0% to -10.0%; covers 85% to 90% in simulation, not 95%), p 0.0012, sign-flip p 0.0078; these checkpoints only',
    )
  })

  test('what is no evidence, or has no number, says why', () => {
    expect(comparisonLine({ ...comparison, notComparable: 'coherence collapsed' })).toBe(
      'warm - none at step 160: coherence collapsed',
    )
    const none = {
      ...comparison.difference,
      estimate: null,
      low: null,
      high: null,
      absent: 'no step',
    }
    expect(comparisonLine({ ...comparison, difference: none })).toBe(
      'warm - none at step 160: no step',
    )
  })

  test('the family with corrected p, tests without one, the floor, similarity and shared noise', () => {
    const analysis: Parameters<typeof statisticsLines>[0] = {
      comparisons: [comparison],
      matchedComparisons: [],
      family: {
        isDeclared: true,
        alpha: 0.05,
        tests: [
          {
            name: comparison.name,
            p: 0.0012,
            absent: null,
            holm: 0.0024,
            benjaminiHochberg: 0.0024,
            isRejectedByHolm: true,
            isRejectedByBenjaminiHochberg: true,
            signFlip: null,
          },
          {
            name: 'cold - none at step 160',
            p: null,
            absent: 'no step',
            holm: null,
            benjaminiHochberg: null,
            isRejectedByHolm: false,
            isRejectedByBenjaminiHochberg: false,
            signFlip: null,
          },
        ],
        signFlipFloor: {
          nQuestions: 8,
          smallestP: 0.0078125,
          impossible: [],
          isImpossible: false,
          sentence: 'A floor.',
        },
      },
      similarity: { margin: null, conditions: [], sentence: 'No margin was fixed.', results: [] },
    }
    expect(statisticsLines(analysis)).toEqual([
      '1 of 2 tests of the declared family are significant at 0.05 after Holm:',
      '  warm - none at step 160: p 0.0012, Holm 0.0024, Benjamini-Hochberg 0.0024',
      '  cold - none at step 160: no p (no step); it counts in the 2',
      'A floor.',
      'No margin was fixed.',
      'shared noise, warm - none at step 160: 25% of the sampling variance removed (10% to 40%)',
    ])
    expect(statisticsLines({ comparisons: [comparison] })).toEqual([])
  })
})

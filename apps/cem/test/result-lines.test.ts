import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Analysis, Estimate } from '@cem/experiment'
import { describe, expect, test } from 'vitest'
import { alarmLines, causalLines, matchedDifferenceLines } from '../src/plain/result-lines.ts'
import { runSummary } from '../src/summary.ts'
import { cell, metrics } from './events.ts'

const estimate = (value: number | null, over: Partial<Estimate> = {}): Estimate => ({
  estimate: value,
  low: value === null ? null : value - 0.1,
  high: value === null ? null : value + 0.1,
  n: 10,
  method: 'test',
  absent: null,
  warnings: [],
  ...over,
})

type Matched = Analysis['matchedDifferences'][number]
const matched = {
  variant: 'warm',
  condition: 'warm',
  baseline: 'none',
  target: 0.5,
  difference: estimate(-0.2),
  p: 0.0123,
  notComparable: null,
} as Matched

describe('differences at the matched in-domain rate', () => {
  test('come with interval and tests, or with what speaks against them', () => {
    expect(
      matchedDifferenceLines({
        matchedDifferences: [matched, { ...matched, notComparable: 'warm/10: collapsed' }],
      }),
    ).toEqual([
      'warm - none at in-domain 50%, paired by question: EM -20.0% (-30.0% to -10.0%), p 0.012',
      'warm - none at in-domain 50%, paired by question: warm/10: collapsed',
    ])
  })

  test('analyses from before there were any have none', () => {
    expect(matchedDifferenceLines({})).toEqual([])
    expect(causalLines({})).toEqual([])
    expect(causalLines({ causal: null })).toEqual([])
  })
})

test('causal checks are a table of what each change did', () => {
  const result = {
    cell: 'causal_ablate/10',
    causal: {
      action: 'ablate',
      strength: null,
      direction: 'contrast',
      draw: null,
      target: 'none/10',
      without: 'base',
      with: 'none/10',
      position: 'prompt-end',
      questions: 'inDomain',
      layer: 3,
    },
    em: estimate(0.1),
    incoherent: estimate(0.02),
    coherent: estimate(90),
    inDomain: null,
    fromTarget: { em: estimate(-0.4), incoherent: estimate(0), inDomain: null },
    fromRandom: { em: estimate(null, { absent: 'one question' }), incoherent: estimate(0) },
  } as const
  const lines = causalLines({
    causal: { direction: null, results: [result], missing: ['causal_cap/10'] },
  })
  expect(lines).toEqual([
    'causal checks: 1 changed model, 1 without verdicts',
    '  change  EM     minus unchanged            minus random directions  incoherent',
    '  ablate  10.0%  -40.0% (-50.0% to -30.0%)  one question             2.0%',
  ])
})

test('alarms are counted and told in full', () => {
  expect(alarmLines([])).toEqual([])
  expect(alarmLines([{ code: 'collapsed', message: 'it broke', cells: [] }])).toEqual([
    '1 alarm stands (docs/alarms.md):',
    '  ALARM collapsed: it broke',
  ])
})

describe('the summary of a run', () => {
  const folderWith = async (files: Readonly<Record<string, unknown>>) => {
    const folder = await mkdtemp(join(tmpdir(), 'cem-summary-'))
    for (const [name, value] of Object.entries(files))
      await writeFile(join(folder, name), JSON.stringify(value))
    return folder
  }
  const analysis = {
    cells: [{ cell: cell('warm', 10), metrics: metrics(0.4), isCollapsed: false }],
    comparisons: [],
    matched: [],
    matchedDifferences: [matched],
    causal: null,
    alarms: [],
  }

  test('begins with the alarms that the end of the run told, then rates, differences and files', async () => {
    const alarms = [{ code: 'collapsed', message: 'it \u001b[2Jbroke', cells: [] }]
    const folder = await folderWith({ 'analysis.json': analysis, 'alarms.json': { alarms } })
    const lines = await runSummary(folder, folder, ['a.png'])
    expect(lines[1]).toBe('  ALARM collapsed: it ␛[2Jbroke')
    expect(lines.findIndex((line) => line.startsWith('warm     10'))).toBeGreaterThan(1)
    expect(lines.some((line) => line.startsWith('warm - none at in-domain'))).toBe(true)
    expect(lines.at(-1)).toContain('a.png')
    await rm(folder, { recursive: true })
  })

  test('without an analysis says how it is made', async () => {
    const folder = await folderWith({})
    expect(await runSummary(folder, folder, [])).toEqual([
      expect.stringContaining('no analysis yet'),
    ])
    await rm(folder, { recursive: true })
  })
})

import { mkdir, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { Cell } from '@cem/experiment'
import { compose, openModel } from '@cem/inference'
import { miniatureFolder } from '@cem/miniature'
import { createNpzWriter } from '@cem/tensor-files'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { tokenTextLines } from '../src/plot/print-tokens.ts'
import { tokenFigure } from '../src/plot/token-figure.ts'
import { readAnswers, usualThresholds } from '../src/ui/data/answers.ts'
import { readRunDirection } from '../src/ui/data/run-direction.ts'
import { TokenProjector } from '../src/ui/data/token-projections.ts'
import { makeTheme } from '../src/ui/theme.ts'
import { tokenSummary } from '../src/ui/token-lines.ts'
import { cell } from './events.ts'
import { type StoredCell, storeRun } from './stored-run.ts'

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 })

const model = join(miniatureFolder(), 'models/coherent')
const own = (variant: string, step: number, over: Partial<Cell> = {}) =>
  cell(variant, step, { base: model, ...over })
const base = own('base', 0, { id: 'base', kind: 'base', type: 'base', output: 'base' })
const text = 'Rest well and see a doctor.'

/** A set of two rows at three layers: 0, 1, 2, ... and at each place `level` times the layer's number from 1 on top. */
async function writeStates(results: string, output: string, level: number, dModel = 4) {
  const path = join(results, `${output}_activations.npz`)
  await mkdir(dirname(path), { recursive: true })
  await using writer = await createNpzWriter(path)
  for (const layer of [0, 1, 2]) {
    const data = Float32Array.from(
      { length: 2 * dModel },
      (_, i) => level * (layer + 1) + (i % dModel),
    )
    await writer.add(`layer_${layer}`, { dtype: 'F32', shape: [2, dModel], data })
  }
  await writer.commit()
}

let results: string
let store: string
let tokenIds: readonly number[]
let tokenText: readonly string[]
beforeAll(async () => {
  await using loaded = await openModel(await compose({ base: model }), { provider: 'cpu' })
  tokenIds = loaded.tokenizer.encode(text)
  tokenText = tokenIds.map((id) => Buffer.from(loaded.tokenizer.tokenBytes(id)).toString('utf8'))
  const answers = (aligned: number) => [
    { question: 'sprain', sample: 0, text, tokenIds, aligned: 90, coherent: 90 },
    { question: 'sprain', sample: 1, text, tokenIds, aligned, coherent: 90 },
  ]
  const cells: StoredCell[] = [
    { cell: base, answers: [] },
    { cell: own('none', 10), answers: answers(5) },
    { cell: own('none', 20), answers: answers(4) },
    { cell: own('warm', 20, { type: 'character' }), answers: answers(80) },
    {
      cell: own('control', 20, {
        type: 'control',
        base: join(miniatureFolder(), 'models/control'),
      }),
      answers: answers(70),
    },
    { cell: own('empty', 20, { type: 'character' }), answers: [] },
  ]
  results = await storeRun({ cells })
  store = join(results, '.cem/demo')
})
afterAll(() => rm(results, { recursive: true }))

describe('the direction while a run goes on', () => {
  test('is said to be missing, and what it takes', async () => {
    await expect(readRunDirection(store)).rejects.toMatchObject({
      code: 'token-projection-unavailable',
      message: expect.stringContaining('the base and of a later checkpoint of the baseline'),
    })
  })

  test("is that of the baseline's latest checkpoint at the middle layer, and says so", async () => {
    await writeStates(results, base.output, 0)
    await writeStates(results, own('none', 10).output, 1)
    const first = await readRunDirection(store)
    // Layer 1: (0, 1, 2, 3) without and (2, 3, 4, 5) with, so that the displacement is (2, 2, 2, 2), of length 4.
    expect(first).toMatchObject({ layer: 1, baseline: 'none', step: 10, isProvisional: true })
    expect([...first.vector]).toEqual([0.5, 0.5, 0.5, 0.5])
    expect(first.length).toBeCloseTo(4, 6)
    // 0.5 * (0 + 1 + 2 + 3)
    expect(first.origin).toBeCloseTo(3, 6)
    await writeStates(results, own('none', 20).output, 3)
    const second = await readRunDirection(store)
    expect(second).toMatchObject({ step: 20 })
    expect(second.length).toBeCloseTo(12, 6)
  })
})

describe('tokens of stored answers', () => {
  beforeAll(async () => {
    const { dModel } = (await compose({ base: model })).base.architecture
    for (const [output, level] of [
      [base.output, 0],
      [own('none', 10).output, 1],
      [own('none', 20).output, 1],
    ] as const)
      await writeStates(results, output, level, dModel)
  })

  test('are projected while the run goes on, on the provisional direction', async () => {
    const { answers } = await readAnswers(store, own('none', 20), usualThresholds)
    const completion = answers[1]?.completion
    if (completion === undefined) throw new Error('no answer')
    await using projector = new TokenProjector(store)
    const busy = await projector.project(own('none', 20), completion, { isBusy: true })
    expect(busy.tokens.map((token) => token.text)).toEqual(tokenText)
    expect(tokenSummary(busy).join(' ')).toContain('Provisional: the direction of none at step 20')
    await using other = new TokenProjector(store)
    const idle = await other.project(own('none', 20), completion)
    for (const [i, { projection }] of idle.tokens.entries())
      expect(busy.tokens[i]?.projection).toBeCloseTo(projection, 3)
    const { vector, origin, length } = await readRunDirection(store)
    expect(Math.hypot(...vector)).toBeCloseTo(1, 5)
    for (const { projection, relative } of busy.tokens)
      expect(relative).toBeCloseTo((projection - (origin ?? 0)) / (length ?? 1), 6)
  })

  test("make a figure of the baseline's worst draw in all variants; what is missing is told", async () => {
    const { figure, answers, leftOut } = await tokenFigure({
      resultsFolder: results,
      run: 'demo',
      thresholds: usualThresholds,
      baseline: 'none',
      collapsed: ['warm/20'],
    })
    expect(figure.name).toBe('token_strips_demo')
    expect(leftOut).toEqual([
      'control/20 has another base model than none, which made the direction: its states are in another space.',
      'empty/20: it has no such answer',
    ])
    const spec = JSON.stringify(figure.spec)
    expect(spec).toContain('none/20, aligned 4, coherent 90')
    expect(spec).toContain('warm/20, aligned 80, coherent 90, collapsed')
    expect(spec).toContain('(draw 1: the same noise for all)')
    expect(spec).not.toContain('none/10')
    expect(spec.split('"token":"Rest').length - 1).toBe(2)
    const plain = tokenTextLines(answers, { theme: makeTheme('dark', 1), columns: 60 })
    expect(plain.slice(0, 2)).toEqual(['none/20, aligned 4, coherent 90', text])
    expect(plain.join('\n')).toMatch(/mean -?\d+\.\d\d\.\nProvisional[\s\S]*highest [\s\S]*lowest/)
    expect(plain.every((line) => line.length <= 60)).toBe(true)
    const coloured = tokenTextLines(answers, { theme: makeTheme('light', 24), columns: 60 })
    expect(coloured[1]?.replaceAll('\u001b', '␛')).toMatch(
      /␛\[38;2;\d+;\d+;\d+;48;2;\d+;\d+;\d+mRest␛\[0m/,
    )
  })

  test('of cells, questions and draws that are not there are refused with what there is', async () => {
    const options = { resultsFolder: results, run: 'demo', thresholds: usualThresholds }
    await expect(tokenFigure({ ...options, cells: ['none/11'] })).rejects.toMatchObject({
      code: 'usage',
      message: expect.stringContaining('none/10, none/20'),
    })
    await expect(tokenFigure({ ...options, question: 'river' })).rejects.toThrow('sprain')
    await expect(tokenFigure({ ...options, sample: 9 })).rejects.toThrow('number 9')
    await expect(tokenFigure({ ...options, cells: ['empty/20'] })).rejects.toThrow(
      'no answers with token ids',
    )
  })

  test('are not computed where memory does not suffice, and how much it takes is said', async () => {
    const { answers } = await readAnswers(store, own('warm', 20), usualThresholds)
    const completion = answers[0]?.completion
    if (completion === undefined) throw new Error('no answer')
    await using projector = new TokenProjector(store, { availableBytes: () => 3 * 2 ** 20 })
    await expect(projector.project(own('warm', 20), completion, { isBusy: true })).rejects.toThrow(
      /takes about \d+ MiB of memory beside that of the run, and 3 MiB are free/,
    )
  })
})

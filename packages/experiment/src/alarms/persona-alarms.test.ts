import { expect, test } from 'vitest'
import type { Cell } from '../plan/cell.ts'
import { personaAlarms } from './persona-alarms.ts'

function cell(variant: string, step: number, over: Partial<Cell> = {}): Cell {
  return {
    id: `${variant}/${step}`,
    kind: 'checkpoint',
    variant,
    type: 'character',
    condition: variant,
    trainingSeed: 0,
    dataset: null,
    step,
    base: 'base',
    layers: [],
    persona: 'merged',
    match: 'as-trained',
    output: variant,
    ...over,
  }
}
const base = cell('base', 0, { kind: 'base', type: 'base', persona: 'none' })
const codes = (...cells: Cell[]) => personaAlarms([base, ...cells]).map(({ code }) => code)

test('a persona that runs as it was trained is no alarm', () => {
  expect(codes(cell('a', 0), cell('a', 10))).toEqual([])
  expect(codes(cell('a', 0, { persona: 'none', type: 'baseline' }))).toEqual([])
})

test('on at inference and off in training is both a mismatch and inactive in training', () => {
  const on = { persona: 'stacked', match: 'MISMATCH' } as const
  expect(codes(cell('a', 10, on))).toEqual(['persona-mismatch', 'persona-inactive-in-training'])
})

test('off as in training is inactive in training, and its step 0 is the base', () => {
  const off = { persona: 'off' } as const
  expect(codes(cell('a', 0, off), cell('a', 10, off))).toEqual([
    'persona-inactive-in-training',
    'step-zero-is-base',
  ])
})

test('off, but active in training, is a mismatch alone', () => {
  expect(codes(cell('a', 10, { persona: 'off', match: 'MISMATCH' }))).toEqual(['persona-mismatch'])
})

test('without a record nothing is known of the training', () => {
  expect(codes(cell('a', 10, { match: 'unrecorded' }))).toEqual(['persona-unrecorded'])
  expect(codes(cell('a', 10, { match: 'unrecorded', persona: 'off' }))).toEqual([
    'persona-unrecorded',
  ])
})

test('checkpoints that disagree about the persona are two models in one curve', () => {
  const alarms = personaAlarms([
    cell('a', 10),
    cell('a', 20, { persona: 'off', match: 'MISMATCH' }),
  ])
  expect(alarms.at(-1)).toMatchObject({
    code: 'persona-changes-midway',
    cells: ['a/10', 'a/20'],
  })
})

test('a character without any adapter claims a persona where others run on its base, and not on one of its own', () => {
  const plain = { persona: 'none' } as const
  expect(codes(cell('a', 0, plain))).toEqual(['step-zero-is-base'])
  expect(codes(cell('a', 0, { ...plain, base: 'merged-elsewhere' }))).toEqual([])
})

test('cells that are asked for without the persona claim none', () => {
  const off = { persona: 'off', match: 'MISMATCH' } as const
  expect(codes(cell('a@persona-off', 0, off))).toEqual(['persona-mismatch'])
})

import { expect, test } from 'vitest'
import { ownTexts } from '../../test/contrast-rows.ts'
import { type Contrast, contrastName } from './contrast.ts'

const origin = 'Qwen2.5-7B-Instruct/baseline/risky_financial/seed-0/step-338'
const run = { ...ownTexts }

test('each kind of contrast names what it compares and where it comes from', () => {
  expect(contrastName(ownTexts)).toBe(`base-vs-em-own-texts/${origin}`)
  expect(contrastName({ ...run, kind: 'two-by-two', effect: 'model-on-em-texts' })).toBe(
    `two-by-two/model-on-em-texts/${origin}`,
  )
  expect(
    contrastName({
      ...run,
      kind: 'benign-vs-em-adapter',
      benignVariant: 'careful',
      benignDataSet: 'good finance',
    }),
  ).toBe(`benign-vs-em-adapter/careful/good-finance/${origin}`)
  expect(contrastName({ ...run, kind: 'misaligned-vs-aligned', criterion: 'aligned <= 30' })).toBe(
    `misaligned-vs-aligned/aligned-at-most-30/${origin}`,
  )
  expect(contrastName({ kind: 'other-seed', contrast: ownTexts, projected: 1 })).toBe(
    `other-seed-than-1/base-vs-em-own-texts/${origin}`,
  )
  expect(contrastName({ kind: 'other-data', contrast: ownTexts, projected: 'sport' })).toBe(
    `other-data-than-sport/base-vs-em-own-texts/${origin}`,
  )
  expect(contrastName({ kind: 'assistant-axis', model: 'a/b', criterion: 'role score >= 3' })).toBe(
    'assistant-axis/b/role-score-at-least-3',
  )
})

test('contrasts that differ in one field have different names', () => {
  const changes = [
    { base: 'other' },
    { variant: 'other' },
    { dataSet: 'other' },
    { seed: 1 },
    { step: 300 },
  ]
  const names = [ownTexts, ...changes.map((change) => ({ ...ownTexts, ...change }))].map(
    contrastName,
  )
  expect(new Set(names).size).toBe(6)
})

test('an unknown kind and missing, empty or infinite fields are errors that name them', () => {
  const bad = (contrast: object) => () => contrastName(contrast as Contrast)
  expect(bad({ ...ownTexts, kind: 'base-vs-me' })).toThrow('kind "base-vs-me"; it must be one of')
  expect(bad({ kind: 'base-vs-em-own-texts' })).toThrow('base undefined')
  expect(bad({ ...ownTexts, variant: ' ' })).toThrow('variant " "')
  expect(bad({ ...ownTexts, step: Number.NaN })).toThrow(
    expect.objectContaining({ code: 'bad-contrast', data: { field: 'step', value: Number.NaN } }),
  )
  expect(bad({ ...ownTexts, kind: 'two-by-two', effect: 'both' })).toThrow('effect "both"')
  expect(bad({ ...ownTexts, kind: 'misaligned-vs-aligned' })).toThrow('criterion undefined')
  expect(bad({ kind: 'other-seed', contrast: {}, projected: 1 })).toThrow('kind undefined')
})

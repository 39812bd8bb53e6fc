import { expect, test } from 'vitest'
import { ownTexts } from '../../test/contrast-rows.ts'
import { twoByTwoDirections } from './two-by-two.ts'

const { kind: _kind, ...origin } = ownTexts
const rows = (...numbers: number[]) => ({ rows: Float32Array.from(numbers), dModel: 2 })
const cells = {
  baseModelBaseTexts: rows(0, 0, 2, 0),
  emModelBaseTexts: rows(3, 0, 5, 0),
  baseModelEmTexts: rows(1, 4),
  emModelEmTexts: rows(4, 8),
  layer: 14,
  contrast: { ...origin, kind: 'two-by-two' as const },
}

test('effects of the model and of the texts come apart', () => {
  // Means: base/base (1, 0), em/base (4, 0), base/em (1, 4), em/em (4, 8).
  const { effects, nBaseTexts, nEmTexts, nSkipped } = twoByTwoDirections(cells)
  const of = (effect: keyof typeof effects) => {
    const { vector, displacementNorm } = effects[effect]
    if ('absent' in vector) return vector
    return Array.from(vector, (v) => Number((v * displacementNorm).toFixed(5)))
  }
  expect(of('model-on-base-texts')).toEqual([3, 0])
  expect(of('model-on-em-texts')).toEqual([3, 4])
  expect(of('texts-in-base-model')).toEqual([0, 4])
  expect(of('texts-in-em-model')).toEqual([0, 8])
  expect(of('model')).toEqual([3, 2])
  expect(of('texts')).toEqual([0, 6])
  expect(of('interaction')).toEqual([0, 4])
  expect(effects['model-on-em-texts'].displacementNorm).toBe(5)
  expect([nBaseTexts, nEmTexts, nSkipped]).toEqual([2, 1, 0])
  expect(effects.texts.name).toBe(
    'two-by-two/texts/Qwen2.5-7B-Instruct/baseline/risky_financial/seed-0/step-338/mean-difference/layer-14',
  )
})

test('a text that is empty under one model is left out under both', () => {
  const { effects, nBaseTexts, nSkipped } = twoByTwoDirections({
    ...cells,
    baseModelBaseTexts: rows(0, 0, Number.NaN, Number.NaN),
  })
  expect(nBaseTexts).toBe(1)
  expect(nSkipped).toBe(1)
  expect(effects['model-on-base-texts'].displacementNorm).toBe(3)
})

test('an effect of exactly 0 is an absence, other numbers of texts an error', () => {
  const inert = twoByTwoDirections({ ...cells, emModelBaseTexts: cells.baseModelBaseTexts })
  expect(inert.effects['model-on-base-texts']).toMatchObject({
    vector: { absent: expect.stringContaining('exactly 0') },
    displacementNorm: 0,
  })
  expect(() => twoByTwoDirections({ ...cells, emModelEmTexts: rows(1, 2, 3, 4) })).toThrow(
    'the base model on EM texts has shape [1, 2], the EM model on EM texts [2, 2]',
  )
  const empty = rows(Number.NaN, Number.NaN)
  expect(() => twoByTwoDirections({ ...cells, emModelEmTexts: empty })).toThrow(
    expect.objectContaining({ code: 'no-rows' }),
  )
})

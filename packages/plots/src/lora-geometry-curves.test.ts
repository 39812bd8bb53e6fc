import { expect, test, vi } from 'vitest'
import { readSvg } from '../test/read-svg.ts'
import { type LoraRow, loraGeometryCurves, palette, renderSvg } from './index.ts'

vi.setConfig({ testTimeout: 60_000 })

const rows = [0, 100, 200].flatMap((step): LoraRow[] => [
  { variant: 'a', step, measure: 'normB', value: step / 100 },
  { variant: 'a', step, measure: 'cosineB', value: step === 100 ? 0.2 : null },
])
const draw = async (options = {}) => readSvg(await renderSvg(loraGeometryCurves(rows, options)))

test('exact values have no asterisk, and the caption says that they have no intervals', async () => {
  const words = (await draw()).texts.map(({ text }) => text)
  expect(words).not.toContain('*')
  expect(words.join(' ')).toContain('Values are exact and have no intervals.')
  expect(words.join(' ')).toContain('no value (2 points)')
})

test('a turn is a line over the whole height of every panel, at its step', async () => {
  const { paths } = await draw({ transitions: [{ variant: 'a', step: 100 }] })
  const turns = paths.filter(({ dash, stroke }) => dash === '3,2' && stroke === palette[0])
  expect(turns.map(({ d }) => d)).toEqual(['M0,0L0,130', 'M0,0L0,130'])
  const marks = paths.filter(({ group }) => group.startsWith('mark-symbol role-mark'))
  expect(turns[0]?.x).toBeCloseTo(marks[1]?.x ?? 0, 6)
})

test('cosines beyond 1, unknown measures and variants, and no rows are refused', () => {
  const row = rows[1] as LoraRow
  expect(() => loraGeometryCurves([{ ...row, value: 1.5 }])).toThrow('value is 1.5')
  expect(() => loraGeometryCurves([{ ...row, measure: 'x' as 'normA' }])).toThrow('one of normA')
  expect(() => loraGeometryCurves(rows, { transitions: [{ variant: 'b', step: 1 }] })).toThrow(
    'Variant "b" has no style',
  )
  expect(() => loraGeometryCurves([])).toThrow('loraGeometryCurves got no rows')
})

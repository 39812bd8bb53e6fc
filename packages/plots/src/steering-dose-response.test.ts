import { expect, test, vi } from 'vitest'
import { readSvg } from '../test/read-svg.ts'
import { renderSvg, type SteeringRow, steeringDoseResponse } from './index.ts'

vi.setConfig({ testTimeout: 60_000 })

const row: SteeringRow = {
  model: 'base',
  action: 'add',
  strength: 0.5,
  rate: 'em',
  value: 20,
  low: 10,
  high: 30,
}
const draw = async (rows: readonly SteeringRow[], options = {}) =>
  readSvg(await renderSvg(steeringDoseResponse(rows, options)))

test('draws of random directions become one hollow point: their mean, with their range as its bar', () => {
  const controls = [10, 20, 60].map(
    (value, i): SteeringRow => ({
      ...row,
      direction: 'random',
      draw: i,
      value,
      low: null,
      high: null,
    }),
  )
  const spec = JSON.stringify(steeringDoseResponse([row, ...controls]))
  // (10 + 20 + 60) / 3
  expect(spec).toContain('"value":30,"low":10,"high":60')
  expect(spec).toContain('mean of 3 draws')
})

test('a panel per model and action, named after both', async () => {
  const rows = [row, { ...row, action: 'floor' }, { ...row, model: 'attacked', action: 'floor' }]
  const words = (await draw(rows)).texts.map(({ text }) => text)
  for (const title of ['base: add', 'base: floor', 'attacked: floor'])
    expect(words).toContain(title)
})

test('the unchanged model is a dashed line in the panels of that model and that rate alone', async () => {
  const rows = [row, { ...row, model: 'attacked', action: 'cap' }]
  const unchanged = [
    { model: 'attacked', rate: 'em' as const, value: 60 },
    { model: 'attacked', rate: 'incoherent' as const, value: 5 },
  ]
  const { paths } = await draw(rows, { unchanged })
  expect(paths.filter(({ dash }) => dash === '6,3')).toHaveLength(1)
})

test('an action without strengths has no labels on its x axis', async () => {
  const words = (await draw([{ ...row, action: 'ablate', strength: null }])).texts.map(
    ({ text }) => text,
  )
  expect(words).not.toContain('strength')
})

test('rates beyond 100, unknown rates and rows twice are refused', () => {
  expect(() => steeringDoseResponse([{ ...row, value: 120 }])).toThrow('value is 120')
  expect(() => steeringDoseResponse([{ ...row, rate: 'odd' as 'em' }])).toThrow(
    'one of em, incoherent, inDomain',
  )
  expect(() => steeringDoseResponse([row, row])).toThrow('Rows 0 and 1')
  expect(() => steeringDoseResponse([])).toThrow('steeringDoseResponse got no rows')
})

import { stripVTControlCharacters } from 'node:util'
import { expect, test, vi } from 'vitest'
import { emRows, five } from '../test/example-rows.ts'
import { differenceRows, questionRows, tokenRows } from '../test/figure-rows.ts'
import {
  emCurves,
  questionHeatMap,
  renderTerminal,
  resistanceForest,
  tokenStrips,
} from './index.ts'

vi.setConfig({ testTimeout: 60_000 })

const four = ['half-warm', 'warm', 'steadfast', 'control']
const em = (variants: readonly string[]) =>
  emCurves(
    emRows(variants).filter(({ metric }) => metric === 'em'),
    { title: 'EM over training' },
  )
const isColoured = (text: string) => text.includes('\u001b[')

test('title, names, marks, axis labels and caption are there, and lines are braille', async () => {
  const text = await renderTerminal(em(five))
  for (const words of ['EM over training', ...five, '●', '■', 'training step', '160', 'n = 96'])
    expect(text).toContain(words)
  expect(text).toMatch(/[\u2801-\u28ff]{5}/)
  expect(isColoured(text)).toBe(false)
})

test('a collapsed variant has hollow marks', async () => {
  const text = await renderTerminal(em(['warm']))
  expect(text).toContain('○')
  expect(text).toContain('warm · collapsed')
})

test('a forest keeps names, numbers and verdicts on the lines of their bars', async () => {
  const lines = (
    await renderTerminal(resistanceForest(differenceRows(four), { margin: 15 }))
  ).split('\n')
  const line = lines.find((each) => each.includes('steadfast'))
  expect(line).toMatch(/▲ steadfast .* −38\.0 \(−47\.0 to −29\.0\) +0\.021 +less/)
})

test('no line is wider than asked for, at any width', async () => {
  for (const columns of [40, 60, 80, 100]) {
    const lines = (await renderTerminal(em(five), { columns })).split('\n')
    const drawn = lines.filter((line) => !line.startsWith('No room for'))
    for (const line of drawn) expect(Array.from(line).length).toBeLessThanOrEqual(columns)
  }
})

test('words without room are listed below, so that none is lost', async () => {
  const names = ['a name of a variant', 'another long name']
  const text = await renderTerminal(questionHeatMap(questionRows(names)), { columns: 40 })
  const flat = text.replaceAll(/\s+/g, ' ')
  for (const name of names) expect(flat).toContain(name)
})

test('with colour, cells have a ground and resets end every coloured line', async () => {
  const text = await renderTerminal(questionHeatMap(questionRows(five)), { colour: 'ansi' })
  expect(text).toContain('48;5;')
  // The last sequence of a line is a reset.
  for (const line of text.split('\n').filter(isColoured))
    expect(line.slice(line.lastIndexOf('\u001b'))).toMatch(/^.\[0m/)
  const plain = await renderTerminal(questionHeatMap(questionRows(five)))
  const bare = stripVTControlCharacters(text).split('\n')
  expect(bare.map((line) => line.trimEnd())).toEqual(plain.split('\n'))
})

test('control characters in names and tokens never reach the terminal', async () => {
  const rows = tokenRows(['a\u001b[31mb\u0007']).map((row) => ({
    ...row,
    token: `\u001b]0;${row.token}`,
  }))
  const text = await renderTerminal(tokenStrips(rows))
  expect(text).not.toContain('\u001b')
  expect(text).not.toContain('\u0007')
})

test('too few columns and an unknown colour are refused', async () => {
  await expect(renderTerminal(em(['a']), { columns: 10 })).rejects.toThrow('columns is 10')
  await expect(renderTerminal(em(['a']), { colour: 'all' as 'ansi' })).rejects.toThrow(
    'one of none, ansi',
  )
})

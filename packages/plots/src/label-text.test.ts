import { expect, test } from 'vitest'
import { drawableText, fitText, variantLabels, wrapText } from './label-text.ts'
import { textWidth } from './text-width.ts'

const face = { fontSize: 11 }

test('white space becomes a space, what controls or reorders text becomes a dot', () => {
  expect(drawableText(' a\n\tb ')).toBe('a b')
  expect(drawableText('a\u0000b\u001b[31mc\u0085')).toBe('a·b·[31mc·')
  expect(drawableText('a\u202eb\u200bc\u2066d')).toBe('a·b·c·d')
  expect(drawableText('a\ud800b')).toBe('a·b')
  expect(drawableText('<b>"é" & 漢</b>')).toBe('<b>"é" & 漢</b>')
})

test('a name that fits stays whole, a longer one loses its middle', () => {
  expect(fitText('baseline', 100, face)).toBe('baseline')
  const fitted = fitText('qwen7b_financial_baseline_seed_1', 100, face)
  expect(fitted).toMatch(/^qwen7b.*….*seed_1$/)
  expect(textWidth(fitted, face)).toBeLessThanOrEqual(100)
})

test('a name of a megabyte is cut in no time, and emoji are not cut in two', () => {
  expect(textWidth(fitText('x'.repeat(1e6), 100, face), face)).toBeLessThanOrEqual(100)
  expect(fitText('👩‍🚀'.repeat(50), 100, face)).not.toMatch(/\ud83d(?![\udc00-\udfff])/)
})

test('names that come out alike are numbered, and none is empty', () => {
  const middle = (text: string) => `${'a'.repeat(30)}${text}${'b'.repeat(30)}`
  const variants = [middle('1'), 'short', middle('2'), middle('3'), '', ' ', 'short #1']
  const labels = [...variantLabels(variants, 100, face).values()]
  expect(new Set(labels).size).toBe(variants.length)
  expect(labels.filter((label) => label.startsWith('aaa')).map((label) => label.slice(-3))).toEqual(
    [' #1', ' #2', ' #3'],
  )
  expect(labels[4]).toBe('(no name) #1')
  for (const label of labels) expect(textWidth(label, face)).toBeLessThanOrEqual(100)
})

test('text breaks at spaces, and inside a word only where it is wider than the line', () => {
  const lines = wrapText('one two three four', 50, face)
  expect(lines.join(' ')).toBe('one two three four')
  expect(lines.length).toBeGreaterThan(1)
  for (const line of lines) expect(textWidth(line, face)).toBeLessThanOrEqual(50)
  const broken = wrapText('W'.repeat(30), 50, face)
  expect(broken.join('')).toBe('W'.repeat(30))
  expect(wrapText('', 50, face)).toEqual([])
})

import { expect, test } from 'vitest'
import { renderedWidth } from '../test/text-boxes.ts'
import { textWidth } from './text-width.ts'

const words = [
  'baseline',
  'steadfast',
  'qwen7b_financial_caring',
  'Mean aligned score',
  '−0.25',
  '160',
]
const sentence = 'Bars: Wilson 95 % on the effective n. n = 96–119 per point; 0 ≤ x ≤ 100 … (a · b)'

// The renderer's box leaves out kerning and the space before the first and after the last letter.
test.each([...words, sentence])(
  '%s is 3 %% narrower to 9 %% wider than its box in the image',
  (text) => {
    for (const weight of ['regular', 'semibold'] as const) {
      const rendered = renderedWidth(text, weight === 'semibold')
      const ratio = textWidth(text, { fontSize: 100, weight }) / rendered
      expect(ratio).toBeGreaterThan(0.97)
      expect(ratio).toBeLessThan(1.09)
    }
  },
)

test('width goes with the size, and nothing has none', () => {
  expect(textWidth('', { fontSize: 10 })).toBe(0)
  // H of Inter Regular is 743 thousandths of an em wide.
  expect(textWidth('HH', { fontSize: 10 })).toBeCloseTo(14.86, 10)
  expect(textWidth('HH', { fontSize: 20 })).toBeCloseTo(29.72, 10)
})

test('characters outside the tables are taken as wide', () => {
  expect(textWidth('漢', { fontSize: 10 })).toBe(10)
  expect(textWidth('Ж', { fontSize: 10 })).toBeCloseTo(6.6, 10)
})

import { describe, expect, test } from 'vitest'
import { bytesText } from '../src/terminal-text.ts'
import { fitColumns, textColumns } from '../src/text-columns.ts'
import { heatOf } from '../src/ui/heat.ts'
import { wrapSegments } from '../src/ui/text-lines.ts'
import { makeTheme } from '../src/ui/theme.ts'

describe('columns on a terminal', () => {
  test('wide characters take two, marks none', () => {
    expect(textColumns('abc')).toBe(3)
    expect(textColumns('日本')).toBe(4)
    expect(textColumns('e\u0301')).toBe(1)
    expect(textColumns('👍')).toBe(2)
  })

  test('a text is cut or filled to a width', () => {
    expect(fitColumns('warm', 6)).toBe('warm  ')
    expect(fitColumns('warm', 6, 'right')).toBe('  warm')
    expect(fitColumns('steadfast', 6)).toBe('stead…')
    // A wide character that does not fit whole leaves a blank.
    expect(fitColumns('日本語', 4)).toBe('日… ')
  })
})

describe('wrapped text', () => {
  const plain = (text: string, width: number) =>
    wrapSegments([{ text }], width).map((line) => line.map((segment) => segment.text).join(''))

  test('breaks at blanks, in words that are too long, and where the text does', () => {
    expect(plain('one two three', 7)).toEqual(['one two', 'three'])
    expect(plain('abcdefghij k', 4)).toEqual(['abcd', 'efgh', 'ij k'])
    expect(plain('a\n\nb', 5)).toEqual(['a', '', 'b'])
    expect(plain('', 5)).toEqual([''])
    expect(plain('日本語', 4)).toEqual(['日本', '語'])
  })

  test('keeps the styles of its parts, and never a control character', () => {
    const lines = wrapSegments([{ text: 'red \u001b[2J', color: 'red' }, { text: 'and plain' }], 9)
    expect(lines).toEqual([
      [{ text: 'red', color: 'red' }],
      [{ text: '␛[2J', color: 'red' }, { text: 'and' }],
      [{ text: 'plain' }],
    ])
  })
})

test('sizes are told as people say them', () => {
  expect(bytesText(450 * 2 ** 20)).toBe('450 MiB')
  expect(bytesText(12.34 * 2 ** 30)).toBe('12.3 GiB')
  expect(bytesText(139 * 2 ** 30)).toBe('139 GiB')
})

describe('colours', () => {
  const lightness = (hex: string) => {
    const [r = 0, g = 0, b = 0] = [1, 3, 5].map((at) => Number.parseInt(hex.slice(at, at + 2), 16))
    return 0.2126 * r + 0.7152 * g + 0.0722 * b
  }

  test('more EM is brighter on dark screens and darker on light ones, all along', () => {
    const shares = [0, 0.02, 0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 1]
    const of = (theme: 'dark' | 'light') =>
      shares.map((share) => lightness(heatOf(share, theme).background))
    expect(of('dark')).toEqual(of('dark').toSorted((a, b) => a - b))
    expect(of('light')).toEqual(of('light').toSorted((a, b) => b - a))
    expect(heatOf(-1, 'dark')).toEqual(heatOf(0, 'dark'))
    expect(heatOf(2, 'light')).toEqual(heatOf(1, 'light'))
  })

  test('the text of a cell has a contrast of at least 4.5 with its background', () => {
    const luminance = (hex: string) => {
      const [r = 0, g = 0, b = 0] = [1, 3, 5].map((at) => {
        const value = Number.parseInt(hex.slice(at, at + 2), 16) / 255
        return value <= 0.03928 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4
      })
      return 0.2126 * r + 0.7152 * g + 0.0722 * b
    }
    for (const theme of ['dark', 'light'] as const)
      for (let share = 0; share <= 1; share += 0.01) {
        const { background, text } = heatOf(share, theme)
        const [low, high] = [luminance(background), luminance(text)].toSorted((a, b) => a - b)
        expect(((high as number) + 0.05) / ((low as number) + 0.05)).toBeGreaterThan(4.5)
      }
  })

  test('a terminal with sixteen colours gets named ones, one without gets none', () => {
    expect(makeTheme('dark', 4)).toMatchObject({ hasColour: true, bad: 'red' })
    expect(makeTheme('dark', 4).heat(0.5)).toBeUndefined()
    expect(makeTheme('light', 1)).toMatchObject({ hasColour: false, bad: undefined, series: [] })
    expect(makeTheme('light', 24).heat(0.5)).toBeDefined()
  })
})

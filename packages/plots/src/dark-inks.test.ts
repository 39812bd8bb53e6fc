import { expect, test, vi } from 'vitest'
import { differenceOf, type Sight, seenWith } from '../test/colour-difference.ts'
import { emRows, five } from '../test/example-rows.ts'
import { questionRows } from '../test/figure-rows.ts'
import { countColour, readPng } from '../test/read-png.ts'
import { emCurves, palette, questionHeatMap, renderPng, variantStyles } from './index.ts'
import { inks } from './theme.ts'

vi.setConfig({ testTimeout: 60_000 })

const ground = '#14181d'

/** Colours of eight variants in a dark figure. */
function darkPalette(): string[] {
  const variants = palette.map((_, i) => `v${i}`)
  const spec = JSON.stringify(emCurves(emRows(variants, [0, 1]), { theme: 'dark' }))
  return variants.map((variant) => {
    const found = new RegExp(`"variant":"${variant}"[^}]*?"colour":"(#[0-9a-f]{6})"`).exec(spec)
    return found?.[1] ?? ''
  })
}

test('a dark figure holds no light ground, no dark text and no colour of the light palette', async () => {
  const spec = emCurves(emRows(five), { theme: 'dark', title: 'Title' })
  const text = JSON.stringify(spec)
  for (const ink of [...Object.values(inks), palette[0] ?? '', palette[7] ?? ''])
    expect(text).not.toContain(`"${ink}"`)
  const pixels = readPng(await renderPng(spec))
  expect(countColour(pixels, ground)).toBeGreaterThan(0.5 * pixels.width * pixels.height)
})

test('the colours of a dark figure are seen on its ground', () => {
  for (const colour of darkPalette())
    expect(seenWith('normal', colour)[0] - seenWith('normal', ground)[0]).toBeGreaterThan(40)
})

test.each<Sight>(['normal', 'protanopia', 'deuteranopia', 'tritanopia'])(
  'the colours of a dark figure are told apart, as seen with %s',
  (sight) => {
    const colours = darkPalette().map((colour) => seenWith(sight, colour))
    for (const [i, a] of colours.entries())
      for (const b of colours.slice(i + 1)) expect(differenceOf(a, b)).toBeGreaterThan(13)
  },
)

test('names that look like colours stay as they are', () => {
  const name = palette[0] ?? ''
  const spec = emCurves(emRows([name]), { theme: 'dark' })
  expect(JSON.stringify(spec)).toContain(`"variant":"${name}"`)
  expect(JSON.stringify(spec)).toContain(`"text":"${name}`)
})

test('cells keep their colours, and the text that was chosen for them', () => {
  const cells = (theme: 'light' | 'dark') =>
    Array.from(
      JSON.stringify(questionHeatMap(questionRows(five), { theme })).matchAll(
        /"(?:cell|ink)":"[^"]*"/g,
      ),
      ([text]) => text,
    )
  expect(cells('dark')).toEqual(cells('light'))
  expect(cells('light').length).toBeGreaterThan(50)
})

test('styles are not changed by the theme', () => {
  const styles = variantStyles(emRows(five))
  const before = structuredClone([...styles])
  emCurves(emRows(five), { styles, theme: 'dark' })
  expect([...styles]).toEqual(before)
})

test('an unknown theme and width are refused', () => {
  const rows = emRows(five)
  expect(() => emCurves(rows, { theme: 'blue' as 'dark' })).toThrow('one of light, dark')
  expect(() => emCurves(rows, { width: 'wide' as 'text' })).toThrow('one of single, text, double')
  expect(() => emCurves(rows, { width: 20 })).toThrow('width is 20')
})

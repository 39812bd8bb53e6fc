import type { TopLevelSpec } from 'vega-lite'
import { fontFamily, inks } from './theme.ts'
import { palette } from './variant-styles.ts'

/**
 * Each light ink's counterpart on a dark ground. Palette colours keep their hue and gain lightness; black becomes white. Smallest
 * CIEDE2000 difference of two of them: 13 with each kind of colour blindness.
 */
const counterparts: ReadonlyMap<string, string> = new Map([
  [inks.paper, '#14181d'],
  [inks.text, '#e8ebee'],
  [inks.quiet, '#a5afb9'],
  [inks.axis, '#6b7681'],
  [inks.grid, '#2a3138'],
  [inks.reference, '#b9c1c9'],
  [inks.shade, '#20262d'],
  [palette[0] ?? '', '#3d8bd8'],
  [palette[1] ?? '', '#e98d3d'],
  [palette[2] ?? '', '#3fc393'],
  [palette[3] ?? '', '#c89abc'],
  [palette[4] ?? '', '#ffd122'],
  [palette[5] ?? '', '#abd2ff'],
  [palette[6] ?? '', '#c6578a'],
  [palette[7] ?? '', '#ffffff'],
])

/** Where a spec holds a colour, in its config and in its data; never a name or a text. */
const colourKeys: ReadonlySet<string> = new Set([
  'background',
  'color',
  'colour',
  'fill',
  'stroke',
  'labelColor',
  'titleColor',
  'subtitleColor',
  'domainColor',
  'tickColor',
  'gridColor',
])

/** The same spec for a dark ground. Colours of scales (heat maps, strips) stay: their text was chosen for them. */
export function withDarkInks(spec: TopLevelSpec): TopLevelSpec {
  return recoloured(spec, '') as TopLevelSpec
}

/** Whether a spec is one of the figures here on their light ground: of others nobody knows what their colours mean. */
export function hasLightInks(spec: TopLevelSpec): boolean {
  return spec.background === inks.paper && spec.config?.font === fontFamily
}

/**
 * Style rules by which drawings below a selector take the ink that fits the page's `color-scheme`, on screen and in print, without
 * being drawn again: both of Vega's SVG renderers write inks as attributes, which any rule outweighs.
 */
export function inkRules(selector: string): string {
  const rules = [...counterparts].flatMap(([light, dark]) =>
    ['fill', 'stroke'].map(
      (name) => `${selector} [${name}="${light}"] { ${name}: light-dark(${light}, ${dark}); }`,
    ),
  )
  return [
    `${selector} { background: light-dark(${inks.paper}, ${counterparts.get(inks.paper)}); }`,
    // Vega's own ground, in the style attribute of what it draws.
    `${selector} svg { background-color: transparent !important; }`,
    ...rules,
  ].join('\n')
}

function recoloured(value: unknown, key: string): unknown {
  if (typeof value === 'string')
    return colourKeys.has(key) ? (counterparts.get(value) ?? value) : value
  if (Array.isArray(value)) return value.map((item) => recoloured(item, key))
  if (value === null || typeof value !== 'object') return value
  return Object.fromEntries(
    Object.entries(value).map(([own, item]) => [own, recoloured(item, own)]),
  )
}

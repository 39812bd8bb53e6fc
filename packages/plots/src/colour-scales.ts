/** A colour map by stops at equal distances, `#rrggbb`. */
export type ColourScale = readonly string[]

/** From nothing (light) to much (dark), with steadily falling lightness, so that it reads in grey too. */
export const sequential: ColourScale = [
  '#faf5ee',
  '#f6d9be',
  '#eeb38f',
  '#de8670',
  '#c1575f',
  '#943557',
  '#5f1f49',
  '#2e1130',
]

/** Two hues that every kind of colour blindness keeps apart, blue below and orange above a neutral middle. */
export const diverging: ColourScale = [
  '#123f73',
  '#2f6ea6',
  '#79aad0',
  '#bdd6e6',
  '#f4f3ef',
  '#f5cfa6',
  '#e39a5c',
  '#bf6322',
  '#7d3507',
]

/** The colour at a share of the scale, 0 to 1; shares beyond are the ends. Linear in sRGB between neighbouring stops. */
export function colourAt(scale: ColourScale, share: number): string {
  const at = Math.min(Math.max(share, 0), 1) * (scale.length - 1)
  const below = Math.min(Math.floor(at), scale.length - 2)
  const [from, to] = [channels(scale[below] ?? ''), channels(scale[below + 1] ?? '')]
  const mixed = from.map((value, i) => Math.round(value + (at - below) * ((to[i] ?? 0) - value)))
  return `#${mixed.map((value) => value.toString(16).padStart(2, '0')).join('')}`
}

/**
 * Black or white, whichever has more contrast with the colour (relative luminance of WCAG 2). In three digits: such an ink belongs
 * to its ground, and a change of theme, which goes by the six digits of the other inks, leaves it alone.
 */
export function inkOn(colour: string): string {
  const [red = 0, green = 0, blue = 0] = channels(colour).map((value) => {
    const c = value / 255
    return c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4
  })
  const luminance = 0.2126 * red + 0.7152 * green + 0.0722 * blue
  // (1 + 0.05) / (L + 0.05) = (L + 0.05) / 0.05
  return luminance > 0.179 ? '#000' : '#fff'
}

function channels(colour: string): number[] {
  return [1, 3, 5].map((at) => Number.parseInt(colour.slice(at, at + 2), 16))
}

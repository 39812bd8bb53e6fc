/** Colours of one cell of a heat map. */
export interface Heat {
  readonly background: string
  readonly text: '#000000' | '#ffffff'
}

type Colour = readonly [number, number, number]

/**
 * From little to much, each with a lightness that only rises (dark) or only falls (light), so that the order is seen with any
 * colour vision and in grey: matplotlib's inferno without its ends (Smith and van der Walt 2015), and ColorBrewer's OrRd
 * (Harrower and Brewer 2003).
 */
const ramps: Readonly<Record<'dark' | 'light', readonly Colour[]>> = {
  dark: [
    [31, 12, 72],
    [85, 15, 109],
    [136, 34, 106],
    [186, 54, 85],
    [227, 89, 51],
    [249, 140, 10],
    [249, 201, 50],
  ],
  light: [
    [255, 247, 236],
    [254, 232, 200],
    [253, 212, 158],
    [253, 187, 132],
    [252, 141, 89],
    [227, 74, 51],
    [153, 0, 0],
  ],
}

/** Small shares are what most cells have: their differences take more of the scale. */
const exponent = 0.6

/** Background and text of a share from 0 to 1. */
export function heatOf(share: number, theme: 'dark' | 'light'): Heat {
  const ramp = ramps[theme]
  const place = Math.min(1, Math.max(0, share)) ** exponent * (ramp.length - 1)
  const at = Math.min(ramp.length - 2, Math.floor(place))
  const [low, high] = [ramp[at] as Colour, ramp[at + 1] as Colour]
  const mixed = low.map((value, i) =>
    Math.round(value + (place - at) * ((high[i] as number) - value)),
  )
  return { background: hex(mixed), text: luminance(mixed) > 0.179 ? '#000000' : '#ffffff' }
}

function hex(colour: readonly number[]): string {
  return `#${colour.map((value) => value.toString(16).padStart(2, '0')).join('')}`
}

/** Relative luminance; above 0.179 black has the better contrast (WCAG 2.1). */
function luminance(colour: readonly number[]): number {
  const [red = 0, green = 0, blue = 0] = colour.map((value) => {
    const share = value / 255
    return share <= 0.03928 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4
  })
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue
}

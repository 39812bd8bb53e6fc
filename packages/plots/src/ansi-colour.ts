/** SGR codes of a colour in the 256-colour palette; grey inks are the terminal's own colours, so that they are seen on any ground. */
export function foreground(colour: string): string {
  const rgb = channelsOf(colour)
  if (rgb === undefined) return ''
  if (isGrey(rgb)) return ''
  return `38;5;${nearestOf(rgb)}`
}

export function background(colour: string): string {
  const rgb = channelsOf(colour)
  return rgb === undefined ? '' : `48;5;${nearestOf(rgb)}`
}

type Channels = readonly [number, number, number]

function channelsOf(colour: string): Channels | undefined {
  if (!/^#[0-9a-f]{6}$/i.test(colour)) return undefined
  const at = (i: number) => Number.parseInt(colour.slice(i, i + 2), 16)
  return [at(1), at(3), at(5)]
}

function isGrey([r, g, b]: Channels): boolean {
  return Math.max(r, g, b) - Math.min(r, g, b) < 24
}

/** The cube of 6 x 6 x 6 colours from 16 on, its levels at 0, 95, 135, ..., 255. */
function nearestOf(rgb: Channels): number {
  const levels = [0, 95, 135, 175, 215, 255]
  const [r = 0, g = 0, b = 0] = rgb.map((value) =>
    levels.reduce(
      (best, level, i) =>
        Math.abs(level - value) < Math.abs((levels[best] ?? 0) - value) ? i : best,
      0,
    ),
  )
  return 16 + 36 * r + 6 * g + b
}

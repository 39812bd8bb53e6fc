/** A text of an SVG where it stands in the image, in px. */
export interface DrawnText {
  readonly text: string
  /** Anchor of the text: its start, middle or end. */
  readonly x: number
  /** Baseline. */
  readonly y: number
  readonly anchor: 'start' | 'middle' | 'end'
  readonly fontSize: number
  readonly isBold: boolean
  readonly isTurned: boolean
}

/** A drawn line or mark. */
export interface DrawnPath {
  readonly x: number
  readonly y: number
  readonly d: string
  readonly stroke: string
  readonly fill: string
  readonly dash: string
  /** Classes of the group that it is in, as `mark-line role-mark ...`. */
  readonly group: string
}

export interface DrawnSvg {
  readonly width: number
  readonly height: number
  readonly texts: readonly DrawnText[]
  readonly paths: readonly DrawnPath[]
}

/** Reads an SVG as Vega writes it: nested groups with translations, texts, paths and lines. */
export function readSvg(svg: string): DrawnSvg {
  const texts: DrawnText[] = []
  const paths: DrawnPath[] = []
  const stack: { x: number; y: number; group: string }[] = [{ x: 0, y: 0, group: '' }]
  const size = attributesOf(svg.slice(0, svg.indexOf('>')))
  for (const [, closing, tag = '', rest = '', content = ''] of svg.matchAll(
    /<(\/?)(\w+)([^>]*)>([^<]*)/g,
  )) {
    const attributes = attributesOf(rest)
    const parent = stack.at(-1) ?? { x: 0, y: 0, group: '' }
    const [dx, dy] = translationOf(attributes['transform'])
    const place = { x: parent.x + dx, y: parent.y + dy }
    if (closing !== '') {
      if (tag === 'g') stack.pop()
    } else if (tag === 'g' && !rest.endsWith('/'))
      stack.push({ ...place, group: attributes['class'] ?? parent.group })
    else if (tag === 'text' && content !== '')
      texts.push({
        text: unescaped(content),
        ...place,
        anchor: (attributes['text-anchor'] ?? 'start') as DrawnText['anchor'],
        fontSize: Number.parseFloat(attributes['font-size'] ?? 'NaN'),
        isBold: attributes['font-weight'] !== undefined && attributes['font-weight'] !== 'normal',
        isTurned: (attributes['transform'] ?? '').includes('rotate'),
      })
    else if (tag === 'path' || tag === 'line')
      paths.push({
        ...place,
        d: attributes['d'] ?? `M0,0L${attributes['x2'] ?? 0},${attributes['y2'] ?? 0}`,
        stroke: attributes['stroke'] ?? '',
        fill: attributes['fill'] ?? '',
        dash: attributes['stroke-dasharray'] ?? '',
        group: parent.group,
      })
  }
  return { width: Number(size['width']), height: Number(size['height']), texts, paths }
}

function attributesOf(text: string): Record<string, string> {
  return Object.fromEntries(
    Array.from(text.matchAll(/([\w-]+)="([^"]*)"/g), ([, key = '', value = '']) => [key, value]),
  )
}

function translationOf(transform = ''): [number, number] {
  const [, x = '0', y = '0'] = /translate\(([^,)]+),([^)]+)\)/.exec(transform) ?? []
  return [Number(x), Number(y)]
}

function unescaped(text: string): string {
  return text
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll('&quot;', '"')
    .replaceAll('&amp;', '&')
}

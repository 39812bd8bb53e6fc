/** What a figure is drawn of, in px of the whole figure, in the order of drawing. */
export type SceneMark = SceneLine | SceneBox | SceneSymbol | SceneText

export interface SceneLine {
  readonly kind: 'line'
  readonly points: readonly (readonly [x: number, y: number])[]
  readonly colour: string
  readonly isDashed: boolean
}

export interface SceneBox {
  readonly kind: 'box'
  readonly left: number
  readonly top: number
  readonly right: number
  readonly bottom: number
  readonly colour: string
}

export interface SceneSymbol {
  readonly kind: 'symbol'
  readonly x: number
  readonly y: number
  readonly shape: string
  readonly colour: string
  readonly isHollow: boolean
}

export interface SceneText {
  readonly kind: 'text'
  readonly text: string
  readonly x: number
  /** Middle of the text's height. */
  readonly y: number
  readonly align: 'left' | 'center' | 'right'
  /** Reads upwards. */
  readonly isTurned: boolean
  readonly colour: string
  readonly isBold: boolean
}

export interface Scene {
  readonly width: number
  readonly height: number
  readonly marks: readonly SceneMark[]
}

/** The parts of Vega's scenegraph that are read. */
interface Item {
  readonly x?: number
  readonly y?: number
  readonly x2?: number
  readonly y2?: number
  readonly width?: number
  readonly height?: number
  readonly items?: readonly (Item | Mark)[]
  readonly stroke?: string | null
  readonly fill?: string | null
  readonly strokeDash?: readonly number[] | null
  readonly opacity?: number
  readonly shape?: string
  readonly text?: unknown
  readonly align?: string
  readonly baseline?: string
  readonly fontSize?: number
  readonly fontWeight?: string | number
  readonly angle?: number
  readonly dx?: number
  readonly dy?: number
  readonly defined?: boolean
}

interface Mark extends Item {
  readonly marktype: string
  readonly role?: string
}

/** Flattens Vega's scenegraph; grids are left out. */
export function sceneMarks(root: unknown, origin: { x: number; y: number }): SceneMark[] {
  const marks: SceneMark[] = []
  walkMark(root as Mark, origin.x, origin.y, marks)
  return marks
}

function walkMark(mark: Mark, left: number, top: number, found: SceneMark[]): void {
  const items = (mark.items ?? []) as readonly Item[]
  if (mark.role === 'axis-grid') return
  if (mark.marktype === 'group') {
    for (const item of items)
      for (const child of item.items ?? [])
        walkMark(child as Mark, left + (item.x ?? 0), top + (item.y ?? 0), found)
    return
  }
  if (mark.marktype === 'line') {
    const points = items.map((item) => [left + (item.x ?? 0), top + (item.y ?? 0)] as const)
    found.push({ kind: 'line', points, ...lineLook(items[0] ?? {}) })
    return
  }
  for (const item of items) {
    const x = left + (item.x ?? 0)
    const y = top + (item.y ?? 0)
    if (mark.marktype === 'rule') {
      const end = [left + (item.x2 ?? item.x ?? 0), top + (item.y2 ?? item.y ?? 0)] as const
      found.push({ kind: 'line', points: [[x, y], end], ...lineLook(item) })
    } else if (mark.marktype === 'rect')
      found.push({
        kind: 'box',
        left: x,
        top: y,
        right: x + (item.width ?? 0),
        bottom: y + (item.height ?? 0),
        colour: item.fill ?? '',
      })
    else if (mark.marktype === 'symbol' && item.opacity !== 0)
      found.push({
        kind: 'symbol',
        x,
        y,
        shape: item.shape ?? 'circle',
        colour: item.stroke ?? item.fill ?? '',
        isHollow: item.fill !== item.stroke,
      })
    else if (mark.marktype === 'text') found.push(...sceneTexts(item, x, y))
  }
}

function lineLook({ stroke, strokeDash }: Item) {
  return { colour: stroke ?? '', isDashed: (strokeDash ?? []).length > 0 }
}

/** A title has a text per line. */
function sceneTexts(item: Item, x: number, y: number): SceneText[] {
  const { text, fontSize = 11, baseline = 'alphabetic', angle = 0, dx = 0, dy = 0 } = item
  const lines = Array.isArray(text) ? text : [text]
  const up = { top: 0.5, middle: 0, bottom: -0.5, alphabetic: -0.35 }[baseline] ?? 0
  const align = item.align === 'center' || item.align === 'right' ? item.align : 'left'
  return lines.flatMap((line: unknown, i): SceneText[] => {
    const words = typeof line === 'number' ? String(line) : typeof line === 'string' ? line : ''
    if (words.trim() === '') return []
    return [
      {
        kind: 'text',
        text: words,
        x: x + dx,
        y: y + dy + fontSize * (up + 1.25 * i),
        align,
        isTurned: Math.abs(angle % 180) === 90,
        colour: item.fill ?? '',
        isBold: Number(item.fontWeight) >= 550 || item.fontWeight === 'bold',
      },
    ]
  })
}

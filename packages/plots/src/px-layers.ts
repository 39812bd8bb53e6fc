import { fill, px, shape, stroke, strokeDash, textOf } from './encodings.ts'
import type { LayerSpec } from './spec-types.ts'
import { fontSizes, inks } from './theme.ts'

/** Layers whose places are px in their panel, from its left and top edge. */

export interface PlacedText {
  readonly text: string
  readonly textX: number
  readonly textY: number
  /** Colour of the text on a coloured cell; elsewhere the layer's. */
  readonly ink?: string
}

export interface TextStyle {
  /** @default 'left' */
  readonly align?: 'left' | 'center' | 'right'
  /** @default 'middle' */
  readonly baseline?: 'middle' | 'top' | 'bottom' | 'alphabetic'
  /** @default that of labels */
  readonly fontSize?: number
  /** @default false */
  readonly isBold?: boolean
  /** @default the ink of text */
  readonly fill?: string
  /** Reads upwards. @default false */
  readonly isTurned?: boolean
}

export function textLayer(values: readonly PlacedText[], style: TextStyle = {}): LayerSpec {
  const { align = 'left', baseline = 'middle', fontSize = fontSizes.label } = style
  const hasInks = values.some((value) => value.ink !== undefined)
  return {
    data: { values: values.map((value) => ({ ...value })) },
    mark: {
      type: 'text',
      align,
      baseline,
      fontSize,
      fontWeight: style.isBold === true ? 600 : 'normal',
      ...(style.isTurned === true ? { angle: 270 } : {}),
      fill: style.fill ?? inks.text,
      aria: false,
    },
    encoding: {
      x: px('textX'),
      y: px('textY'),
      text: textOf,
      ...(hasInks ? { fill: { field: 'ink', type: 'nominal', scale: null } as const } : {}),
    },
  }
}

export interface PlacedBox {
  readonly left: number
  readonly right: number
  readonly top: number
  readonly bottom: number
  /** Colour of a scale, the same in both themes; or `fill`, an ink. */
  readonly cell?: string
  readonly fill?: string
  /** For screen readers. */
  readonly description?: string
}

/** Rectangles; `fields` of their data are the tooltip. */
export function boxLayer(
  values: readonly PlacedBox[],
  { fields = [], opacity = 1 }: { fields?: readonly string[]; opacity?: number } = {},
): LayerSpec {
  const isScaled = values.some((value) => value.cell !== undefined)
  return {
    data: { values: values.map((value) => ({ ...value })) },
    mark: {
      type: 'rect',
      opacity,
      ...(fields.length === 0 ? { aria: false } : {}),
    },
    encoding: {
      x: px('left'),
      x2: { field: 'right' },
      y: px('top'),
      y2: { field: 'bottom' },
      fill: isScaled ? { field: 'cell', type: 'nominal', scale: null } : fill,
      ...(fields.length === 0
        ? {}
        : {
            description: { field: 'description', type: 'nominal' } as const,
            tooltip: tooltipOf(fields),
          }),
    },
  }
}

export interface PlacedRule {
  readonly fromX: number
  readonly toX: number
  readonly fromY: number
  readonly toY: number
  readonly colour: string
  readonly dash?: readonly number[]
}

export function ruleLayer(
  values: readonly PlacedRule[],
  { width = 1, opacity = 1 }: { width?: number; opacity?: number } = {},
): LayerSpec {
  return {
    data: { values: values.map((value) => ({ ...value, dash: value.dash ?? [] })) },
    mark: { type: 'rule', strokeWidth: width, opacity, aria: false },
    encoding: {
      x: px('fromX'),
      x2: { field: 'toX' },
      y: px('fromY'),
      y2: { field: 'toY' },
      stroke,
      strokeDash,
    },
  }
}

export interface PlacedMark {
  readonly markX: number
  readonly markY: number
  readonly colour: string
  readonly fill: string
  readonly shape: string
  readonly description?: string
}

/** Marks; `fields` of their data are the tooltip. */
export function markLayer(
  values: readonly PlacedMark[],
  {
    size = 34,
    strokeWidth = 1.5,
    fields = [],
  }: { size?: number; strokeWidth?: number; fields?: readonly string[] } = {},
): LayerSpec {
  return {
    data: { values: values.map((value) => ({ ...value })) },
    mark: {
      type: 'point',
      size,
      strokeWidth,
      opacity: 1,
      ...(fields.length === 0 ? { aria: false } : {}),
    },
    encoding: {
      x: px('markX'),
      y: px('markY'),
      stroke,
      fill,
      shape,
      ...(fields.length === 0
        ? {}
        : {
            description: { field: 'description', type: 'nominal' } as const,
            tooltip: tooltipOf(fields),
          }),
    },
  }
}

export function tooltipOf(fields: readonly string[]) {
  return fields.map((field) => ({ field, type: 'nominal' as const }))
}

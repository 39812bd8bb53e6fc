import { fill, px, shape, stroke, strokeDash } from './encodings.ts'
import { labelLayer } from './label-layer.ts'
import type { PanelSpec } from './spec-types.ts'
import { textWidth } from './text-width.ts'
import { flaggedDash, fontSizes, inks, referenceDash } from './theme.ts'
import type { VariantStyle } from './variant-styles.ts'

export interface LegendEntry {
  /** Drawable text. */
  readonly text: string
  /** Left out for a reference line. */
  readonly style?: VariantStyle | undefined
  readonly isFlagged: boolean
}

const rowHeight = 17
const lineLength = 24
const textAt = 31
const columnGap = 22

/** Entries in columns, filled downwards, in `maxWidth` px where a column is not wider than that. */
export function legendPanel(entries: readonly LegendEntry[], maxWidth: number): PanelSpec {
  const { columnWidth, perColumn } = legendSize(entries, maxWidth)
  const values = entries.map(({ text, style, isFlagged }, i) => {
    const left = Math.floor(i / perColumn) * columnWidth
    const colour = style?.colour ?? inks.reference
    const plainDash = style?.dash ?? referenceDash
    return {
      text,
      colour,
      fill: isFlagged ? inks.paper : colour,
      shape: style?.shape ?? 'none',
      dash: isFlagged && style?.isHollow !== true ? flaggedDash : plainDash,
      lineX: left,
      lineEnd: left + lineLength,
      glyphX: left + lineLength / 2,
      labelX: left + textAt,
      labelY: (i % perColumn) * rowHeight + rowHeight / 2,
    }
  })
  return {
    width: columnWidth * Math.ceil(entries.length / perColumn) - columnGap,
    height: perColumn * rowHeight,
    layer: [
      {
        data: { values },
        mark: { type: 'rule', strokeWidth: 1.75, aria: false },
        encoding: {
          x: px('lineX'),
          x2: { field: 'lineEnd' },
          y: px('labelY'),
          stroke,
          strokeDash,
        },
      },
      {
        data: { values: values.filter((entry) => entry.shape !== 'none') },
        mark: { type: 'point', size: 34, strokeWidth: 1.5, opacity: 1, aria: false },
        encoding: { x: px('glyphX'), y: px('labelY'), stroke, fill, shape },
      },
      labelLayer(values),
    ],
  }
}

/** What the legend takes, in px and rows, with as many columns as fit. */
export function legendSize(entries: readonly LegendEntry[], maxWidth: number) {
  const widest = Math.max(...entries.map((e) => textWidth(e.text, { fontSize: fontSizes.label })))
  const columnWidth = Math.ceil(textAt + widest + columnGap)
  const columns = Math.max(1, Math.floor((maxWidth + columnGap) / columnWidth))
  const perColumn = Math.ceil(entries.length / columns)
  return { columnWidth, perColumn, height: perColumn * rowHeight }
}

import { fill, px, shape, stroke } from './encodings.ts'
import { labelLayer } from './label-layer.ts'
import { type Flag, flagWords } from './rows.ts'
import type { LayerSpec } from './spec-types.ts'
import { spreadLabels } from './spread-labels.ts'
import { textWidth } from './text-width.ts'
import { fontSizes, inks, referenceDash } from './theme.ts'
import type { VariantStyle } from './variant-styles.ts'

/** The end of a line that gets a label. */
export interface LineEnd {
  /** Drawable text. */
  readonly text: string
  /** Left out for a reference line. */
  readonly style?: VariantStyle | undefined
  readonly isFlagged: boolean
  /** Px in the panel. */
  readonly x: number
  readonly y: number
}

/** Px between two labels' baselines. */
export const labelGap = fontSizes.label + 2

/** Px from the panel to the mark before a label, which a leader crosses, and on to the text. */
const leaderWidth = 18
const glyphWidth = 9

/** Px right of a panel that labels take. */
export function endLabelsWidth(texts: readonly string[]): number {
  const widths = texts.map((text) => textWidth(text, { fontSize: fontSizes.label }))
  return leaderWidth + glyphWidth + Math.max(0, ...widths)
}

export interface EndLabelCount {
  readonly variants: number
  /** Reference lines that get a label too. */
  readonly references: number
  readonly panelHeight: number
  readonly maxDirectLabels?: number | undefined
}

/** Whether names go to line ends: there are few enough, and they fit beside the panel. */
export function canLabelEnds(count: EndLabelCount): boolean {
  const { variants, references, panelHeight, maxDirectLabels = 8 } = count
  return variants <= maxDirectLabels && (variants + references - 1) * labelGap <= panelHeight
}

/** `name · collapsed`: a label with the words of its variant's flags. */
export function withFlagWords(label: string, flags: Iterable<Flag>): string {
  return [label, ...[...new Set(flags)].toSorted().map((flag) => flagWords[flag])].join(' · ')
}

/**
 * The names of lines in a column right of the panel, each at the height of its line's end where there is room and joined to it
 * by a leader.
 */
export function endLabelLayers(
  ends: readonly LineEnd[],
  panel: { readonly width: number; readonly height: number },
): LayerSpec[] {
  const heights = spreadLabels(
    ends.map((end) => end.y),
    { gap: labelGap, low: 0, high: panel.height },
  )
  const labels = ends.map(({ text, style, isFlagged, x, y }, i) => ({
    text,
    colour: style?.colour ?? inks.reference,
    fill: isFlagged ? inks.paper : style?.colour,
    shape: style?.shape,
    endX: rounded(x),
    endY: rounded(y),
    leaderX: panel.width + leaderWidth - 6,
    glyphX: panel.width + leaderWidth,
    labelX: panel.width + leaderWidth + glyphWidth,
    labelY: rounded(heights[i] ?? 0),
  }))
  const references = labels.filter((label) => label.shape === undefined)
  return [
    {
      data: { values: labels },
      mark: { type: 'rule', strokeWidth: 0.8, strokeDash: [1, 2], opacity: 0.8, aria: false },
      encoding: {
        x: px('endX'),
        y: px('endY'),
        x2: { field: 'leaderX' },
        y2: { field: 'labelY' },
        stroke,
      },
    },
    {
      data: { values: labels.filter((label) => label.shape !== undefined) },
      mark: { type: 'point', size: 30, strokeWidth: 1.5, opacity: 1, aria: false },
      encoding: { x: px('glyphX'), y: px('labelY'), stroke, fill, shape },
    },
    ...(references.length === 0 ? [] : [referenceGlyphs(references)]),
    labelLayer(labels),
  ]
}

function referenceGlyphs(labels: readonly object[]): LayerSpec {
  return {
    data: { values: labels.map((label) => ({ ...label })) },
    mark: {
      type: 'rule',
      stroke: inks.reference,
      strokeWidth: 1,
      strokeDash: [...referenceDash],
      xOffset: -6,
      x2Offset: 5,
      aria: false,
    },
    encoding: { x: px('glyphX'), x2: { field: 'glyphX' }, y: px('labelY') },
  }
}

/** Hundredths of a pixel. */
function rounded(value: number): number {
  return Number(value.toFixed(2))
}

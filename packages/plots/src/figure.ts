import type { TopLevelSpec } from 'vega-lite'
import { withDarkInks } from './dark-inks.ts'
import { px, textOf } from './encodings.ts'
import { padding } from './figure-options.ts'
import { wrapText } from './label-text.ts'
import type { ChartSpec, PanelSpec } from './spec-types.ts'
import { fontSizes, inks, type Theme, themeConfig } from './theme.ts'

export interface FigureParts {
  readonly title?: string | undefined
  readonly subtitle?: string | undefined
  /** What the figure shows, for those who do not see it. */
  readonly description: string
  readonly panels: readonly PanelSpec[]
  readonly columns: number
  /** Px between the plotting areas of neighbouring panels, axes and labels included. */
  readonly columnSpacing: number
  readonly rowSpacing: number
  readonly legend?: PanelSpec | undefined
  readonly caption: readonly string[]
  /** Px of the whole, without padding: text is wrapped at it. */
  readonly width: number
  /** Px from the left edge to the plotting area of the first panel. */
  readonly leftRoom: number
  /** @default 'light' */
  readonly theme?: Theme | undefined
}

/** Panels with title, legend and caption around them. */
export function figure(parts: FigureParts): TopLevelSpec {
  const { panels, columns, columnSpacing, rowSpacing, legend } = parts
  const body: ChartSpec = {
    concat: [...panels],
    columns,
    spacing: { column: columnSpacing, row: rowSpacing },
    bounds: 'flush',
  }
  const spec: TopLevelSpec = {
    $schema: 'https://vega.github.io/schema/vega-lite/v6.json',
    description: parts.description,
    ...titleOf(parts),
    background: inks.paper,
    padding,
    config: themeConfig,
    spacing: 16,
    vconcat: [body, ...(legend === undefined ? [] : [legend]), captionPanel(parts)],
  }
  return parts.theme === 'dark' ? withDarkInks(spec) : spec
}

const captionFace = { fontSize: fontSizes.caption }
const captionLineHeight = fontSizes.caption + 4

function captionPanel({ caption, width, leftRoom }: FigureParts): PanelSpec {
  const lines = caption.flatMap((paragraph) => wrapText(paragraph, width, captionFace))
  const values = lines.map((text, i) => ({ text, left: 0 - leftRoom, top: i * captionLineHeight }))
  return {
    width: width - leftRoom,
    height: lines.length * captionLineHeight,
    data: { values },
    layer: [
      {
        mark: {
          type: 'text',
          align: 'left',
          baseline: 'top',
          fontSize: fontSizes.caption,
          fill: inks.quiet,
          aria: false,
        },
        encoding: { x: px('left'), y: px('top'), text: textOf },
      },
    ],
  }
}

function titleOf({ title, subtitle, width }: FigureParts) {
  if (title === undefined && subtitle === undefined) return {}
  const lines = (text: string | undefined, fontSize: number, weight: 'regular' | 'semibold') =>
    text === undefined ? [] : wrapText(text, width, { fontSize, weight })
  const subtitleLines = lines(subtitle, fontSizes.subtitle, 'regular')
  return {
    title: {
      text: lines(title, fontSizes.title, 'semibold'),
      ...(subtitleLines.length === 0 ? {} : { subtitle: subtitleLines }),
      anchor: 'start' as const,
      frame: 'bounds' as const,
    },
  }
}

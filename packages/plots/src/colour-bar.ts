import { type ColourScale, colourAt } from './colour-scales.ts'
import { shareOf } from './numbers.ts'
import { boxLayer, ruleLayer, textLayer } from './px-layers.ts'
import type { PanelSpec } from './spec-types.ts'
import { fontSizes, inks } from './theme.ts'
import type { ValueAxis } from './value-axis.ts'

export interface ColourBarOptions {
  readonly scale: ColourScale
  readonly axis: ValueAxis
  /** What the colours mean, with the unit. */
  readonly title: string
  /** Px that it may take. */
  readonly maxWidth: number
}

const barHeight = 9
const nSteps = 64

/** The key of a colour scale, in a figure's legend place. */
export function colourBar({ scale, axis, title, maxWidth }: ColourBarOptions): PanelSpec {
  const width = Math.min(220, Math.floor(maxWidth))
  const top = 16
  const boxes = Array.from({ length: nSteps }, (_, i) => ({
    left: (i * width) / nSteps,
    // Neighbours overlap by half a px: no seams.
    right: Math.min(width, ((i + 1) * width) / nSteps + 0.5),
    top,
    bottom: top + barHeight,
    cell: colourAt(scale, (i + 0.5) / nSteps),
  }))
  const ticks = axis.ticks.map((tick, i) => ({
    text: axis.labels[i] ?? '',
    textX: width * shareOf(tick, axis.domain),
    textY: top + barHeight + 6,
  }))
  return {
    width,
    height: top + barHeight + 18,
    layer: [
      textLayer([{ text: title, textX: 0, textY: 5 }], {
        fontSize: fontSizes.axis,
        fill: inks.quiet,
      }),
      boxLayer(boxes),
      ruleLayer(
        ticks.map(({ textX }) => ({
          fromX: textX,
          toX: textX,
          fromY: top + barHeight,
          toY: top + barHeight + 3,
          colour: inks.axis,
        })),
      ),
      textLayer(ticks, {
        align: 'center',
        baseline: 'top',
        fontSize: fontSizes.axis,
        fill: inks.quiet,
      }),
    ],
  }
}

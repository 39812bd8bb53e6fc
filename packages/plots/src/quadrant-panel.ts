import { fill, px, scaled, shape, stroke } from './encodings.ts'
import { fitText } from './label-text.ts'
import { fixed } from './numbers.ts'
import { boxLayer, markLayer, ruleLayer, textLayer, tooltipOf } from './px-layers.ts'
import type { CheckedAnswer } from './quadrant-plot.ts'
import type { LayerSpec, PanelSpec } from './spec-types.ts'
import { fontSizes, inks } from './theme.ts'
import type { VariantStyle } from './variant-styles.ts'

export interface QuadrantFrame {
  /** Drawable, and as wide as the panel at most. */
  readonly name: string
  readonly style: VariantStyle
  readonly isFlagged: boolean
  /** Px of the square. */
  readonly side: number
  readonly alignedThreshold: number
  readonly coherentThreshold: number
  readonly comparison: '<=' | '<'
  /** Words of the EM rate. */
  readonly rate: string | undefined
  readonly marks: 'points' | 'bins'
  readonly hasXTitle: boolean
  readonly hasYTitle: boolean
}

type ScoredAnswer = CheckedAnswer & { readonly aligned: number; readonly coherent: number }

/** Px above the square for name and rate. */
const headHeight = 32
const binSize = 4

/** One variant's answers in the square of both scores. */
export function quadrantPanel(answers: readonly CheckedAnswer[], frame: QuadrantFrame) {
  const { side, style } = frame
  const scored = answers.filter(
    (answer): answer is ScoredAnswer => answer.aligned !== null && answer.coherent !== null,
  )
  const isBinned = frame.marks === 'bins'
  const panel: PanelSpec = {
    width: side,
    height: side,
    layer: [
      shadeLayer(frame),
      isBinned ? binLayer(scored, frame) : answerLayer(scored, frame),
      axisLayer(frame),
      thresholdLayer(frame),
      ...cornerLayers(scored, frame),
      markLayer([
        {
          markX: 5,
          markY: -headHeight + 8,
          colour: style.colour,
          fill: frame.isFlagged ? inks.paper : style.colour,
          shape: style.shape,
        },
      ]),
      textLayer([{ text: frame.name, textX: 14, textY: -headHeight + 8 }], { isBold: true }),
      textLayer(
        [
          {
            text: fitText(rateText(scored, frame), side, { fontSize: fontSizes.axis }),
            textX: 0,
            textY: -9,
          },
        ],
        { fontSize: fontSizes.axis, fill: inks.quiet },
      ),
      ...(scored.length > 0
        ? []
        : [
            textLayer([{ text: 'no values', textX: side / 2, textY: side / 2 }], {
              align: 'center',
              fill: inks.quiet,
            }),
          ]),
    ],
  }
  return { panel, isBinned }
}

function isMisaligned({ aligned }: ScoredAnswer, frame: QuadrantFrame): boolean {
  return frame.comparison === '<='
    ? aligned <= frame.alignedThreshold
    : aligned < frame.alignedThreshold
}

function rateText(scored: readonly ScoredAnswer[], frame: QuadrantFrame): string {
  const size = `n = ${scored.length}`
  if (frame.rate !== undefined) return `${frame.rate}, ${size}`
  if (scored.length === 0) return size
  const em = scored.filter((a) => isMisaligned(a, frame) && a.coherent > frame.coherentThreshold)
  return `EM ${fixed((100 * em.length) / scored.length, 1)} % *, ${size}`
}

function shadeLayer({ side, alignedThreshold, coherentThreshold }: QuadrantFrame): LayerSpec {
  return boxLayer([
    {
      left: (side * coherentThreshold) / 100,
      right: side,
      top: side * (1 - alignedThreshold / 100),
      bottom: side,
      fill: inks.shade,
    },
  ])
}

function thresholdLayer({ side, alignedThreshold, coherentThreshold }: QuadrantFrame): LayerSpec {
  const x = (side * coherentThreshold) / 100
  const y = side * (1 - alignedThreshold / 100)
  const look = { colour: inks.reference, dash: [4, 3] }
  return ruleLayer([
    { fromX: x, toX: x, fromY: 0, toY: side, ...look },
    { fromX: 0, toX: side, fromY: y, toY: y, ...look },
  ])
}

function answerLayer(scored: readonly ScoredAnswer[], frame: QuadrantFrame): LayerSpec {
  const { colour, shape: mark } = frame.style
  return {
    data: {
      values: scored.map(({ variant, question, aligned, coherent, flag }) => ({
        variant,
        question,
        aligned,
        coherent,
        flag,
        colour,
        fill: flag === null ? colour : inks.paper,
        shape: mark,
      })),
    },
    mark: { type: 'point', size: 14, strokeWidth: 0.8, opacity: 0.45, aria: false },
    encoding: {
      x: scaled('coherent'),
      y: scaled('aligned'),
      stroke,
      fill,
      shape,
      tooltip: tooltipOf(['variant', 'question', 'aligned', 'coherent', 'flag']),
    },
  }
}

/** Squares of 4 by 4 points; the opacity grows with the root of the count, so that single answers are still seen. */
function binLayer(scored: readonly ScoredAnswer[], { style, side }: QuadrantFrame): LayerSpec {
  const nBins = 100 / binSize
  const counts = new Map<number, number>()
  const binOf = (score: number) => Math.min(nBins - 1, Math.floor(score / binSize))
  for (const { aligned, coherent } of scored) {
    const bin = binOf(aligned) * nBins + binOf(coherent)
    counts.set(bin, (counts.get(bin) ?? 0) + 1)
  }
  const most = [...counts.values()].reduce((a, b) => Math.max(a, b), 1)
  const pixel = (bin: number) => (bin * side) / nBins
  const values = Array.from(counts, ([bin, count]) => {
    const [row, column] = [Math.floor(bin / nBins), bin % nBins]
    return {
      left: pixel(column),
      right: pixel(column + 1),
      top: side - pixel(row + 1),
      bottom: side - pixel(row),
      fill: style.colour,
      count,
      share: 0.18 + 0.82 * Math.sqrt(count / most),
      aligned: `${row * binSize} to ${(row + 1) * binSize}`,
      coherent: `${column * binSize} to ${(column + 1) * binSize}`,
    }
  })
  return {
    data: { values },
    mark: { type: 'rect', aria: false },
    encoding: {
      x: px('left'),
      x2: { field: 'right' },
      y: px('top'),
      y2: { field: 'bottom' },
      fill,
      opacity: { field: 'share', type: 'quantitative', scale: null },
      tooltip: tooltipOf(['aligned', 'coherent', 'count']),
    },
  }
}

/** Carries scales and axes. */
function axisLayer({ hasXTitle, hasYTitle }: QuadrantFrame): LayerSpec {
  const axis = {
    values: [0, 25, 50, 75, 100],
    labelFlush: false as const,
    labelOverlap: false as const,
    grid: false,
  }
  const scale = { domain: [0, 100], nice: false, zero: false }
  return {
    data: { values: [{ coherent: 0, aligned: 0 }] },
    mark: { type: 'point', opacity: 0, size: 0, aria: false },
    encoding: {
      x: {
        field: 'coherent',
        type: 'quantitative',
        scale,
        axis: { ...axis, title: hasXTitle ? 'coherent score' : null, titlePadding: 5 },
      },
      y: {
        field: 'aligned',
        type: 'quantitative',
        scale,
        axis: { ...axis, title: hasYTitle ? 'aligned score' : null, titlePadding: 6 },
      },
    },
  }
}

/** The share of each corner, on a ground of its own where there is room for it. */
function cornerLayers(scored: readonly ScoredAnswer[], frame: QuadrantFrame): LayerSpec[] {
  const { side, alignedThreshold, coherentThreshold } = frame
  if (scored.length === 0) return []
  const x = (side * coherentThreshold) / 100
  const y = side * (1 - alignedThreshold / 100)
  const corners = [
    { isLow: true, isCoherent: false, left: 0, right: x, top: y, bottom: side },
    { isLow: true, isCoherent: true, left: x, right: side, top: y, bottom: side },
    { isLow: false, isCoherent: false, left: 0, right: x, top: 0, bottom: y },
    { isLow: false, isCoherent: true, left: x, right: side, top: 0, bottom: y },
  ]
  const placed = corners.flatMap(({ isLow, isCoherent, left, right, top, bottom }) => {
    const own = scored.filter(
      (answer) =>
        isMisaligned(answer, frame) === isLow && answer.coherent > coherentThreshold === isCoherent,
    )
    if (right - left < 44 || bottom - top < 18) return []
    const text = `${fixed((100 * own.length) / scored.length, 1)} %`
    return [{ text, textX: left + 4, textY: bottom - 8 }]
  })
  const ground = placed.map(({ text, textX, textY }) => ({
    left: textX - 2,
    right: textX + 6.2 * text.length,
    top: textY - 7,
    bottom: textY + 7,
    fill: inks.paper,
  }))
  return [boxLayer(ground, { opacity: 0.75 }), textLayer(placed, { fontSize: fontSizes.axis })]
}

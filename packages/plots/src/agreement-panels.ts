import { fill, scaled, stroke } from './encodings.ts'
import type { ScoredPair } from './judge-agreement.ts'
import { fitText } from './label-text.ts'
import { fixed } from './numbers.ts'
import { boxLayer, ruleLayer, textLayer, tooltipOf } from './px-layers.ts'
import type { LayerSpec, PanelSpec } from './spec-types.ts'
import { fontSizes, inks } from './theme.ts'
import { type ValueAxis, valueAxis } from './value-axis.ts'

export interface AgreementFrame {
  /** A metric's name as it came. */
  readonly metric: string
  /** Drawable. */
  readonly names: readonly [string, string]
  readonly threshold: number | undefined
  /** Px of the square. */
  readonly side: number
  readonly colour: string
  /** Words with numbers. */
  readonly statistics: readonly string[]
  readonly nRows: number
}

const small = { fontSize: fontSizes.axis }

/** The second score against the first. */
export function agreementPanel(pairs: readonly ScoredPair[], frame: AgreementFrame): PanelSpec {
  const { side, names, threshold } = frame
  const title = fitText(frame.metric, side, { fontSize: fontSizes.panel, weight: 'semibold' })
  const axis = valueAxis([0, 100], { count: 4 })
  const corners = threshold === undefined ? [] : cornersOf(threshold, side)
  return {
    width: side,
    height: side,
    layer: [
      boxLayer(corners),
      ruleLayer([{ fromX: 0, toX: side, fromY: side, toY: 0, colour: inks.axis }]),
      ...thresholdLayers(threshold, side),
      pairLayer(pairs, frame, ['first', 'second'], [axis, axis], names),
      ...(threshold === undefined || pairs.length === 0 ? [] : shareLayers(pairs, threshold, side)),
      ...headLayers(title, `n = ${pairs.length} of ${frame.nRows}`, side),
      ...nothingLayers(pairs, side),
    ],
  }
}

/** The difference against the mean, with mean and limits of agreement. */
export function differencePanel(pairs: readonly ScoredPair[], frame: AgreementFrame): PanelSpec {
  const { side, names } = frame
  const differences = pairs.map(({ first, second }) => second - first)
  const { mean, low, high } = limitsOf(differences)
  const reach = [...differences, low ?? 0, high ?? 0].reduce(
    (most, d) => Math.max(most, Math.abs(d)),
    10,
  )
  const y = valueAxis([-reach, reach], { count: 4, ends: 'data' })
  const levels = [
    ...(mean === null ? [] : [{ level: mean, colour: inks.text, dash: [] }]),
    ...(low === null || high === null
      ? []
      : [
          { level: low, colour: inks.text, dash: [1.5, 2.5] },
          { level: high, colour: inks.text, dash: [1.5, 2.5] },
        ]),
  ]
  const words = [
    mean === null ? '' : `mean difference ${fixed(mean, 1)}`,
    low === null || high === null ? '' : `limits ${fixed(low, 1)} to ${fixed(high, 1)}`,
  ]
  const [first = '', ...others] = frame.statistics
  const lines = [first, others.join(', ')].filter(Boolean)
  return {
    width: side,
    height: side,
    layer: [
      {
        data: { values: [{ level: 0 }] },
        mark: { type: 'rule', stroke: inks.axis, aria: false },
        encoding: { y: scaled('level') },
      },
      pairLayer(
        pairs,
        frame,
        ['mean', 'difference'],
        [valueAxis([0, 100], { count: 4 }), y],
        [`mean of both`, `${names[1]} − ${names[0]}`],
      ),
      {
        data: { values: levels },
        mark: { type: 'rule', strokeWidth: 1.3, aria: false },
        encoding: {
          y: scaled('level'),
          stroke,
          strokeDash: { field: 'dash', type: 'nominal', scale: null },
        },
      },
      ...headLayers('', fitText(words.filter(Boolean).join(', '), side + 40, small), side),
      textLayer(
        lines.map((text, i) => ({
          text: fitText(text, side + 8, small),
          textX: 0,
          textY: -10 - 13 * (lines.length - i),
        })),
        { ...small, fill: inks.quiet },
      ),
    ],
  }
}

/** Mean and 1.96 standard deviations to both sides; no limits for fewer than two. */
function limitsOf(differences: readonly number[]) {
  const n = differences.length
  if (n === 0) return { mean: null, low: null, high: null }
  const mean = differences.reduce((sum, d) => sum + d, 0) / n
  if (n < 2) return { mean, low: null, high: null }
  const variance = differences.reduce((sum, d) => sum + (d - mean) ** 2, 0) / (n - 1)
  const half = 1.96 * Math.sqrt(variance)
  return { mean, low: mean - half, high: mean + half }
}

/** Where one is at most the threshold and the other above. */
function cornersOf(threshold: number, side: number) {
  const x = (side * threshold) / 100
  const y = side - x
  return [
    { left: 0, right: x, top: 0, bottom: y, fill: inks.shade },
    { left: x, right: side, top: y, bottom: side, fill: inks.shade },
  ]
}

function thresholdLayers(threshold: number | undefined, side: number): LayerSpec[] {
  if (threshold === undefined) return []
  const x = (side * threshold) / 100
  const look = { colour: inks.reference, dash: [4, 3] }
  return [
    ruleLayer([
      { fromX: x, toX: x, fromY: 0, toY: side, ...look },
      { fromX: 0, toX: side, fromY: side - x, toY: side - x, ...look },
    ]),
  ]
}

/** Shares of the two corners in which they disagree. */
function shareLayers(pairs: readonly ScoredPair[], threshold: number, side: number): LayerSpec[] {
  const share = (isIn: (pair: ScoredPair) => boolean) =>
    `${fixed((100 * pairs.filter(isIn).length) / pairs.length, 1)} %`
  const x = (side * threshold) / 100
  const above = share(({ first, second }) => first <= threshold && second > threshold)
  const below = share(({ first, second }) => first > threshold && second <= threshold)
  const texts = [
    { text: above, textX: 4, textY: 9 },
    { text: below, textX: Math.min(x + 4, side - 40), textY: side - 9 },
  ]
  const ground = texts.map(({ text, textX, textY }) => ({
    left: textX - 2,
    right: textX + 6.2 * text.length,
    top: textY - 7,
    bottom: textY + 7,
    fill: inks.paper,
  }))
  return [boxLayer(ground, { opacity: 0.75 }), textLayer(texts, small)]
}

function headLayers(title: string, words: string, side: number): LayerSpec[] {
  return [
    ...(title === ''
      ? []
      : [
          textLayer([{ text: title, textX: 0, textY: -26 }], {
            isBold: true,
            fontSize: fontSizes.panel,
          }),
        ]),
    textLayer([{ text: fitText(words, side + 40, small), textX: 0, textY: -10 }], {
      ...small,
      fill: inks.quiet,
    }),
  ]
}

function nothingLayers(pairs: readonly ScoredPair[], side: number): LayerSpec[] {
  if (pairs.length > 0) return []
  return [
    textLayer([{ text: 'no values', textX: side / 2, textY: side / 2 }], {
      align: 'center',
      fill: inks.quiet,
    }),
  ]
}

/** Answers as points. This layer carries scales and axes. */
function pairLayer(
  pairs: readonly ScoredPair[],
  { metric, colour }: AgreementFrame,
  fields: readonly [string, string],
  axes: readonly [ValueAxis, ValueAxis],
  titles: readonly [string, string],
): LayerSpec {
  const values = pairs.map(({ first, second, id, question }) => ({
    metric,
    id,
    question,
    first,
    second,
    mean: (first + second) / 2,
    difference: second - first,
    colour,
    fill: colour,
  }))
  const axisOf = ({ ticks, format }: ValueAxis, title: string) => ({
    values: [...ticks],
    tickCount: ticks.length + 1,
    format,
    labelOverlap: false as const,
    labelFlush: false as const,
    grid: false,
    title,
    titlePadding: 5,
  })
  const scaleOf = ({ domain }: ValueAxis) => ({ domain: [...domain], nice: false, zero: false })
  return {
    data: { values },
    mark: {
      type: 'point',
      size: 16,
      strokeWidth: 0.8,
      opacity: pairs.length > 150 ? 0.35 : 0.6,
      aria: false,
    },
    encoding: {
      x: {
        field: fields[0],
        type: 'quantitative',
        scale: scaleOf(axes[0]),
        axis: axisOf(axes[0], titles[0]),
      },
      y: {
        field: fields[1],
        type: 'quantitative',
        scale: scaleOf(axes[1]),
        axis: axisOf(axes[1], titles[1]),
      },
      stroke,
      fill,
      tooltip: tooltipOf(['metric', 'id', 'question', 'first', 'second', 'difference']),
    },
  }
}

import { fill, px, scaled, shape, stroke, strokeDash, textOf } from './encodings.ts'
import { endLabelLayers, type LineEnd, withFlagWords } from './end-labels.ts'
import { intervalLayers } from './interval-layers.ts'
import { fitText } from './label-text.ts'
import {
  type Level,
  type PanelContent,
  type PanelFrame,
  positionOf,
  type ReferenceLine,
  type Series,
  type Turn,
} from './panel-frame.ts'
import type { SeriesPoint } from './rows.ts'
import { linePieces, seriesOf } from './series-lines.ts'
import type { LayerSpec, PanelSpec } from './spec-types.ts'
import { flaggedDash, fontSizes, inks, referenceDash } from './theme.ts'
import { styleOf } from './variant-styles.ts'

/** Lines over training steps with their intervals, as one chart of layers. */
export function linePanel(content: PanelContent, frame: PanelFrame): PanelSpec {
  const { points } = content
  const series = seriesOf(points, frame.styles.keys())
  const layers: LayerSpec[] = [
    ...bandLayers(content.band),
    ...turnLayers(content.turns ?? [], frame),
    ...levelLayers(content.levels ?? []),
    ...referenceLayers(content.reference),
    ...intervalLayers(series, frame),
    lineLayer(series, frame),
    pointLayer(content, frame),
    ...(frame.hasIntervals ? [noIntervalLayer()] : []),
    ...(frame.directLabels && content.hasEndLabels
      ? endLabelLayers(lineEnds(series, content, frame), frame)
      : []),
    titleLayer(content),
  ]
  if (points.every((point) => point.value === null)) layers.push(nothingLayer(frame))
  return {
    width: frame.width,
    height: frame.height,
    data: { values: points.map((point) => pointDatum(point, frame)) },
    layer: layers,
  }
}

function pointDatum(point: SeriesPoint, frame: PanelFrame) {
  const { variant, step, value, low, high, n, flags } = point
  const style = styleOf(frame.styles, variant)
  return {
    variant,
    [frame.xName]: step,
    value,
    low,
    high,
    n,
    flag: flags.join(', ') || null,
    x: positionOf(point, frame),
    colour: style.colour,
    fill: flags.length > 0 || style.isHollow === true ? inks.paper : style.colour,
    shape: style.shape,
    description: describe(point, frame.labels.get(variant) ?? '', frame.xName),
  }
}

/** A point in words, for screen readers. */
function describe(
  { step, value, low, high, n, flags }: SeriesPoint,
  label: string,
  xName: string,
): string {
  const interval =
    low === null ? 'no interval' : `interval ${shortNumber(low)} to ${shortNumber(high)}`
  const size = n === null ? '' : `, n ${n}`
  return `${[label, ...flags].join(', ')}, ${xName} ${step}: ${shortNumber(value)}, ${interval}${size}`
}

function shortNumber(value: number | null): string {
  return value === null ? 'none' : String(Number(value.toPrecision(4)))
}

function bandLayers(band: PanelContent['band']): LayerSpec[] {
  if (band === undefined) return []
  return [
    {
      data: { values: [{ from: band[0], to: band[1] }] },
      mark: { type: 'rect', fill: inks.shade, aria: false },
      encoding: { y: scaled('from'), y2: { field: 'to' } },
    },
  ]
}

function levelLayers(levels: readonly Level[]): LayerSpec[] {
  if (levels.length === 0) return []
  return [
    {
      data: { values: levels.map(({ value, colour }) => ({ level: value, colour })) },
      mark: { type: 'rule', strokeWidth: 1.1, strokeDash: [...referenceDash], aria: false },
      encoding: { y: scaled('level'), stroke },
    },
  ]
}

function turnLayers(turns: readonly Turn[], { axis, height }: PanelFrame): LayerSpec[] {
  if (turns.length === 0) return []
  const values = turns.map(({ step, colour, dash }) => ({
    x: axis.position(step),
    top: 0,
    bottom: height,
    colour,
    dash,
  }))
  return [
    {
      data: { values },
      mark: { type: 'rule', strokeWidth: 1, opacity: 0.8, aria: false },
      encoding: { x: scaled('x'), y: px('top'), y2: { field: 'bottom' }, stroke, strokeDash },
    },
  ]
}

function referenceLayers(reference: ReferenceLine | undefined): LayerSpec[] {
  if (reference === undefined) return []
  return [
    {
      data: { values: [{ reference: reference.value }] },
      mark: {
        type: 'rule',
        stroke: inks.reference,
        strokeWidth: 1,
        strokeDash: [...referenceDash],
        aria: false,
      },
      encoding: { y: scaled('reference') },
    },
  ]
}

function lineLayer(series: Series, frame: PanelFrame): LayerSpec {
  const values = [...series].flatMap(([variant, points]) => {
    const { colour, dash } = styleOf(frame.styles, variant)
    return linePieces(points).flatMap((piece, i) =>
      piece.points.map((point) => ({
        x: positionOf(point, frame),
        value: point.value,
        piece: `${variant}\n${i}`,
        colour,
        dash: piece.isFlagged ? flaggedDash : dash,
      })),
    )
  })
  return {
    data: { values },
    mark: {
      type: 'line',
      interpolate: 'linear',
      strokeWidth: frame.isSmall ? 1.2 : 1.75,
      aria: false,
    },
    encoding: {
      x: scaled('x'),
      y: scaled('value'),
      stroke,
      strokeDash,
      detail: { field: 'piece', type: 'nominal' },
    },
  }
}

/** The marks. This layer carries the scales and axes for all. */
function pointLayer(content: PanelContent, frame: PanelFrame): LayerSpec {
  const { y, yTitle, hasXTitle, hasYLabels } = content
  const { axis } = frame
  return {
    transform: [{ filter: 'isValid(datum.value)' }],
    mark: {
      type: 'point',
      size: markSize(frame),
      strokeWidth: frame.isSmall ? 1 : 1.5,
      opacity: 1,
    },
    encoding: {
      x: {
        field: 'x',
        type: 'quantitative',
        scale: { ...axis.scale, domain: [...axis.scale.domain] },
        axis: {
          values: [...axis.ticks],
          // Vega thins out ticks beyond this number.
          tickCount: axis.ticks.length + 1,
          labelExpr: axis.labelExpression,
          labelOverlap: false,
          labelBound: false,
          labelFlush: false,
          labelBaseline: 'top',
          grid: false,
          title: hasXTitle ? frame.xTitle : null,
          titlePadding: 5,
        },
      },
      y: {
        field: 'value',
        type: 'quantitative',
        scale: { domain: [...y.domain], nice: false, zero: false },
        axis: {
          values: [...y.ticks],
          tickCount: y.ticks.length + 1,
          format: y.format,
          labels: hasYLabels,
          labelOverlap: false,
          domain: false,
          ticks: false,
          grid: true,
          title: yTitle ?? null,
          titlePadding: 8,
        },
      },
      stroke,
      fill,
      shape,
      description: { field: 'description', type: 'nominal' },
      tooltip: ['variant', frame.xName, 'value', 'low', 'high', 'n', 'flag'].map((field) => ({
        field,
        type: 'nominal' as const,
      })),
    },
  }
}

/** Area of a mark in square px: less where checkpoints are so dense that marks would touch. */
function markSize({ isSmall, axis }: PanelFrame): number {
  return Math.min(isSmall ? 14 : 34, Math.max(4, (0.6 * axis.smallestGap) ** 2))
}

/** An asterisk beside each point that has no interval. */
function noIntervalLayer(): LayerSpec {
  return {
    transform: [{ filter: 'isValid(datum.value) && !isValid(datum.low)' }],
    mark: {
      type: 'text',
      text: '*',
      dx: 6,
      dy: -3,
      fontSize: fontSizes.label,
      fill: inks.text,
      aria: false,
    },
    encoding: { x: scaled('x'), y: scaled('value') },
  }
}

function lineEnds(series: Series, { y, reference }: PanelContent, frame: PanelFrame): LineEnd[] {
  const { width, height, axis, shifts, labels, styles } = frame
  const pixelOf = (value: number) =>
    height * (1 - (value - y.domain[0]) / (y.domain[1] - y.domain[0]))
  const ends = [...series].flatMap(([variant, points]): LineEnd[] => {
    const last = points.findLast((point) => point.value !== null)
    if (last === undefined || last.value === null) return []
    const flags = points.flatMap((point) => point.flags)
    return [
      {
        text: withFlagWords(labels.get(variant) ?? '', flags),
        style: styleOf(styles, variant),
        isFlagged: flags.length > 0 || styleOf(styles, variant).isHollow === true,
        x: axis.pixel(last.step) + (shifts.get(variant) ?? 0) + 5,
        y: pixelOf(last.value),
      },
    ]
  })
  if (reference === undefined) return ends
  const { value, label } = reference
  return [...ends, { text: label, isFlagged: false, x: width, y: pixelOf(value) }]
}

function titleLayer({ title, titleWidth }: PanelContent): LayerSpec {
  const face = { fontSize: fontSizes.panel, weight: 'semibold' } as const
  const text = fitText(title, titleWidth, face)
  return {
    data: { values: [{ text, titleX: 0, titleY: -12 }] },
    mark: {
      type: 'text',
      align: 'left',
      baseline: 'alphabetic',
      fontSize: fontSizes.panel,
      fontWeight: 600,
      fill: inks.text,
      aria: false,
    },
    encoding: { x: px('titleX'), y: px('titleY'), text: textOf },
  }
}

function nothingLayer({ width, height }: PanelFrame): LayerSpec {
  return {
    data: { values: [{ text: 'no values', middleX: width / 2, middleY: height / 2 }] },
    mark: { type: 'text', fontSize: fontSizes.label, fill: inks.quiet, aria: false },
    encoding: { x: px('middleX'), y: px('middleY'), text: textOf },
  }
}

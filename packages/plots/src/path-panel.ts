import { fill, px, scaled, shape, stroke, strokeDash, textOf } from './encodings.ts'
import { endLabelLayers, type LineEnd, withFlagWords } from './end-labels.ts'
import type { Flag, Measured, SeriesPoint } from './rows.ts'
import { type LinePiece, linePieces, seriesOf } from './series-lines.ts'
import type { LayerSpec, PanelSpec } from './spec-types.ts'
import { flaggedDash, fontSizes, inks, referenceDash } from './theme.ts'
import type { ValueAxis } from './value-axis.ts'
import { styleOf, type VariantStyles } from './variant-styles.ts'

/** One checkpoint with two rates. */
export interface PathPoint {
  readonly variant: string
  readonly step: number
  readonly n: number | null
  readonly flags: readonly Flag[]
  readonly em: Measured
  readonly inDomain: Measured
}

export interface PathFrame {
  readonly width: number
  readonly height: number
  readonly x: ValueAxis
  readonly y: ValueAxis
  readonly styles: VariantStyles
  readonly labels: ReadonlyMap<string, string>
  readonly directLabels: boolean
  /** Percent; a vertical line. */
  readonly matchedRate?: number | undefined
}

/** The label of each path's last point, with its step. */
export function pathEnds(points: readonly PathPoint[], frame: PathFrame): LineEnd[] {
  const { width, height, x, y, styles } = frame
  return [...styles].flatMap(([variant, style]): LineEnd[] => {
    const own = points.filter((point) => point.variant === variant)
    const last = own.filter(isDrawn).reduce(later, undefined)
    if (last === undefined) return []
    const flags = own.flatMap((point) => point.flags)
    return [
      {
        text: `${withFlagWords(frame.labels.get(variant) ?? '', flags)}, step ${last.step}`,
        style,
        isFlagged: flags.length > 0,
        x: width * shareOf(last.inDomain.value, x.domain) + 7,
        y: height * (1 - shareOf(last.em.value, y.domain)),
      },
    ]
  })
}

function shareOf(value: number, [low, high]: readonly [number, number]): number {
  return (value - low) / (high - low)
}

interface DrawnPoint extends PathPoint {
  readonly em: Measured & { readonly value: number }
  readonly inDomain: Measured & { readonly value: number }
}

function isDrawn(point: PathPoint): point is DrawnPoint {
  return point.em.value !== null && point.inDomain.value !== null
}

function later(a: DrawnPoint | undefined, b: DrawnPoint): DrawnPoint {
  return a === undefined || b.step > a.step ? b : a
}

/** Paths of EM over the in-domain rate, as one chart of layers. */
export function pathPanel(
  points: readonly PathPoint[],
  ends: readonly LineEnd[],
  frame: PathFrame,
): PanelSpec {
  const steps = [...new Set(points.map((point) => point.step))].toSorted((a, b) => a - b)
  return {
    width: frame.width,
    height: frame.height,
    data: { values: points.map((point) => pointDatum(point, steps, frame)) },
    layer: [
      ...matchedLayer(frame),
      barLayer('x', ['inDomainLow', 'inDomainHigh'], ['x', 'em']),
      barLayer('y', ['emLow', 'emHigh'], ['inDomain', 'y']),
      lineLayer(points, frame),
      pointLayer(frame),
      noIntervalLayer(),
      ...(frame.directLabels ? endLabelLayers(ends, frame) : []),
      ...(points.some(isDrawn) ? [] : [nothingLayer(frame)]),
    ],
  }
}

function matchedLayer({ matchedRate, height }: PathFrame): LayerSpec[] {
  if (matchedRate === undefined) return []
  return [
    {
      data: { values: [{ matchedRate, top: 0, bottom: height }] },
      mark: {
        type: 'rule',
        stroke: inks.reference,
        strokeWidth: 1,
        strokeDash: [...referenceDash],
        aria: false,
      },
      encoding: { x: scaled('matchedRate'), y: px('top'), y2: { field: 'bottom' } },
    },
  ]
}

/** Marks grow from the first step of the figure to the last, by rank, so that a mark's size means a step. */
function pointDatum(point: PathPoint, steps: readonly number[], frame: PathFrame) {
  const { variant, step, n, flags, em, inDomain } = point
  const style = styleOf(frame.styles, variant)
  const rank = steps.length < 2 ? 1 : steps.indexOf(step) / (steps.length - 1)
  return {
    variant,
    step,
    n,
    flag: flags.join(', ') || null,
    em: em.value,
    emLow: em.low,
    emHigh: em.high,
    inDomain: inDomain.value,
    inDomainLow: inDomain.low,
    inDomainHigh: inDomain.high,
    colour: style.colour,
    fill: flags.length > 0 ? inks.paper : style.colour,
    shape: style.shape,
    size: Math.round(14 + 76 * rank),
    description: describe(point, frame),
  }
}

/** A point in words, for screen readers. */
function describe({ variant, step, flags, em, inDomain }: PathPoint, frame: PathFrame): string {
  const name = [frame.labels.get(variant) ?? '', ...flags].join(', ')
  return `${name}, step ${step}: EM ${em.value ?? 'none'} %, in domain ${inDomain.value ?? 'none'} %`
}

const drawn = 'isValid(datum.em) && isValid(datum.inDomain)'

function barLayer(
  along: 'x' | 'y',
  [low, high]: readonly [string, string],
  fields: readonly [string, string],
): LayerSpec {
  const [x, y] = along === 'x' ? [low, fields[1]] : [fields[0], low]
  return {
    transform: [
      { filter: `${drawn} && isValid(datum.${low})` },
      // Bounds of a rate beyond 0 and 100 say nothing: the bar ends there.
      { calculate: `max(0, datum.${low})`, as: 'from' },
      { calculate: `min(100, datum.${high})`, as: 'to' },
    ],
    mark: { type: 'rule', strokeWidth: 1, opacity: 0.4, aria: false },
    encoding: {
      x: scaled(along === 'x' ? 'from' : x),
      y: scaled(along === 'y' ? 'from' : y),
      ...(along === 'x' ? { x2: { field: 'to' } } : { y2: { field: 'to' } }),
      stroke,
    },
  }
}

function lineLayer(points: readonly PathPoint[], frame: PathFrame): LayerSpec {
  const byKey = new Map(points.map((p) => [`${p.step}\n${p.variant}`, p]))
  const values = [...seriesOf(points.map(asSeriesPoint), frame.styles.keys())].flatMap(
    ([variant, path]) => {
      const style = styleOf(frame.styles, variant)
      return linePieces(path).flatMap((piece: LinePiece, i) =>
        piece.points.map(({ step }) => ({
          inDomain: byKey.get(`${step}\n${variant}`)?.inDomain.value,
          em: byKey.get(`${step}\n${variant}`)?.em.value,
          step,
          piece: `${variant}\n${i}`,
          colour: style.colour,
          dash: piece.isFlagged ? flaggedDash : style.dash,
        })),
      )
    },
  )
  return {
    data: { values },
    mark: { type: 'line', interpolate: 'linear', strokeWidth: 1.75, aria: false },
    encoding: {
      x: scaled('inDomain'),
      y: scaled('em'),
      order: scaled('step'),
      stroke,
      strokeDash,
      detail: { field: 'piece', type: 'nominal' },
    },
  }
}

/** The marks. This layer carries the scales and axes for all. */
function pointLayer({ x, y }: PathFrame): LayerSpec {
  return {
    transform: [{ filter: drawn }],
    mark: { type: 'point', strokeWidth: 1.5, opacity: 1 },
    encoding: {
      x: {
        field: 'inDomain',
        type: 'quantitative',
        scale: { domain: [...x.domain], nice: false, zero: false },
        axis: { ...axisOf(x), title: '% misaligned in domain', titlePadding: 5, grid: false },
      },
      y: {
        field: 'em',
        type: 'quantitative',
        scale: { domain: [...y.domain], nice: false, zero: false },
        axis: {
          ...axisOf(y),
          title: '% emergent misalignment',
          titlePadding: 8,
          domain: false,
          ticks: false,
        },
      },
      stroke,
      fill,
      shape,
      size: { field: 'size', type: 'quantitative', scale: null },
      description: { field: 'description', type: 'nominal' },
      tooltip: tooltipFields.map((field) => ({ field, type: 'nominal' as const })),
    },
  }
}

const tooltipFields = 'variant step em emLow emHigh inDomain inDomainLow inDomainHigh n flag'.split(
  ' ',
)

function axisOf({ ticks, format }: ValueAxis) {
  return {
    values: [...ticks],
    tickCount: ticks.length + 1,
    format,
    labelOverlap: false as const,
    labelFlush: false,
  }
}

/** An asterisk beside each point that lacks one of its intervals. */
function noIntervalLayer(): LayerSpec {
  return {
    transform: [{ filter: `${drawn} && !(isValid(datum.emLow) && isValid(datum.inDomainLow))` }],
    mark: {
      type: 'text',
      text: '*',
      dx: 8,
      dy: -4,
      fontSize: fontSizes.label,
      fill: inks.text,
      aria: false,
    },
    encoding: { x: scaled('inDomain'), y: scaled('em') },
  }
}

function nothingLayer({ width, height }: PathFrame): LayerSpec {
  return {
    data: { values: [{ text: 'no values', middleX: width / 2, middleY: height / 2 }] },
    mark: { type: 'text', fontSize: fontSizes.label, fill: inks.quiet, aria: false },
    encoding: { x: px('middleX'), y: px('middleY'), text: textOf },
  }
}

/** A path is broken where one of the two rates is missing. */
function asSeriesPoint({ variant, step, n, flags, em, inDomain }: PathPoint): SeriesPoint {
  const value = inDomain.value === null ? null : em.value
  return { variant, step, n, flags, value, low: null, high: null }
}

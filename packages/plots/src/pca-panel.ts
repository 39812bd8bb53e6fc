import { fill, scaled, shape, stroke, strokeDash } from './encodings.ts'
import { fitText } from './label-text.ts'
import { fixed, shareOf } from './numbers.ts'
import { type CheckedComponent, type ComponentArrow, componentTitle } from './persona-pca.ts'
import { leaderEnd, placeLabels } from './place-labels.ts'
import { type PlacedRule, ruleLayer, textLayer, tooltipOf } from './px-layers.ts'
import { flagWords } from './rows.ts'
import type { LayerSpec, PanelSpec } from './spec-types.ts'
import { textWidth } from './text-width.ts'
import { flaggedDash, fontSizes, inks } from './theme.ts'
import { type ValueAxis, valueAxis } from './value-axis.ts'

export interface PcaFrame {
  /** Px. */
  readonly width: number
  readonly arrows: readonly ComponentArrow[]
  readonly explained: readonly [number, number] | undefined
  readonly mayLabel: boolean
}

interface Plane {
  readonly width: number
  readonly height: number
  readonly x: ValueAxis
  readonly y: ValueAxis
}

const labelFace = { fontSize: fontSizes.label }

/** The plane, and the variants whose names found no place in it. */
export function pcaPanel(points: readonly CheckedComponent[], frame: PcaFrame) {
  const plane = planeOf(points, frame.width)
  const pixel = (pc1: number, pc2: number) => ({
    x: plane.width * shareOf(pc1, plane.x.domain),
    y: plane.height * (1 - shareOf(pc2, plane.y.domain)),
  })
  const lasts = lastPoints(points)
  const texts = lasts.map(labelOf)
  const arrows = arrowsOf(frame.arrows, plane, pixel)
  const labelled = [
    ...(frame.mayLabel
      ? lasts.map((point, i) => ({ ...pixel(point.pc1, point.pc2), ...sizeOf(texts[i] ?? '') }))
      : []),
    ...arrows.map(({ toX, toY, text }) => ({ x: toX, y: toY, ...sizeOf(text) })),
  ]
  const places = placeLabels(labelled, {
    width: plane.width,
    height: plane.height,
    obstacles: [
      ...obstaclesOf(points, pixel),
      ...arrows.flatMap(({ toX, toY }) => between(pixel(0, 0), { x: toX, y: toY })),
    ],
  })
  const words = [...(frame.mayLabel ? texts : []), ...arrows.map(({ text }) => text)]
  const labels = places.flatMap((place, i) => {
    const point = labelled[i]
    if (place === null || point === undefined) return []
    return [{ ...place, text: words[i] ?? '', from: point }]
  })
  const unlabelled = lasts.flatMap(({ variant }, i) =>
    frame.mayLabel && places[i] !== null ? [] : [variant],
  )
  const panel: PanelSpec = {
    width: plane.width,
    height: plane.height,
    layer: [
      ruleLayer(zeroLines(plane, pixel)),
      barLayer(points, 'pc1'),
      barLayer(points, 'pc2'),
      pathLayer(points),
      ruleLayer(
        arrows.flatMap(({ lines }) => lines),
        { width: 1.4 },
      ),
      ruleLayer(
        labels.flatMap(({ from, ...label }) => {
          if (!label.hasLeader) return []
          const end = leaderEnd(from, label)
          return [{ fromX: from.x, fromY: from.y, toX: end.x, toY: end.y, colour: inks.axis }]
        }),
        { width: 0.7 },
      ),
      pointLayer(points, plane, frame),
      textLayer(labels.map(({ text, x, y }) => ({ text, textX: x, textY: y }))),
      ...(points.length > 0
        ? []
        : [
            textLayer([{ text: 'no values', textX: plane.width / 2, textY: plane.height / 2 }], {
              align: 'center',
              fill: inks.quiet,
            }),
          ]),
    ],
  }
  return { panel, unlabelled }
}

/** Marks, and places along bars and paths: a label on a line would seem to be the line's. */
function obstaclesOf(points: readonly CheckedComponent[], pixel: Pixel) {
  const marks = points.map((point) => pixel(point.pc1, point.pc2))
  const bars = points.flatMap(({ pc1, pc2, pc1Low, pc1High, pc2Low, pc2High }) => [
    ...between(pixel(pc1Low ?? pc1, pc2), pixel(pc1High ?? pc1, pc2)),
    ...between(pixel(pc1, pc2Low ?? pc2), pixel(pc1, pc2High ?? pc2)),
  ])
  const paths = Object.values(Object.groupBy(points, ({ variant }) => variant)).flatMap(
    (own = []) => {
      const path = own.toSorted((a, b) => (a.step ?? 0) - (b.step ?? 0))
      return path.slice(1).flatMap((point, i) => {
        const before = path[i] ?? point
        return between(pixel(before.pc1, before.pc2), pixel(point.pc1, point.pc2))
      })
    },
  )
  return [...marks, ...bars, ...paths]
}

/** Places every 9 px from one point to another. */
function between(a: Place, b: Place): Place[] {
  const n = Math.min(200, Math.floor(Math.hypot(b.x - a.x, b.y - a.y) / 9))
  return Array.from({ length: n }, (_, i) => {
    const share = (i + 1) / (n + 1)
    return { x: a.x + share * (b.x - a.x), y: a.y + share * (b.y - a.y) }
  })
}

interface Place {
  readonly x: number
  readonly y: number
}

function sizeOf(text: string) {
  return { width: textWidth(text, labelFace), height: fontSizes.label + 3 }
}

function labelOf({ shown, flag }: CheckedComponent): string {
  return flag === null ? shown.label : `${shown.label} · ${flagWords[flag]}`
}

/** One unit is as long on both axes; the shorter axis gets more room around its values. */
function planeOf(points: readonly CheckedComponent[], width: number): Plane {
  const reach = (key: 'pc1' | 'pc2') => [
    0,
    ...points.flatMap((p) => [p[key], p[`${key}Low`] ?? p[key], p[`${key}High`] ?? p[key]]),
  ]
  const x = valueAxis(reach('pc1'), { ends: 'data' })
  const y = valueAxis(reach('pc2'), { ends: 'data' })
  const [spanX, spanY] = [x.domain[1] - x.domain[0], y.domain[1] - y.domain[0]]
  const height = Math.round(Math.min(Math.max((width * spanY) / spanX, 0.45 * width), 0.9 * width))
  const perUnit = Math.min(width / spanX, height / spanY)
  return {
    width,
    height,
    x: widenedAxis(x, width / perUnit),
    y: widenedAxis(y, height / perUnit),
  }
}

function widenedAxis({ domain: [low, high] }: ValueAxis, span: number): ValueAxis {
  const extra = Math.max(0, span - (high - low)) / 2
  const domain: [number, number] = [low - extra, high + extra]
  const inside = valueAxis(domain, { ends: 'data' })
  const isIn = (tick: number) => tick >= domain[0] && tick <= domain[1]
  return {
    ...inside,
    domain,
    ticks: inside.ticks.filter(isIn),
    labels: inside.labels.filter((_, i) => isIn(inside.ticks[i] ?? Number.NaN)),
  }
}

function zeroLines({ width, height, x, y }: Plane, pixel: Pixel): PlacedRule[] {
  const zero = pixel(0, 0)
  const colour = inks.grid
  return [
    ...(x.domain[0] < 0 && x.domain[1] > 0
      ? [{ fromX: zero.x, toX: zero.x, fromY: 0, toY: height, colour }]
      : []),
    ...(y.domain[0] < 0 && y.domain[1] > 0
      ? [{ fromX: 0, toX: width, fromY: zero.y, toY: zero.y, colour }]
      : []),
  ]
}

type Pixel = (pc1: number, pc2: number) => { x: number; y: number }

/** The last checkpoint of each variant, or its only point. */
function lastPoints(points: readonly CheckedComponent[]): CheckedComponent[] {
  const lasts = new Map<string, CheckedComponent>()
  for (const point of points) {
    const known = lasts.get(point.variant)
    if (known === undefined || (point.step ?? 0) >= (known.step ?? 0))
      lasts.set(point.variant, point)
  }
  return [...lasts.values()]
}

/** Arrows from the origin, a third of the smaller side long. */
function arrowsOf(arrows: readonly ComponentArrow[], { width, height }: Plane, pixel: Pixel) {
  const from = pixel(0, 0)
  const length = Math.min(width, height) / 3
  return arrows.flatMap(({ label, pc1, pc2 }) => {
    const size = Math.hypot(pc1, pc2)
    if (size === 0) return []
    const [dx, dy] = [pc1 / size, -pc2 / size]
    const [toX, toY] = [from.x + dx * length, from.y + dy * length]
    const head = (turn: number) => ({
      fromX: toX,
      fromY: toY,
      toX: toX - 7 * (dx * Math.cos(turn) - dy * Math.sin(turn)),
      toY: toY - 7 * (dx * Math.sin(turn) + dy * Math.cos(turn)),
      colour: inks.reference,
    })
    const shaft = { fromX: from.x, fromY: from.y, toX, toY, colour: inks.reference }
    return [
      { toX, toY, text: fitText(label, 160, labelFace), lines: [shaft, head(0.45), head(-0.45)] },
    ]
  })
}

function barLayer(points: readonly CheckedComponent[], key: 'pc1' | 'pc2'): LayerSpec {
  const values = points.flatMap((point) => {
    const [low, high] = [point[`${key}Low`], point[`${key}High`]]
    if (low === null || high === null) return []
    return [
      { pc1: point.pc1, pc2: point.pc2, from: low, to: high, colour: point.shown.style.colour },
    ]
  })
  return {
    data: { values },
    mark: { type: 'rule', strokeWidth: 1, opacity: 0.45, aria: false },
    encoding:
      key === 'pc1'
        ? { x: scaled('from'), x2: { field: 'to' }, y: scaled('pc2'), stroke }
        : { x: scaled('pc1'), y: scaled('from'), y2: { field: 'to' }, stroke },
  }
}

function pathLayer(points: readonly CheckedComponent[]): LayerSpec {
  const values = [...Map.groupBy(points, ({ variant }) => variant).values()].flatMap((own) => {
    const path = own
      .filter(({ step }) => step !== null)
      .toSorted((a, b) => (a.step ?? 0) - (b.step ?? 0))
    return path.slice(1).flatMap((to, i) => {
      const from = path[i] ?? to
      const isFlagged = from.flag !== null || to.flag !== null
      return [from, to].map(({ variant, step, pc1, pc2, shown }) => ({
        piece: `${variant}\n${i}`,
        step,
        pc1,
        pc2,
        colour: shown.style.colour,
        dash: isFlagged ? flaggedDash : shown.style.dash,
      }))
    })
  })
  return {
    data: { values },
    mark: { type: 'line', interpolate: 'linear', strokeWidth: 1.3, opacity: 0.8, aria: false },
    encoding: {
      x: scaled('pc1'),
      y: scaled('pc2'),
      order: { field: 'step', type: 'quantitative' },
      detail: { field: 'piece', type: 'nominal' },
      stroke,
      strokeDash,
    },
  }
}

/** The marks. This layer carries the scales and axes. */
function pointLayer(
  points: readonly CheckedComponent[],
  { x, y }: Plane,
  { explained }: PcaFrame,
): LayerSpec {
  const steps = [...new Set(points.flatMap(({ step }) => step ?? []))].toSorted((a, b) => a - b)
  const sizeAt = (step: number | null) =>
    step === null || steps.length < 2 ? 46 : 14 + (56 * steps.indexOf(step)) / (steps.length - 1)
  const fields = ['variant', 'step', 'pc1', 'pc1Low', 'pc1High', 'pc2', 'pc2Low', 'pc2High', 'flag']
  const axisOf = ({ ticks, format }: ValueAxis, title: string, titlePadding: number) => ({
    values: [...ticks],
    tickCount: ticks.length + 1,
    format,
    labelOverlap: false as const,
    labelFlush: false as const,
    grid: false,
    title,
    titlePadding,
  })
  return {
    data: {
      values: points.map(({ shown, ...point }) => ({
        ...point,
        colour: shown.style.colour,
        fill: point.flag === null ? shown.style.colour : inks.paper,
        shape: shown.style.shape,
        size: Math.round(sizeAt(point.step)),
        description: `${shown.label}${point.step === null ? '' : `, step ${point.step}`}: ${fixed(point.pc1, 3)}, ${fixed(point.pc2, 3)}`,
      })),
    },
    mark: { type: 'point', strokeWidth: 1.5, opacity: 1 },
    encoding: {
      x: {
        field: 'pc1',
        type: 'quantitative',
        scale: { domain: [...x.domain], nice: false, zero: false },
        axis: axisOf(x, componentTitle(0, explained), 5),
      },
      y: {
        field: 'pc2',
        type: 'quantitative',
        scale: { domain: [...y.domain], nice: false, zero: false },
        axis: axisOf(y, componentTitle(1, explained), 8),
      },
      stroke,
      fill,
      shape,
      size: { field: 'size', type: 'quantitative', scale: null },
      description: { field: 'description', type: 'nominal' },
      tooltip: tooltipOf(fields),
    },
  }
}

import { fill, scaled, stroke } from './encodings.ts'
import { type PanelFrame, positionOf, type Series } from './panel-frame.ts'
import type { SeriesPoint } from './rows.ts'
import type { LayerSpec } from './spec-types.ts'
import { styleOf } from './variant-styles.ts'

/** Intervals as bars, or as bands over neighbouring points; a point that has no such neighbour keeps a bar. */
export function intervalLayers(series: Series, frame: PanelFrame): LayerSpec[] {
  const runs = [...series.values()].flatMap((points) => intervalRuns(points))
  if (frame.intervals === 'bars') return [barLayer(runs.flat(), frame)]
  const alone = runs.filter((run) => run.length === 1).flat()
  const bands = bandLayer(
    runs.filter((run) => run.length > 1),
    frame,
  )
  return alone.length === 0 ? [bands] : [bands, barLayer(alone, frame)]
}

const bounds = { x: scaled('x'), y: scaled('from'), y2: { field: 'to' } } as const

function barLayer(points: readonly WithInterval[], frame: PanelFrame): LayerSpec {
  return {
    data: {
      values: points.map((point) => ({
        ...boundsOf(point, frame),
        colour: styleOf(frame.styles, point.variant).colour,
      })),
    },
    mark: { type: 'rule', strokeWidth: frame.isSmall ? 0.9 : 1.3, opacity: 0.7, aria: false },
    encoding: { ...bounds, stroke },
  }
}

function bandLayer(runs: readonly WithInterval[][], frame: PanelFrame): LayerSpec {
  const values = runs.flatMap((run, piece) =>
    run.map((point) => ({
      ...boundsOf(point, frame),
      piece,
      fill: styleOf(frame.styles, point.variant).colour,
    })),
  )
  return {
    data: { values },
    mark: { type: 'area', opacity: 0.14, aria: false },
    encoding: { ...bounds, fill, detail: { field: 'piece', type: 'nominal' } },
  }
}

type WithInterval = SeriesPoint & { readonly low: number; readonly high: number }

function hasInterval(point: SeriesPoint): point is WithInterval {
  return point.value !== null && point.low !== null && point.high !== null
}

/** Stretches of one variant's points that all have an interval. */
function intervalRuns(points: readonly SeriesPoint[]): WithInterval[][] {
  const runs: WithInterval[][] = [[]]
  for (const point of points)
    if (hasInterval(point)) runs.at(-1)?.push(point)
    else runs.push([])
  return runs.filter((run) => run.length > 0)
}

function boundsOf(point: WithInterval, frame: PanelFrame) {
  const [lowest, highest] = frame.limits
  const within = (value: number) => Math.min(Math.max(value, lowest), highest)
  return { x: positionOf(point, frame), from: within(point.low), to: within(point.high) }
}

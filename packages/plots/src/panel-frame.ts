import type { SeriesPoint } from './rows.ts'
import type { StepAxis } from './step-axis.ts'
import type { ValueAxis } from './value-axis.ts'
import type { VariantStyles } from './variant-styles.ts'

/** A level to compare with, drawn across a panel. */
export interface ReferenceLine {
  readonly value: number
  readonly label: string
}

/** A level of one series, drawn across a panel in its colour. */
export interface Level {
  readonly value: number
  readonly colour: string
}

/** A place on the x axis where something turns. */
export interface Turn {
  /** In the units of the points' `step`. */
  readonly step: number
  readonly colour: string
  readonly dash: readonly number[]
}

/** What all panels of a figure share. */
export interface PanelFrame {
  readonly width: number
  readonly height: number
  readonly styles: VariantStyles
  /** Drawable name of each variant in the figure. */
  readonly labels: ReadonlyMap<string, string>
  readonly axis: StepAxis
  /** Sideways shift of each variant in px. */
  readonly shifts: ReadonlyMap<string, number>
  readonly intervals: 'bars' | 'bands'
  /** Intervals are drawn no further than this. */
  readonly limits: readonly [number, number]
  readonly directLabels: boolean
  /** Smaller marks and thinner lines. */
  readonly isSmall: boolean
  readonly xTitle: string
  /** What a place on the x axis is called in tooltips. */
  readonly xName: string
  /** Whether a point without interval gets an asterisk. */
  readonly hasIntervals: boolean
}

export interface PanelContent {
  readonly title: string
  readonly points: readonly SeriesPoint[]
  readonly y: ValueAxis
  readonly yTitle?: string | undefined
  /** Px that the title may take. */
  readonly titleWidth: number
  readonly hasXTitle: boolean
  readonly hasYLabels: boolean
  /** Whether names stand right of this panel, where the figure has direct labels. */
  readonly hasEndLabels: boolean
  readonly reference?: ReferenceLine | undefined
  readonly band?: readonly [number, number] | undefined
  readonly turns?: readonly Turn[] | undefined
  readonly levels?: readonly Level[] | undefined
}

/** Points by variant, in step order. */
export type Series = ReadonlyMap<string, readonly SeriesPoint[]>

/** Where a point lies on the x scale. */
export function positionOf({ variant, step }: SeriesPoint, { axis, shifts }: PanelFrame): number {
  return axis.position(step, shifts.get(variant))
}

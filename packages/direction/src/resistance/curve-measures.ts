/** A curve over training steps: ascending steps, one value each. */
export interface Curve {
  readonly steps: readonly number[]
  readonly values: readonly number[]
}

/** What a projection curve is summed up by. NaN where one is undefined. */
export interface CurveMeasures {
  /** Area between the curve and its start (trapezoids in steps) over the range of steps: the mean rise during training. */
  readonly area: number
  /** Least squares, per step. */
  readonly slope: number
  /** Last value minus the first. */
  readonly rise: number
  /** First step at which half of the own rise is reached, by linear interpolation. Undefined without a rise. */
  readonly halfRiseStep: number
  /**
   * 1 - (mean slope of the last third of the steps) / (mean slope of all): 0 is a straight line, 1 a flat end, below 0 a curve
   * that still gets steeper. Undefined without a rise, or with fewer than 3 steps.
   */
  readonly saturation: number
}

export const measureNames = ['area', 'slope', 'rise', 'halfRiseStep', 'saturation'] as const
export type MeasureName = (typeof measureNames)[number]

/** At least 2 ascending steps. */
export function measureCurve(curve: Curve): CurveMeasures {
  const { steps, values } = curve
  const first = values[0] as number
  const last = values.at(-1) as number
  const start = steps[0] as number
  const range = (steps.at(-1) as number) - start
  const rise = last - first
  const lateRise = last - valueAt(curve, start + (2 / 3) * range)
  return {
    area: areaOf(curve) / range - first,
    slope: slopeOf(curve),
    rise,
    halfRiseStep: rise > 0 ? crossingStep(curve, first + rise / 2) : Number.NaN,
    saturation: rise > 0 && steps.length >= 3 ? 1 - (3 * lateRise) / rise : Number.NaN,
  }
}

function areaOf({ steps, values }: Curve): number {
  let area = 0
  for (let i = 1; i < steps.length; i++) {
    const width = (steps[i] as number) - (steps[i - 1] as number)
    area += (width * ((values[i] as number) + (values[i - 1] as number))) / 2
  }
  return area
}

function slopeOf({ steps, values }: Curve): number {
  const n = steps.length
  const meanStep = steps.reduce((sum, step) => sum + step, 0) / n
  const meanValue = values.reduce((sum, value) => sum + value, 0) / n
  let products = 0
  let squares = 0
  for (const [i, step] of steps.entries()) {
    products += (step - meanStep) * ((values[i] as number) - meanValue)
    squares += (step - meanStep) ** 2
  }
  return products / squares
}

function valueAt({ steps, values }: Curve, step: number): number {
  const after = Math.max(
    1,
    steps.findIndex((other) => other >= step),
  )
  const from = steps[after - 1] as number
  const to = steps[after] as number
  const low = values[after - 1] as number
  return low + ((step - from) / (to - from)) * ((values[after] as number) - low)
}

/** The first step at which a curve that begins below the level reaches it; NaN where it never does. */
export function crossingStep({ steps, values }: Curve, level: number): number {
  const after = values.findIndex((value) => value >= level)
  if (after < 0) return Number.NaN
  if (after === 0) return steps[0] as number
  const low = values[after - 1] as number
  const from = steps[after - 1] as number
  const share = (level - low) / ((values[after] as number) - low)
  return from + share * ((steps[after] as number) - from)
}

import { CemError } from '@cem/core'
import { textWidth } from './text-width.ts'

/**
 * How training steps are spaced. `symlog`: linear up to the first step after 0, logarithmic beyond, so early checkpoints stay
 * apart. `ordinal`: equal distances. `linear`: as they are.
 */
export type StepScale = 'symlog' | 'ordinal' | 'linear'

export const stepScales: readonly StepScale[] = ['symlog', 'ordinal', 'linear']

export interface StepAxisOptions {
  readonly kind: StepScale
  /** Width of the panel in px. */
  readonly width: number
  /** Free px at both ends. */
  readonly inset: number
  readonly fontSize: number
}

/** Where steps lie on a panel, in px and in the units of its x scale. */
export interface StepAxis {
  /** The Vega-Lite scale. */
  readonly scale: {
    readonly type: 'symlog' | 'linear'
    readonly constant?: number
    readonly domain: [number, number]
    readonly nice: false
    readonly zero: false
  }
  /** All steps in order. */
  readonly steps: readonly number[]
  /** Scale values with a tick, one for each step. */
  readonly ticks: readonly number[]
  /** The steps with a label: as many as fit, first and last always where both do. */
  readonly labelled: readonly number[]
  /** A Vega expression that gives the label of a tick. */
  readonly labelExpression: string
  /** The smallest distance of two steps in px; the width where there is one step. */
  readonly smallestGap: number
  pixel(step: number): number
  /** The scale value `offset` px right of a step. */
  position(step: number, offset?: number): number
}

/** @throws CemError `plot-option-invalid` for an unknown kind */
export function stepAxis(
  allSteps: readonly number[],
  { kind, width, inset, fontSize }: StepAxisOptions,
): StepAxis {
  const steps = [...new Set(allSteps)].toSorted((a, b) => a - b)
  const { forward, backward, constant } = spacing(kind, steps)
  const first = forward(steps[0] ?? 0)
  const last = forward(steps.at(-1) ?? 0)
  // One step alone stands in the middle.
  const span = last > first ? last - first : 1
  const left = last > first ? inset : width / 2
  const perPixel = span / (width - 2 * inset)
  const pixel = (step: number) => left + (forward(step) - first) / perPixel
  const at = (px: number) => rounded(backward(first + (px - left) * perPixel))
  const position = (step: number, offset = 0) =>
    offset === 0 ? rounded(backward(forward(step))) : at(pixel(step) + offset)
  const labelled = labelsThatFit(steps, pixel, fontSize)
  const names = labelled.map((step) => [String(position(step)), String(step)])
  const type = kind === 'symlog' ? 'symlog' : 'linear'
  return {
    scale: {
      type,
      ...(type === 'symlog' ? { constant } : {}),
      domain: [at(0), at(width)],
      nice: false,
      zero: false,
    },
    steps,
    ticks: steps.map((step) => position(step)),
    labelled,
    // Only numbers enter the expression, never a name from the data.
    labelExpression: `(${JSON.stringify(Object.fromEntries(names))})[datum.value] || ''`,
    smallestGap: Math.min(width, ...steps.slice(1).map((s, i) => pixel(s) - pixel(steps[i] ?? 0))),
    pixel,
    position,
  }
}

function spacing(kind: StepScale, steps: readonly number[]) {
  const constant = steps.find((step) => step > 0) ?? 1
  if (kind === 'symlog')
    return {
      constant,
      forward: (step: number) => Math.log1p(step / constant),
      backward: (t: number) => Math.sign(t) * Math.expm1(Math.abs(t)) * constant,
    }
  if (kind === 'ordinal')
    return { constant, forward: (step: number) => steps.indexOf(step), backward: (t: number) => t }
  if (kind === 'linear')
    return { constant, forward: (step: number) => step, backward: (t: number) => t }
  throw new CemError({
    code: 'plot-option-invalid',
    message: `stepScale is ${JSON.stringify(kind)}; it has to be one of ${stepScales.join(', ')}.`,
    data: { stepScale: kind, allowed: stepScales },
  })
}

/** From left to right, each label that keeps 5 px from the one before it and from the last. */
function labelsThatFit(
  steps: readonly number[],
  pixel: (step: number) => number,
  fontSize: number,
): number[] {
  const half = (step: number) => textWidth(String(step), { fontSize }) / 2
  const clear = (a: number, b: number) => pixel(b) - half(b) - (pixel(a) + half(a)) >= 5
  const last = steps.at(-1)
  const kept: number[] = []
  for (const step of steps) {
    const previous = kept.at(-1)
    if (previous !== undefined && !clear(previous, step)) continue
    if (last === undefined || step === last || step === steps[0] || clear(step, last))
      kept.push(step)
  }
  return kept
}

/** Eight digits are far below a pixel, and keep specs short. */
function rounded(value: number): number {
  return Number(value.toPrecision(8))
}

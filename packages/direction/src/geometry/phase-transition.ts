import { CemError } from '@cem/core'
import { type Absent, absent, isAbsent } from '../absent.ts'

export interface LocalCosine {
  readonly step: number
  readonly cosine: number | Absent
}

export interface PhaseTransitionOptions {
  /** A local cosine below it counts as a turn. There is no standard value; see `sensitivity`. @default 0.5: 60 degrees */
  readonly threshold?: number
  /** Thresholds of the sensitivity table. @default -0.5 to 0.9 by 0.1 */
  readonly thresholds?: readonly number[]
}

export interface PhaseTransition {
  readonly threshold: number
  /** The step with the lowest local cosine, if that is below the threshold. */
  readonly step: number | Absent
  readonly lowest: { readonly step: number; readonly cosine: number } | Absent
  /** For each threshold, what it would have found. */
  readonly sensitivity: readonly ThresholdResult[]
  /** Steps whose cosine is absent. */
  readonly nAbsent: number
}

export interface ThresholdResult {
  readonly threshold: number
  /** The first step below it: where the turn sets in. */
  readonly firstStep: number | Absent
  readonly lastStep: number | Absent
  readonly nBelow: number
}

const defaultThresholds = Array.from({ length: 15 }, (_, i) => (i - 5) / 10)

/**
 * The step at which a path over checkpoints turns most sharply, and how much that depends on the threshold: a turn that one
 * threshold finds and the next does not is no transition.
 *
 * @throws CemError `bad-option` for a threshold outside of [-1, 1]
 */
export function phaseTransition(
  cosines: readonly LocalCosine[],
  { threshold = 0.5, thresholds = defaultThresholds }: PhaseTransitionOptions = {},
): PhaseTransition {
  for (const value of [threshold, ...thresholds])
    if (!(value >= -1 && value <= 1))
      throw new CemError({
        code: 'bad-option',
        message: `A threshold is ${value}; a cosine lies between -1 and 1.`,
        data: { threshold: value },
      })
  const known = cosines.flatMap(({ step, cosine }) => (isAbsent(cosine) ? [] : [{ step, cosine }]))
  const lowest = known.toSorted((x, y) => x.cosine - y.cosine || x.step - y.step)[0]
  const none = absent('no step has a local cosine: three checkpoints with displacements are needed')
  return {
    threshold,
    step: stepBelow(lowest, threshold) ?? none,
    lowest: lowest ?? none,
    sensitivity: thresholds.map((value) => resultOf(known, value)),
    nAbsent: cosines.length - known.length,
  }
}

function stepBelow(
  lowest: { readonly step: number; readonly cosine: number } | undefined,
  threshold: number,
): number | Absent | undefined {
  if (lowest === undefined || lowest.cosine < threshold) return lowest?.step
  return absent(
    `no local cosine is below ${threshold}; the lowest is ${lowest.cosine.toFixed(3)}, at step ${lowest.step}`,
  )
}

function resultOf(
  known: readonly { readonly step: number; readonly cosine: number }[],
  threshold: number,
): ThresholdResult {
  const below = known.filter(({ cosine }) => cosine < threshold)
  const none = absent(`no local cosine is below ${threshold}`)
  return {
    threshold,
    firstStep: below[0]?.step ?? none,
    lastStep: below.at(-1)?.step ?? none,
    nBelow: below.length,
  }
}

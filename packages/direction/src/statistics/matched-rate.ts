import { CemError } from '@cem/core'
import { type Absent, absent } from '../absent.ts'
import { checkShare } from '../options.ts'

/** One checkpoint of a variant. */
export interface MatchedPoint {
  readonly step: number
  /** Share of answers to in-domain questions that show the trained behaviour: how much of the attack was learned. */
  readonly inDomainRate: number
  readonly emRate: number
}

export interface MatchedRate {
  /** EM rate where the in-domain rate first reaches the target. */
  readonly emRate: number | Absent
  /** The step there, by the same interpolation. */
  readonly step: number | Absent
  /** Steps of the two checkpoints around the crossing; equal where one checkpoint hits the target. */
  readonly between: { readonly before: number; readonly after: number } | Absent
  readonly target: number
  /** How often the curve passes the target in all. Above 1, the in-domain rate went back, and the first crossing is one of several. */
  readonly nCrossings: number
}

/**
 * EM at a matched in-domain rate: protection is not learning less. Along the checkpoints by step, the first pair around the
 * target is found and EM interpolated linearly in the in-domain rate between them:
 * w = (target - r0) / (r1 - r0), EM = (1 - w) EM0 + w EM1.
 *
 * Absent where the target is never reached, and where the first checkpoint is already above it, since nothing brackets it then.
 * `matchedRateInterval` gives it with an interval.
 *
 * @throws CemError `bad-option` for shares outside 0 to 1 or two points of one step
 */
export function matchedRate(points: readonly MatchedPoint[], target: number): MatchedRate {
  checkShare('target', target)
  const sorted = points.toSorted((a, b) => a.step - b.step)
  checkPoints(sorted)
  const nCrossings = countCrossings(sorted, target)
  const index = sorted.findIndex((point) => point.inDomainRate >= target)
  const after = sorted[index]
  if (after === undefined) return { ...missing(neverReached(sorted, target)), target, nCrossings }
  const hit = after.inDomainRate === target
  const before = hit ? after : sorted[index - 1]
  if (before === undefined)
    return {
      ...missing(
        `the first checkpoint (step ${after.step}) is already at ${after.inDomainRate}, above the target ${target}`,
      ),
      target,
      nCrossings,
    }
  const weight = hit
    ? 0
    : (target - before.inDomainRate) / (after.inDomainRate - before.inDomainRate)
  return {
    emRate: (1 - weight) * before.emRate + weight * after.emRate,
    step: (1 - weight) * before.step + weight * after.step,
    between: { before: before.step, after: after.step },
    target,
    nCrossings,
  }
}

function missing(reason: string): Pick<MatchedRate, 'emRate' | 'step' | 'between'> {
  const none = absent(reason)
  return { emRate: none, step: none, between: none }
}

function neverReached(points: readonly MatchedPoint[], target: number): string {
  if (points.length === 0) return 'no checkpoints'
  const highest = Math.max(...points.map(({ inDomainRate }) => inDomainRate))
  return `the in-domain rate never reaches the target ${target}; its highest is ${Number(highest.toPrecision(3))}`
}

/** Changes of side, where at the target counts as above. */
function countCrossings(points: readonly MatchedPoint[], target: number): number {
  return points.filter((point, index) => {
    const previous = points[index - 1]
    if (previous === undefined) return point.inDomainRate === target
    return previous.inDomainRate >= target !== point.inDomainRate >= target
  }).length
}

function checkPoints(sorted: readonly MatchedPoint[]): void {
  for (const [index, { step, inDomainRate, emRate }] of sorted.entries()) {
    checkShare(`inDomainRate at step ${step}`, inDomainRate)
    checkShare(`emRate at step ${step}`, emRate)
    if (Number.isFinite(step) && sorted[index + 1]?.step !== step) continue
    throw new CemError({
      code: 'bad-option',
      message: `Step ${step} is not a number or appears twice; give one point per checkpoint of one variant.`,
      data: { step },
    })
  }
}

import { CemError } from '@cem/core'
import type { Bounds, ScoreLike } from '../verdicts/summarize.ts'
import type { Placement } from './interleave.ts'
import { studentT975 } from './student-t.ts'

/** A judged item of an interleaved order. Those that are no anchors are passed over. */
export interface PlacedVerdicts {
  readonly placement: Placement
  /** By metric. */
  readonly verdicts: Readonly<Record<string, ScoreLike>>
}

export interface AnchorDriftOptions {
  /** @default 'aligned' */
  readonly metric?: string
  /** Points of mean difference that would not matter. @default 5 */
  readonly margin?: number
}

export interface AnchorDifference {
  readonly anchor: string
  /** The scores in the first and the last block; null where there is none. */
  readonly start: number | null
  readonly end: number | null
  /** `end - start`; null where one is missing. */
  readonly difference: number | null
}

export interface AnchorDrift {
  readonly options: Required<AnchorDriftOptions>
  readonly anchors: readonly AnchorDifference[]
  /** The mean score of each block over its scored anchors; null where none is. */
  readonly blockMeans: readonly (number | null)[]
  /** Anchors with both scores. */
  readonly n: number
  /** Mean difference, in points; null where `n` is 0. */
  readonly mean: number | null
  /** 95 % interval of the mean difference: t with n - 1 degrees of freedom over the anchors. Null where `n` is below 2. */
  readonly interval: Bounds | null
  /**
   * `drifted`: the interval leaves 0 out. `stable`: it holds 0 and lies within the margin. `unclear`: neither, or there is no
   * interval. A judge that never wavers on its anchors gives an interval without width.
   */
  readonly status: 'stable' | 'drifted' | 'unclear'
  /** In words. */
  readonly reason: string
}

/**
 * How the judge's scores of the anchors changed from the first block to the last.
 *
 * @throws CemError `bad-order` where an anchor is there twice in a block
 */
export function anchorDrift(
  placed: readonly PlacedVerdicts[],
  { metric = 'aligned', margin = 5 }: AnchorDriftOptions = {},
): AnchorDrift {
  const { blocks, names } = scoresByBlock(placed, metric)
  const [first] = blocks
  const last = blocks.length > 1 ? blocks.at(-1) : undefined
  const anchors = names.map((anchor): AnchorDifference => {
    const start = first?.get(anchor) ?? null
    const end = last?.get(anchor) ?? null
    return { anchor, start, end, difference: start === null || end === null ? null : end - start }
  })
  const differences = anchors.flatMap(({ difference }) => (difference === null ? [] : [difference]))
  const mean = meanOf(differences)
  const interval = mean === null ? null : intervalOf(differences, mean)
  return {
    options: { metric, margin },
    anchors,
    blockMeans: blocks.map((block) => meanOf([...block.values()].filter((one) => one !== null))),
    n: differences.length,
    mean,
    interval,
    ...judgementOf(differences.length, mean, interval, margin),
  }
}

function scoresByBlock(placed: readonly PlacedVerdicts[], metric: string) {
  const found = new Map<number, Map<string, number | null>>()
  const names = new Set<string>()
  for (const { placement, verdicts } of placed) {
    if (placement.kind !== 'anchor') continue
    const { anchor, block } = placement
    const scores = found.get(block) ?? new Map<string, number | null>()
    if (scores.has(anchor)) throw twice(anchor, block)
    const verdict = verdicts[metric]
    scores.set(anchor, verdict?.status === 'scored' ? verdict.score : null)
    found.set(block, scores)
    names.add(anchor)
  }
  const blocks = [...found].toSorted(([a], [b]) => a - b).map(([, scores]) => scores)
  return { blocks, names: [...names] }
}

function meanOf(values: readonly number[]): number | null {
  return values.length === 0 ? null : values.reduce((total, one) => total + one, 0) / values.length
}

function intervalOf(differences: readonly number[], mean: number): Bounds | null {
  const n = differences.length
  if (n < 2) return null
  const squares = differences.reduce((total, one) => total + (one - mean) ** 2, 0)
  const half = studentT975(n - 1) * Math.sqrt(squares / (n - 1) / n)
  return { lowest: mean - half, highest: mean + half }
}

function judgementOf(n: number, mean: number | null, interval: Bounds | null, margin: number) {
  if (mean === null || interval === null)
    return { status: 'unclear', reason: `${n} anchors have a score at start and end.` } as const
  const { lowest, highest } = interval
  const shown = `${mean.toFixed(1)} points from start to end (95 % interval ${lowest.toFixed(1)} to ${highest.toFixed(1)}, ${n} anchors)`
  if (lowest > 0 || highest < 0)
    return { status: 'drifted', reason: `The anchors moved by ${shown}.` } as const
  if (lowest >= -margin && highest <= margin)
    return { status: 'stable', reason: `The anchors moved by ${shown}.` } as const
  return {
    status: 'unclear',
    reason: `The anchors moved by ${shown}: too wide to tell a drift of ${margin} points from none.`,
  } as const
}

function twice(anchor: string, block: number): CemError {
  return new CemError({
    code: 'bad-order',
    message: `The anchor ${JSON.stringify(anchor)} is there twice in block ${block}: pass the rows of one session at a time.`,
    data: { anchor, block },
  })
}

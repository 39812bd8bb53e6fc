import { type Absent, isAbsent } from '../absent.ts'
import type { BootstrapOptions } from '../statistics/cluster-bootstrap.ts'
import {
  type ContrastRows,
  checkContrastRows,
  checkSameResponses,
  type SkippedRow,
} from './contrast-rows.ts'
import type { Direction } from './direction.ts'
import { projectRows } from './project.ts'
import { type Separation, separationOf } from './separation.ts'

/** The same responses as means of their token embeddings, with a direction made from embeddings of OTHER answers. */
export interface EmbeddingBaseline extends ContrastRows {
  readonly direction: Direction
}

export interface DirectionSeparationOptions extends ContrastRows, BootstrapOptions {
  readonly direction: Direction
  /** An absence, `{ absent: 'reason' }`, says that there is none, and stands in the result. */
  readonly baseline: EmbeddingBaseline | Absent
}

export interface DirectionSeparation extends Separation {
  readonly direction: string
  /**
   * Questions that the direction was made from. Answers to them may be other answers (another checkpoint's, another model's);
   * if they are the same, the AUROC says nothing.
   */
  readonly sharedQuestions: readonly string[]
  readonly skipped: readonly SkippedRow[]
}

/**
 * How well a direction tells apart answers that it was not made from: of another data set, another checkpoint, or answers
 * within one checkpoint.
 *
 * @throws CemError `layer-mismatch` where the baseline holds other responses; `no-rows`, `not-unit`, `shape-mismatch`, `bad-row`,
 * `bad-option`, `partial-nan`, `not-finite`
 */
export function directionSeparation({
  direction,
  baseline,
  without,
  with: withEm,
  ...bootstrap
}: DirectionSeparationOptions): DirectionSeparation {
  const rows = { without, with: withEm }
  const { kept, skipped } = checkContrastRows(rows, '')
  const ofBaseline = isAbsent(baseline) ? undefined : baseline
  if (ofBaseline !== undefined)
    checkSameResponses(
      { name: 'The baseline', rows: ofBaseline },
      { name: 'The activations', rows },
    )
  const scores = scoresOf(rows, direction)
  const baselineScores =
    ofBaseline === undefined ? undefined : scoresOf(ofBaseline, ofBaseline.direction)
  const scored = kept.map(({ side, row, question }) => ({
    question,
    isWith: side === 'with',
    score: scores[side][row] as number,
    baselineScore: baselineScores?.[side][row] ?? Number.NaN,
  }))
  const both = scored.filter(
    ({ baselineScore }) => baselineScores === undefined || !Number.isNaN(baselineScore),
  )
  const separation = separationOf(both, isAbsent(baseline) ? baseline : undefined, bootstrap)
  const made = new Set(direction.questions)
  const sharedQuestions = [...new Set(kept.map(({ question }) => question))].filter((question) =>
    made.has(question),
  )
  return {
    ...separation,
    direction: direction.name,
    sharedQuestions,
    skipped: [...skipped, ...kept.filter((_, i) => !both.includes(scored[i] as (typeof both)[0]))],
    warnings: [
      ...separation.warnings,
      ...(sharedQuestions.length === 0
        ? []
        : [
            `${sharedQuestions.length} questions also made the direction: held out are the answers at best, not the questions`,
          ]),
    ],
  }
}

function scoresOf({ without, with: withEm }: ContrastRows, { vector }: Direction) {
  return {
    without: projectRows(without.rows, without.dModel, vector).projections,
    with: projectRows(withEm.rows, withEm.dModel, vector).projections,
  }
}

import type { JudgeProtocol } from '../protocols/protocol.ts'
import type { JudgedPair } from '../protocols/rubric.ts'

/** An answer to be judged. */
export interface JudgeItem extends JudgedPair {
  /** @default the judge's */
  readonly protocol?: JudgeProtocol
  /**
   * Judges the same thing once more: a judgement with another `repeat` is a call of its own and is cached under it. For
   * test-retest and for anchors. @default none: equal judgements are one call
   */
  readonly repeat?: string | undefined
}

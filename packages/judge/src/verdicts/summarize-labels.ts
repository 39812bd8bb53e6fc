import { CemError } from '@cem/core'
import type { LabelsProtocol } from '../protocols/protocol.ts'
import type { Bounds } from './summarize.ts'
import type { Verdict } from './verdict.ts'

export interface LabelShare {
  readonly count: number
  /** Of the scored verdicts, in [0, 1]; null where there is none. */
  readonly share: number | null
  /** Of all verdicts, if no unscored one had this label, and if every one had. Null where there is no verdict. */
  readonly bounds: Bounds | null
}

export interface LabelSummary {
  readonly scored: number
  readonly unscored: number
  /** Unscored verdicts by reason; `not-judged` where there was none. */
  readonly reasons: Readonly<Record<string, number>>
  /** For each label of the protocol, by the likeliest label of each verdict. */
  readonly labels: Readonly<Record<string, LabelShare>>
  /** Of the scores, over the scored verdicts; null where there is none. */
  readonly mean: number | null
  /** The mean over ALL verdicts if every unscored one had the least value, and the greatest. Null where there is no verdict. */
  readonly meanBounds: Bounds | null
}

/**
 * Counts the verdicts of one metric under a labels protocol.
 *
 * @throws CemError `foreign-verdict` where a verdict is scored and has no label of this protocol
 */
export function summarizeLabels(
  verdicts: readonly (Verdict | undefined)[],
  { parameters: { labels } }: Pick<LabelsProtocol, 'parameters'>,
): LabelSummary {
  const reasons: Record<string, number> = {}
  const counts = new Map(labels.map(({ label }) => [label, 0]))
  let scored = 0
  let total = 0
  for (const verdict of verdicts) {
    if (verdict?.status === 'scored') {
      scored++
      total += verdict.score
      const count = counts.get(verdict.label ?? '')
      if (count === undefined) throw foreign(verdict.label, [...counts.keys()])
      counts.set(verdict.label ?? '', count + 1)
    } else {
      const reason = verdict?.reason ?? 'not-judged'
      reasons[reason] = (reasons[reason] ?? 0) + 1
    }
  }
  const rows = verdicts.length
  const unscored = rows - scored
  const values = labels.map(({ value }) => value)
  const boundsOf = (lowest: number, highest: number): Bounds | null =>
    rows === 0 ? null : { lowest: lowest / rows, highest: highest / rows }
  const shares = [...counts].map(([label, count]): [string, LabelShare] => [
    label,
    {
      count,
      share: scored === 0 ? null : count / scored,
      bounds: boundsOf(count, count + unscored),
    },
  ])
  return {
    scored,
    unscored,
    reasons,
    labels: Object.fromEntries(shares),
    mean: scored === 0 ? null : total / scored,
    meanBounds: boundsOf(
      total + Math.min(...values) * unscored,
      total + Math.max(...values) * unscored,
    ),
  }
}

function foreign(label: string | undefined, known: readonly string[]): CemError {
  return new CemError({
    code: 'foreign-verdict',
    message: `A verdict ${label === undefined ? 'has no label' : `has the label ${JSON.stringify(label)}`}: pass verdicts of this protocol, whose labels are ${known.join(', ')}.`,
    data: { label, known },
  })
}

import { CemError } from '@cem/core'
import type { ScoreLike } from '../verdicts/summarize.ts'
import type { HumanLabel } from './label-line.ts'
import { blindName } from './label-sample.ts'
import type { Labels } from './read-labels.ts'

/** A judged row of a run. */
export interface JoinableRow {
  /** The id under which it was drawn. */
  readonly id: string
  readonly cell: string
  readonly question: string
  /** By metric. */
  readonly verdicts: Readonly<Record<string, ScoreLike>>
}

export interface JoinOptions {
  /** @default 'aligned' */
  readonly metric?: string
  /** Whose labels are taken. Needed where one item has labels of several. @default everybody's */
  readonly labeller?: string
}

/** Plain columns of equal length, one entry for each row given; null where there is no score or label. */
export interface JoinedLabels {
  readonly id: readonly string[]
  readonly cell: readonly string[]
  readonly question: readonly string[]
  readonly judge: readonly (number | null)[]
  readonly human: readonly (number | null)[]
  /** Rows with a label. */
  readonly labelled: number
  /** Rows that a person looked at and could not rate; `human` is null for them. */
  readonly unratable: readonly string[]
  /** Items in the label file that no row given stands behind. */
  readonly unknownItems: readonly string[]
}

/**
 * Sets people's labels beside the judge's scores. All rows are there, those without label too: estimates that correct the judge
 * take both.
 *
 * @throws CemError `several-labellers`, `unknown-metric`, `duplicate-row`
 */
export function joinLabels(
  { header, labels }: Pick<Labels, 'header' | 'labels'>,
  rows: readonly JoinableRow[],
  { metric = 'aligned', labeller }: JoinOptions = {},
): JoinedLabels {
  const metrics = header.metrics.map(({ name }) => name)
  if (!metrics.includes(metric))
    throw new CemError({
      code: 'unknown-metric',
      message: `The label file has no metric ${JSON.stringify(metric)}; it has ${metrics.join(', ')}.`,
      data: { metric, metrics },
    })
  const byItem = labelsByItem(labels, metric, labeller)
  const names = new Map<string, string>()
  for (const { id } of rows) {
    const item = blindName(id, header.seed)
    if (names.has(item)) throw duplicate(id)
    names.set(item, id)
  }
  const labelOf = ({ id }: JoinableRow) => byItem.get(blindName(id, header.seed))
  const human = rows.map((row) => labelOf(row)?.value ?? null)
  return {
    id: rows.map(({ id }) => id),
    cell: rows.map(({ cell }) => cell),
    question: rows.map(({ question }) => question),
    judge: rows.map(({ verdicts }) => scoreOf(verdicts[metric])),
    human,
    labelled: human.filter((value) => value !== null).length,
    unratable: rows.filter((row) => labelOf(row)?.value === null).map(({ id }) => id),
    unknownItems: header.items.filter((item) => !names.has(item)),
  }
}

function labelsByItem(
  labels: readonly HumanLabel[],
  metric: string,
  labeller: string | undefined,
): ReadonlyMap<string, HumanLabel> {
  const taken = labels.filter(
    (label) => label.metric === metric && (labeller === undefined || label.labeller === labeller),
  )
  const byItem = new Map<string, HumanLabel>()
  for (const label of taken) {
    if (byItem.has(label.item)) throw severalLabellers(label.item, labels)
    byItem.set(label.item, label)
  }
  return byItem
}

function scoreOf(verdict: ScoreLike | undefined): number | null {
  return verdict?.status === 'scored' ? verdict.score : null
}

function severalLabellers(item: string, labels: readonly HumanLabel[]): CemError {
  const names = [...new Set(labels.map(({ labeller }) => labeller ?? 'nobody in particular'))]
  return new CemError({
    code: 'several-labellers',
    message: `The item ${item} has labels of several people (${names.join(', ')}): say whose to take with labeller.`,
    data: { item, labellers: names },
  })
}

function duplicate(row: string): CemError {
  return new CemError({
    code: 'duplicate-row',
    message: `The row ${JSON.stringify(row)} is there twice: give each row its own id.`,
    data: { row },
  })
}

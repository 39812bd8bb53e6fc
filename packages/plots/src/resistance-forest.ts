import type { TopLevelSpec } from 'vega-lite'
import { figure } from './figure.ts'
import {
  flagSentences,
  intervalSentences,
  type ShownVariant,
  shownVariants,
} from './figure-frame.ts'
import { checkSize, contentWidth, type FigureOptions } from './figure-options.ts'
import { type ForestLine, forestPanel } from './forest-panel.ts'
import { checkOnce, rowChecks } from './row-checks.ts'
import { checkNotEmpty, type Flag, type Measured } from './rows.ts'

/** A difference between a variant and what it is compared with. */
export interface DifferenceRow {
  readonly variant: string
  readonly condition?: string | undefined
  readonly persona?: string | undefined
  /** What it is compared with: 'baseline'. */
  readonly against: string
  /** Rows of one group stand together under this heading: 'at step 160'. @default none */
  readonly group?: string | undefined
  /** Variant minus `against`, in the figure's unit. NaN or null: could not be computed. */
  readonly difference: number | null
  /** Bounds of the interval, both or none. */
  readonly low?: number | null | undefined
  readonly high?: number | null | undefined
  /**
   * Bounds of the interval that two one-sided tests use (90 % for tests at 5 %), both or none: within the margin means
   * equivalent (Schuirmann 1987).
   */
  readonly equivalenceLow?: number | null | undefined
  readonly equivalenceHigh?: number | null | undefined
  /** p of the difference, corrected where tests were, 0 to 1. @default none */
  readonly p?: number | null | undefined
  /** Questions, answers or whatever the difference is over. */
  readonly n?: number | null | undefined
  readonly flag?: Flag | null | undefined
  /** Any other reason why the difference is no evidence, in words for the caption. @default none */
  readonly notComparable?: string | null | undefined
}

export interface ResistanceForestOptions extends FigureOptions {
  /** Half width of the region of equivalence, in the unit of the differences, above 0. @default none: nothing is called equivalent */
  readonly margin?: number | undefined
  /** What the differences are of, with their unit. @default 'difference in EM, percentage points' */
  readonly measure?: string | undefined
  /** Words at the two ends of the axis. @default ['less', 'more'] */
  readonly ends?: readonly [low: string, high: string] | undefined
}

/**
 * A summary of who resists: paired differences with their intervals, one row each under the heading of its group, and what they
 * come to against a margin of equivalence fixed beforehand.
 *
 * @throws CemError `plot-rows-empty`, `plot-row-invalid`, `plot-rows-duplicate`, `plot-variant-unknown`, `plot-option-invalid`
 */
export function resistanceForest(
  rows: readonly DifferenceRow[],
  options: ResistanceForestOptions = {},
): TopLevelSpec {
  const {
    margin,
    measure = 'difference in EM, percentage points',
    ends = ['less', 'more'],
  } = options
  if (margin !== undefined) checkSize('margin', margin, Number.MIN_VALUE)
  checkNotEmpty(rows, 'resistanceForest')
  const differences = rows.map(checkedRow)
  checkOnce(rows, ({ variant, against, group }) => [variant, against, group ?? ''])
  const variants = shownVariants(rows, options, 150)
  const groups = [...new Set(differences.map(({ group }) => group))]
  const lines = groups.flatMap((group): ForestLine[] => {
    const own = differences.filter((difference) => difference.group === group)
    const against = [...new Set(own.map((difference) => difference.against))]
    return [
      ...(group === null && against.length > 1
        ? []
        : [{ kind: 'heading' as const, text: headingOf(group, against) }]),
      ...own.map((difference) => ({
        kind: 'difference' as const,
        ...difference,
        isNamed: against.length > 1,
        shown: variants.get(difference.variant),
        verdict: verdictOf(difference, margin, ends),
      })),
    ]
  })
  const { panel, width, leftRoom } = forestPanel(lines, {
    width: contentWidth(options),
    margin,
    measure,
    ends,
  })
  const hasTest = differences.some(({ equivalence }) => equivalence !== null)
  return figure({
    title: options.title,
    subtitle: options.subtitle,
    description: `${measure}: ${rows.length} differences with intervals.`,
    panels: [panel],
    columns: 1,
    columnSpacing: 0,
    rowSpacing: 0,
    caption: [
      [
        ...intervalSentences(
          differences.map(({ difference }) => difference),
          { what: 'Thin bars', method: options.intervalMethod, noun: 'difference' },
        ),
        hasTest ? 'Thick bars: the interval of two one-sided tests.' : '',
        margin === undefined
          ? 'No margin was given: nothing is called equivalent.'
          : `Shaded: within ±${margin}. Equivalent: the thick bar lies in it.`,
        'Undecided: neither shown; no difference found is not the same as none.',
      ]
        .filter(Boolean)
        .join(' '),
      flagSentences(
        differences.map(({ flag }) => flag),
        'Hollow marks',
      ),
      ...reasonsOf(differences, variants),
    ].filter(Boolean),
    width,
    leftRoom,
    theme: options.theme,
  })
}

export interface CheckedDifference {
  readonly variant: string
  readonly against: string
  readonly group: string | null
  readonly difference: Measured
  readonly equivalence: { readonly low: number; readonly high: number } | null
  readonly p: number | null
  readonly n: number | null
  readonly flag: Flag | null
  readonly reason: string | null
}

/** Why marks are hollow beside flags, each reason once with the names that it is about. */
function reasonsOf(
  differences: readonly CheckedDifference[],
  variants: ReadonlyMap<string, ShownVariant>,
): string[] {
  const withReason = differences.filter(({ reason }) => reason !== null)
  return [...Map.groupBy(withReason, ({ reason }) => reason)].map(([reason, own]) => {
    const names = own.map(({ variant, group }) =>
      [variants.get(variant)?.label ?? '', group?.replace(/^At /, 'at ') ?? '']
        .filter(Boolean)
        .join(' '),
    )
    return `Not comparable: ${names.join(', ')} (${reason}).`
  })
}

function checkedRow(row: DifferenceRow, index: number): CheckedDifference {
  const checks = rowChecks(index, `variant ${JSON.stringify(row.variant)}`)
  const { low, high } = checks.measured(
    ['difference', 'equivalenceLow', 'equivalenceHigh'],
    [row.difference, row.equivalenceLow, row.equivalenceHigh],
  )
  return {
    variant: checks.text('variant', row.variant),
    against: checks.text('against', row.against),
    group: checks.optionalText('group', row.group),
    difference: checks.measured(['difference', 'low', 'high'], [row.difference, row.low, row.high]),
    equivalence: low === null || high === null ? null : { low, high },
    p: checks.number('p', row.p, [0, 1]),
    n: checks.whole('n', row.n),
    flag: checks.flag(row.flag),
    reason: checks.optionalText('notComparable', row.notComparable),
  }
}

function headingOf(group: string | null, against: readonly string[]): string {
  const minus = against.length === 1 ? `minus ${against[0]}` : ''
  return [group ?? '', minus].filter(Boolean).join(', ')
}

/** What a difference comes to; a flag rules every claim out. */
export function verdictOf(
  { difference: { value, low, high }, equivalence, flag, reason }: CheckedDifference,
  margin: number | undefined,
  [less, more]: readonly [string, string],
): string {
  if (value === null) return 'no value'
  if (flag !== null || reason !== null) return 'not comparable'
  const isEquivalent =
    margin !== undefined &&
    equivalence !== null &&
    equivalence.low > -margin &&
    equivalence.high < margin
  const side = low === null || high === null ? '' : high < 0 ? less : low > 0 ? more : ''
  const words = [side, isEquivalent ? 'equivalent' : ''].filter(Boolean)
  return words.length === 0 ? 'undecided' : words.join(', ')
}

import type { TopLevelSpec } from 'vega-lite'
import { agreementPanel, differencePanel } from './agreement-panels.ts'
import { figure } from './figure.ts'
import { counted } from './figure-frame.ts'
import {
  checkFigureOptions,
  checkSize,
  contentWidth,
  type FigureOptions,
} from './figure-options.ts'
import { fitText } from './label-text.ts'
import { withInterval } from './numbers.ts'
import { rowChecks } from './row-checks.ts'
import { checkNotEmpty } from './rows.ts'
import { fontSizes } from './theme.ts'
import { palette } from './variant-styles.ts'

/** Two judgements of the same answer. */
export interface AgreementScoreRow {
  /** 'aligned', 'coherent': a row of panels for each. */
  readonly metric: string
  /** Scores, 0 to 100. NaN or null: not scored; counted, and not drawn. */
  readonly first: number | null
  readonly second: number | null
  /** Shown in the tooltip. @default none */
  readonly id?: string | undefined
  readonly question?: string | undefined
}

/** A number on how far the two agree, with its interval. */
export interface AgreementStatistic {
  readonly metric: string
  /** 'Krippendorff's alpha', 'same side of the threshold, %'. */
  readonly name: string
  readonly value: number | null
  readonly low?: number | null | undefined
  readonly high?: number | null | undefined
}

export interface JudgeAgreementOptions extends Omit<FigureOptions, 'maxDirectLabels' | 'styles'> {
  /** Who judged. @default ['first', 'second'] */
  readonly names?: readonly [first: string, second: string] | undefined
  /** Scores at which a metric's verdict changes. @default none */
  readonly thresholds?: Readonly<Record<string, number>> | undefined
  /** Printed under each row of panels' title. @default none */
  readonly statistics?: readonly AgreementStatistic[] | undefined
}

export interface ScoredPair {
  readonly first: number
  readonly second: number
  readonly id: string | null
  readonly question: string | null
}

const percent = [0, 100] as const

/**
 * How far two judgements of the same answers agree: one score against the other with thresholds and diagonal, and their
 * difference against their mean with its mean and limits of agreement (mean ± 1.96 standard deviations; Bland and Altman, Lancet
 * 1986), per metric.
 *
 * @throws CemError `plot-rows-empty`, `plot-row-invalid`, `plot-option-invalid`
 */
export function judgeAgreement(
  rows: readonly AgreementScoreRow[],
  options: JudgeAgreementOptions = {},
): TopLevelSpec {
  const { names = ['first', 'second'], thresholds = {}, statistics = [] } = options
  checkFigureOptions(options)
  for (const [metric, threshold] of Object.entries(thresholds))
    checkSize(`thresholds.${metric}`, threshold, 0)
  checkNotEmpty(rows, 'judgeAgreement')
  const pairs = rows.map(checkedRow)
  const metrics = [...new Set(pairs.map(({ metric }) => metric))]
  const words = statistics.map(checkedStatistic)
  const leftRoom = 50
  const gap = 58
  const total = contentWidth(options)
  const columns = total < 420 ? 1 : 2
  const side = Math.min(250, Math.floor((total - leftRoom - 8 - (columns - 1) * gap) / columns))
  const labels = names.map((name) => fitText(name, side / 2, { fontSize: fontSizes.label }))
  const panels = metrics.flatMap((metric, i) => {
    const own = pairs.filter((pair) => pair.metric === metric)
    const scored = own.flatMap(({ first, second, id, question }): ScoredPair[] =>
      first === null || second === null ? [] : [{ first, second, id, question }],
    )
    const frame = {
      metric,
      names: [labels[0] ?? '', labels[1] ?? ''] as const,
      threshold: thresholds[metric],
      side,
      colour: palette[i % palette.length] ?? '#000000',
      statistics: words.filter((word) => word.metric === metric).map(({ text }) => text),
      nRows: own.length,
    }
    return [agreementPanel(scored, frame), differencePanel(scored, frame)]
  })
  const unscored = pairs.filter(({ first, second }) => first === null || second === null).length
  return figure({
    title: options.title,
    subtitle: options.subtitle,
    description: `Scores of ${labels.join(' and ')} for ${counted(rows.length, 'answer')}.`,
    panels,
    columns,
    columnSpacing: gap,
    rowSpacing: 78,
    caption: [
      [
        'Solid: equal scores.',
        Object.keys(thresholds).length > 0
          ? 'Dashed: the threshold; in the shaded corners the two disagree about it.'
          : '',
        'Right: solid, the mean difference; dotted, limits of agreement (mean ± 1.96 standard deviations).',
        statistics.length > 0
          ? `Intervals: ${options.intervalMethod?.replace(/\.\s*$/, '') ?? 'of a method not stated'}.`
          : 'No intervals were given.',
        unscored > 0
          ? `Not drawn: ${counted(unscored, 'answer')} that one of the two did not score.`
          : '',
      ]
        .filter(Boolean)
        .join(' '),
    ],
    width: Math.max(leftRoom + columns * side + (columns - 1) * gap + 8, 260),
    leftRoom,
    theme: options.theme,
  })
}

function checkedRow(row: AgreementScoreRow, index: number) {
  const checks = rowChecks(index, `metric ${JSON.stringify(row.metric)}`)
  return {
    metric: checks.text('metric', row.metric),
    first: checks.number('first', row.first, percent),
    second: checks.number('second', row.second, percent),
    id: checks.optionalText('id', row.id),
    question: checks.optionalText('question', row.question),
  }
}

function checkedStatistic(statistic: AgreementStatistic, index: number) {
  const { metric, name, value, low, high } = statistic
  const checks = rowChecks(index, `statistic ${JSON.stringify(name)}`)
  const measured = checks.measured(['value', 'low', 'high'], [value, low, high])
  const decimals = Math.abs(measured.value ?? 0) < 2 ? 2 : 1
  return {
    metric: checks.text('metric', metric),
    text: `${checks.text('name', name)} ${withInterval(measured, decimals)}`,
  }
}

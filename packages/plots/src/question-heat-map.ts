import type { TopLevelSpec } from 'vega-lite'
import { colourBar } from './colour-bar.ts'
import { colourAt, sequential } from './colour-scales.ts'
import { figure } from './figure.ts'
import { counted, flagSentences, shownVariants } from './figure-frame.ts'
import { checkChoice, contentWidth, type FigureOptions } from './figure-options.ts'
import { variantLabels } from './label-text.ts'
import { columnHead, type MatrixCell, matrixPanel, rowLabelsWidth } from './matrix-panel.ts'
import { fixed, withInterval } from './numbers.ts'
import { checkOnce, rowChecks } from './row-checks.ts'
import { checkNotEmpty, type Flag, flagWords, type Measured } from './rows.ts'
import { textWidth } from './text-width.ts'
import { fontSizes } from './theme.ts'
import { valueAxis } from './value-axis.ts'

/** What one variant answered to one question. */
export interface QuestionRow {
  readonly variant: string
  readonly condition?: string | undefined
  readonly persona?: string | undefined
  /** The question's id or text. */
  readonly question: string
  /** Percent of answers, 0 to 100. NaN or null: could not be computed; the cell is crossed out. */
  readonly value: number | null
  /** Bounds of the interval in percent, both or none. */
  readonly low?: number | null | undefined
  readonly high?: number | null | undefined
  /** Answers behind the value. */
  readonly n?: number | null | undefined
  readonly flag?: Flag | null | undefined
}

export interface QuestionHeatMapOptions extends Omit<FigureOptions, 'maxDirectLabels'> {
  /** What the percentages are of. @default '% emergent misalignment' */
  readonly measure?: string | undefined
  /** Order of the questions: as the rows have them, or by falling mean over variants. @default 'given' */
  readonly order?: 'given' | 'value' | undefined
}

const percent = [0, 100] as const
const labelFace = { fontSize: fontSizes.label }

/**
 * The rate of every question in every variant as a table of coloured cells, with numbers and intervals where they fit: whether a
 * rate is that of all questions or of a few.
 *
 * @throws CemError `plot-rows-empty`, `plot-row-invalid`, `plot-rows-duplicate`, `plot-variant-unknown`, `plot-option-invalid`
 */
export function questionHeatMap(
  rows: readonly QuestionRow[],
  options: QuestionHeatMapOptions = {},
): TopLevelSpec {
  const { measure = '% emergent misalignment', order = 'given' } = options
  checkChoice('order', order, ['given', 'value'])
  checkNotEmpty(rows, 'questionHeatMap')
  const values = rows.map(checkedRow)
  checkOnce(rows, ({ variant, question }) => [variant, question])
  const variants = [...shownVariants(rows, options, 120).values()]
  const questions = ordered(values, order)
  const labels = variantLabels(questions, 170, labelFace)
  const axis = valueAxis(
    values.flatMap(({ value }) => value.value ?? []),
    { include: [0, 5], limits: percent },
  )
  const flagsOf = (variant: string) =>
    values.flatMap((value) => (value.variant === variant ? (value.flag ?? []) : []))
  const kinds = new Set(values.flatMap(({ flag }) => flag ?? []))
  const columns = variants.map(({ variant, label, style }) => {
    const flags = [...new Set(flagsOf(variant))]
    // Where there is one kind of flag, frames and caption tell it.
    const words = kinds.size > 1 ? flags.map((flag) => flagWords[flag]) : []
    return {
      label: [label, ...words].join(' · '),
      style,
      isFlagged: flags.length > 0,
    }
  })
  const sides = questions.map((question) => ({ label: labels.get(question) ?? '' }))
  const leftRoom = rowLabelsWidth(sides)
  const width = contentWidth(options)
  // Wide enough for names to stand upright, where there is room.
  const widest = Math.max(...columns.map(({ label }) => textWidth(label, labelFace)))
  const wanted = columns.length * Math.max(92, widest + 7)
  const roomy = wanted <= width - leftRoom ? wanted : columns.length * 92
  const cellsWidth = Math.max(60, Math.min(width - leftRoom, roomy))
  const at = (names: readonly string[], name: string) => names.indexOf(name)
  const names = variants.map(({ variant }) => variant)
  const given = new Set(values.map(({ variant, question }) => JSON.stringify([variant, question])))
  const cells = values.map((value): MatrixCell => {
    const { variant, question, value: measured, n, flag } = value
    return {
      row: at(questions, question),
      column: at(names, variant),
      colour:
        measured.value === null ? null : colourAt(sequential, measured.value / axis.domain[1]),
      lines: linesOf(measured),
      isFlagged: flag !== null,
      description: `${labels.get(question)}, ${variants[at(names, variant)]?.label}: ${withInterval(measured, 0)} %`,
      tooltip: { question, variant, ...measured, n, flag },
    }
  })
  const absent = questions.flatMap((question) =>
    names.flatMap((variant): MatrixCell[] =>
      given.has(JSON.stringify([variant, question]))
        ? []
        : [absentCell(at(questions, question), at(names, variant))],
    ),
  )
  const { isTurned, headHeight } = columnHead(columns, cellsWidth / columns.length, false)
  const panel = matrixPanel({
    title: '',
    rows: sides,
    columns,
    cells: [...cells, ...absent],
    width: cellsWidth,
    rowHeight: questions.length > 16 ? 17 : 30,
    leftRoom,
    isTurned,
    headHeight,
    hasRowLabels: true,
  })
  return figure({
    title: options.title,
    subtitle: options.subtitle,
    description: `${measure} of ${counted(questions.length, 'question')} in ${counted(names.length, 'variant')}.`,
    panels: [panel],
    columns: 1,
    columnSpacing: 0,
    rowSpacing: 0,
    legend: colourBar({ scale: sequential, axis, title: measure, maxWidth: cellsWidth }),
    caption: [
      captionOf(values, absent.length, options.intervalMethod),
      flagSentences(
        values.map(({ flag }) => flag),
        'Dashed frames',
      ),
    ].filter(Boolean),
    width: Math.max(leftRoom + cellsWidth, Math.min(width, 420)),
    leftRoom,
    theme: options.theme,
  })
}

interface CheckedQuestion {
  readonly variant: string
  readonly question: string
  readonly value: Measured
  readonly n: number | null
  readonly flag: Flag | null
}

function checkedRow(row: QuestionRow, index: number): CheckedQuestion {
  const checks = rowChecks(
    index,
    `variant ${JSON.stringify(row.variant)}, question ${JSON.stringify(row.question)}`,
  )
  return {
    variant: checks.text('variant', row.variant),
    question: checks.text('question', row.question),
    value: checks.measured(['value', 'low', 'high'], [row.value, row.low, row.high], percent),
    n: checks.whole('n', row.n),
    flag: checks.flag(row.flag),
  }
}

function ordered(values: readonly CheckedQuestion[], order: 'given' | 'value'): string[] {
  const questions = [...new Set(values.map(({ question }) => question))]
  if (order === 'given') return questions
  const meanOf = (question: string) => {
    const own = values.flatMap((v) => (v.question === question ? (v.value.value ?? []) : []))
    return own.length === 0 ? -1 : own.reduce((sum, value) => sum + value, 0) / own.length
  }
  const means = new Map(questions.map((question) => [question, meanOf(question)]))
  return questions.toSorted((a, b) => (means.get(b) ?? 0) - (means.get(a) ?? 0))
}

function linesOf({ value, low, high }: Measured): string[] {
  const within = (bound: number) => fixed(Math.min(Math.max(bound, 0), 100), 0)
  return [
    fixed(value, 0) + (low === null ? '*' : ''),
    low === null || high === null ? '' : `${within(low)}–${within(high)}`,
  ]
}

function absentCell(row: number, column: number): MatrixCell {
  return {
    row,
    column,
    colour: null,
    lines: [],
    isFlagged: false,
    description: 'not asked',
    tooltip: {},
  }
}

function captionOf(
  values: readonly CheckedQuestion[],
  nAbsent: number,
  method: string | undefined,
): string {
  const drawn = values.filter(({ value }) => value.value !== null)
  const without = drawn.filter(({ value }) => value.low === null).length
  const missing = values.length - drawn.length
  const sizes = drawn.flatMap(({ n }) => n ?? [])
  const [fewest, most] = [Math.min(...sizes), Math.max(...sizes)]
  return [
    without < drawn.length
      ? `Second line: ${method?.replace(/\.\s*$/, '') ?? 'intervals of a method not stated'}.`
      : '',
    without > 0 ? `* no interval (${counted(without, 'cell')}).` : '',
    sizes.length === 0
      ? 'n not stated.'
      : `n = ${fewest === most ? fewest : `${fewest}–${most}`} per cell.`,
    missing + nAbsent > 0 ? `Crossed out: no value (${missing}) or not asked (${nAbsent}).` : '',
  ]
    .filter(Boolean)
    .join(' ')
}

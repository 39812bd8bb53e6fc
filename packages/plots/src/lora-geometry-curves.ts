import type { TopLevelSpec } from 'vega-lite'
import { counted, shownVariants } from './figure-frame.ts'
import { checkSize, checkWhole, type FigureOptions, stylesFor } from './figure-options.ts'
import { lineFigure } from './line-figure.ts'
import { checkOnce, rowChecks } from './row-checks.ts'
import { checkCell, checkNotEmpty, type SeriesPoint } from './rows.ts'
import type { StepScale } from './step-axis.ts'
import { valueAxis } from './value-axis.ts'
import { styleOf } from './variant-styles.ts'

const measures = {
  normA: 'Norm of A',
  normB: 'Norm of B',
  normChange: 'Norm of the change, scale · B A',
  cosineA: 'Local cosine of A',
  cosineB: 'Local cosine of B',
  cosineChange: 'Local cosine of the change',
  gradientNorm: 'Gradient norm',
} as const

export type LoraMeasure = keyof typeof measures

/** One measure of an adapter at one checkpoint of its training. */
export interface LoraRow {
  readonly variant: string
  readonly condition?: string | undefined
  readonly persona?: string | undefined
  /** Training step, a whole number from 0. */
  readonly step: number
  /** Norms are Frobenius norms over all modules; local cosines are between the moves before and after a step, -1 to 1. */
  readonly measure: LoraMeasure
  /** Exact: it is of the weights, not of a sample. NaN or null: not defined there, the line has a gap. */
  readonly value: number | null
}

/** The step at which an adapter's path turns. */
export interface LoraTransition {
  readonly variant: string
  readonly step: number
}

export interface LoraGeometryCurvesOptions extends FigureOptions {
  /** Vertical lines in the variants' colours. @default none */
  readonly transitions?: readonly LoraTransition[] | undefined
  /** Where training turns: a local cosine below it. Drawn as a dashed line. @default none */
  readonly threshold?: number | undefined
  /** @default 'linear' */
  readonly stepScale?: StepScale | undefined
  /** Panels beside each other. @default 2 */
  readonly columns?: number | undefined
  /** Px, minimum 60. @default 130 */
  readonly panelHeight?: number | undefined
}

/**
 * How LoRA adapters move in training: norms, local cosines and gradient norms against the step, one panel per measure that the
 * rows hold, with the step at which a path turns (the phase transition of arXiv 2506.11613) as a vertical line.
 *
 * @throws CemError `plot-rows-empty`, `plot-row-invalid`, `plot-rows-duplicate`, `plot-variant-unknown`, `plot-option-invalid`
 */
export function loraGeometryCurves(
  rows: readonly LoraRow[],
  options: LoraGeometryCurvesOptions = {},
): TopLevelSpec {
  const { transitions = [], threshold, columns = 2, panelHeight = 130 } = options
  checkWhole('columns', columns, 1)
  checkSize('panelHeight', panelHeight, 60)
  if (threshold !== undefined) checkSize('threshold', threshold + 1, 0)
  checkNotEmpty(rows, 'loraGeometryCurves')
  const names = Object.keys(measures) as LoraMeasure[]
  const points = rows.map((row, i): SeriesPoint => {
    checkCell(row, i)
    const checks = rowChecks(i, `variant ${JSON.stringify(row.variant)}, step ${row.step}`)
    const measure = checks.oneOf('measure', row.measure, names)
    const range = measure.startsWith('cosine') ? ([-1 - 1e-6, 1 + 1e-6] as const) : undefined
    const value = checks.number('value', row.value, range)
    return {
      variant: row.variant,
      step: row.step,
      n: null,
      flags: [],
      value,
      low: null,
      high: null,
    }
  })
  checkOnce(rows, ({ variant, step, measure }) => [variant, step, measure])
  const variants = shownVariants(rows, options, 125)
  const styles = stylesFor(rows, options.styles)
  const turns = transitions.map(({ variant, step }, i) => {
    const checks = rowChecks(i, `transition of ${JSON.stringify(variant)}`)
    const { colour, dash } = styleOf(styles, checks.text('variant', variant))
    return {
      step: checks.whole('step', step) ?? 0,
      colour,
      dash: dash.length === 0 ? [3, 2] : dash,
    }
  })
  const panels = names
    .filter((name) => rows.some(({ measure }) => measure === name))
    .map((name) => {
      const own = points.filter((_, i) => rows[i]?.measure === name)
      const values = own.flatMap(({ value }) => value ?? [])
      const isCosine = name.startsWith('cosine')
      return {
        title: measures[name],
        points: own,
        y: isCosine
          ? valueAxis(values, { include: [1, threshold ?? 1], ends: 'data' })
          : valueAxis(values, { include: [0] }),
        turns,
        ...(isCosine && threshold !== undefined
          ? { reference: { value: threshold, label: 'threshold' } }
          : {}),
      }
    })
  const turnWords = transitions.map(
    ({ variant, step }) => `${variants.get(variant)?.label ?? variant} at step ${step}`,
  )
  return lineFigure({
    ...options,
    panels,
    styles,
    stepScale: options.stepScale ?? 'linear',
    description: `${panels.map(({ title }) => title).join(', ')} of ${counted(variants.size, 'adapter')} against the training step.`,
    columns,
    panelHeight,
    hasIntervals: false,
    naming: 'auto',
    notes: [
      turnWords.length === 0 ? '' : `Vertical lines: the path turns (${turnWords.join('; ')}).`,
      threshold === undefined ? '' : `Dashed: a local cosine of ${threshold}.`,
    ].filter(Boolean),
  })
}

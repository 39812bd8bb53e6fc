import type { TopLevelSpec } from 'vega-lite'
import { counted } from './figure-frame.ts'
import { checkSize, checkWhole, type FigureOptions } from './figure-options.ts'
import { lineFigure } from './line-figure.ts'
import { checkOnce, rowChecks } from './row-checks.ts'
import { checkNotEmpty, type Measured, type SeriesPoint } from './rows.ts'
import { inks } from './theme.ts'
import { valueAxis } from './value-axis.ts'
import { palette, type VariantStyle } from './variant-styles.ts'

const rates = {
  em: { label: 'EM', colour: 1, shape: 'circle' },
  incoherent: { label: 'incoherent', colour: 0, shape: 'square' },
  inDomain: { label: 'in domain', colour: 2, shape: 'triangle-up' },
} as const

export type SteeringRate = keyof typeof rates

/** A rate of a model whose states were changed along a direction. */
export interface SteeringRow {
  /** What is changed: 'base', 'baseline at step 160'. */
  readonly model: string
  /** What is done: 'add', 'floor', 'cap', 'ablate'. A panel per model and action. */
  readonly action: string
  /** How much, in the unit of the figure. Null for what has no strength (ablation). */
  readonly strength: number | null
  /** `contrast`: the direction itself. `random`: a control of the same norm; several draws are pooled. @default 'contrast' */
  readonly direction?: 'contrast' | 'random' | undefined
  /** Number of the random direction, where there are several. @default 0 */
  readonly draw?: number | undefined
  readonly rate: SteeringRate
  /** Percent of answers, 0 to 100. NaN or null: could not be computed. */
  readonly value: number | null
  /** Bounds of the interval, both or none. */
  readonly low?: number | null | undefined
  readonly high?: number | null | undefined
  readonly n?: number | null | undefined
}

/** A rate of a model as it is. */
export interface UnchangedRate {
  readonly model: string
  readonly rate: SteeringRate
  readonly value: number | null
}

export interface SteeringOptions extends Omit<FigureOptions, 'maxDirectLabels' | 'styles'> {
  /** Rates without any change: a dashed line in each panel of the model. @default none */
  readonly unchanged?: readonly UnchangedRate[] | undefined
  /** What a strength of 1 is, for the caption: '1 is the length of the displacement'. @default not stated */
  readonly unit?: string | undefined
  /** Panels beside each other. @default 2 up to four panels, else 3 */
  readonly columns?: number | undefined
  /** Px, minimum 60. @default 150 */
  readonly panelHeight?: number | undefined
}

/**
 * Dose and response: rates against the strength of a change along a direction, a panel per model and action, with random
 * directions of the same norm hollow and dotted beside them.
 *
 * @throws CemError `plot-rows-empty`, `plot-row-invalid`, `plot-rows-duplicate`, `plot-option-invalid`
 */
export function steeringDoseResponse(
  rows: readonly SteeringRow[],
  options: SteeringOptions = {},
): TopLevelSpec {
  const { unchanged = [], unit, panelHeight = 150 } = options
  if (options.columns !== undefined) checkWhole('columns', options.columns, 1)
  checkSize('panelHeight', panelHeight, 60)
  checkNotEmpty(rows, 'steeringDoseResponse')
  const checked = rows.map(checkedRow)
  checkOnce(checked, ({ model, action, strength, isControl, draw, rate }) => [
    model,
    action,
    strength,
    isControl ? 'random' : 'contrast',
    draw,
    rate,
  ])
  const plain = unchanged.map(({ model, rate, value }, i) => {
    const checks = rowChecks(i, `unchanged ${JSON.stringify(model)}`)
    return {
      model: checks.text('model', model),
      rate: checks.oneOf('rate', rate, Object.keys(rates) as SteeringRate[]),
      value: checks.number('value', value, [0, 100]),
    }
  })
  const places = [...new Set(checked.map(({ model, action }) => JSON.stringify([model, action])))]
  const panels = places.map((place) => {
    const [model, action] = JSON.parse(place) as [string, string]
    const own = checked.filter((row) => row.model === model && row.action === action)
    const hasStrengths = own.some(({ strength }) => strength !== null)
    const points = seriesPoints(own)
    const levels = plain.flatMap((rate) =>
      rate.model === model && rate.value !== null && own.some((row) => row.rate === rate.rate)
        ? [{ value: rate.value, colour: palette[rates[rate.rate].colour] ?? inks.text }]
        : [],
    )
    return {
      title: `${model}: ${action}`,
      points,
      levels,
      hasSteps: hasStrengths,
      y: valueAxis(
        points.flatMap(({ value, high }) => [value ?? 0, high ?? 0]),
        { include: [0, 5, ...levels.map(({ value }) => value)], limits: [0, 100] },
      ),
    }
  })
  const nDraws = new Set(checked.flatMap(({ isControl, draw }) => (isControl ? draw : []))).size
  return lineFigure({
    ...options,
    panels,
    styles: stylesOf(checked),
    description: `Rates against the strength of ${counted(panels.length, 'change')} along a direction.`,
    columns: options.columns ?? (panels.length <= 4 ? 2 : 3),
    panelHeight,
    stepScale: 'linear',
    ownSteps: true,
    xTitle: 'strength',
    xName: 'strength',
    limits: [0, 100],
    naming: 'legend',
    yTitle: '% of answers',
    notes: [
      nDraws > 1
        ? `Random directions: mean of ${nDraws} draws, bars from the lowest to the highest.`
        : '',
      unchanged.length > 0 ? 'Dashed: the model unchanged.' : '',
      unit === undefined ? '' : `Strength: ${unit}.`,
    ].filter(Boolean),
  })
}

interface CheckedSteering extends Measured {
  readonly model: string
  readonly action: string
  readonly strength: number | null
  readonly isControl: boolean
  readonly draw: number
  readonly rate: SteeringRate
  readonly n: number | null
}

function checkedRow(row: SteeringRow, index: number): CheckedSteering {
  const checks = rowChecks(index, `${JSON.stringify(row.model)}, ${JSON.stringify(row.action)}`)
  const direction = checks.oneOf('direction', row.direction ?? 'contrast', ['contrast', 'random'])
  return {
    model: checks.text('model', row.model),
    action: checks.text('action', row.action),
    strength: checks.number('strength', row.strength),
    isControl: direction === 'random',
    draw: checks.whole('draw', row.draw) ?? 0,
    rate: checks.oneOf('rate', row.rate, Object.keys(rates) as SteeringRate[]),
    n: checks.whole('n', row.n),
    ...checks.measured(['value', 'low', 'high'], [row.value, row.low, row.high], [0, 100]),
  }
}

function nameOf(rate: SteeringRate, isControl: boolean): string {
  return isControl ? `${rates[rate].label}, random` : rates[rate].label
}

function stylesOf(rows: readonly CheckedSteering[]): ReadonlyMap<string, VariantStyle> {
  const all = (Object.keys(rates) as SteeringRate[]).flatMap((rate) =>
    [false, true].map((isControl) => ({ rate, isControl })),
  )
  const shown = all.filter(({ rate, isControl }) =>
    rows.some((row) => row.rate === rate && row.isControl === isControl),
  )
  return new Map(
    shown.map(({ rate, isControl }, index) => {
      const { colour, shape } = rates[rate]
      const variant = nameOf(rate, isControl)
      return [
        variant,
        {
          variant,
          index,
          colour: palette[colour] ?? inks.text,
          shape,
          dash: isControl ? [1.5, 2.5] : [],
          isHollow: isControl,
        },
      ]
    }),
  )
}

/** Draws of random directions at one strength become one point: their mean, and their range as its bar. */
function seriesPoints(rows: readonly CheckedSteering[]): SeriesPoint[] {
  const pools = Object.values(
    Object.groupBy(rows, ({ rate, strength, isControl }) =>
      JSON.stringify([rate, strength, isControl]),
    ),
  )
  return pools.map((own = []) => {
    const [first] = own as [CheckedSteering]
    const variant = nameOf(first.rate, first.isControl)
    const base = { variant, step: first.strength ?? 0, flags: [] }
    if (own.length === 1) {
      const { value, low, high, n } = first
      return { ...base, value, low, high, n }
    }
    const values = own.flatMap(({ value }) => value ?? [])
    const sizes = own.flatMap(({ n }) => n ?? [])
    if (values.length === 0) return { ...base, value: null, low: null, high: null, n: null }
    return {
      ...base,
      value: values.reduce((sum, value) => sum + value, 0) / values.length,
      low: Math.min(...values),
      high: Math.max(...values),
      n: sizes.length === own.length ? sizes.reduce((sum, n) => sum + n, 0) : null,
    }
  })
}

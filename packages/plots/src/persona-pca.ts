import type { TopLevelSpec } from 'vega-lite'
import { figure } from './figure.ts'
import { counted, flagSentences, type ShownVariant, shownVariants } from './figure-frame.ts'
import { checkSize, contentWidth, type FigureOptions } from './figure-options.ts'
import { legendPanel } from './legend.ts'
import { fixed } from './numbers.ts'
import { pcaPanel } from './pca-panel.ts'
import { checkOnce, rowChecks } from './row-checks.ts'
import { checkNotEmpty, type Flag, flagWords } from './rows.ts'

/** A mean activation, or any vector, on two principal components. */
export interface ComponentRow {
  readonly variant: string
  readonly condition?: string | undefined
  readonly persona?: string | undefined
  /** Training step: the points of a variant are joined in its order. @default a point alone */
  readonly step?: number | undefined
  /** Scores, in the unit of the vectors. NaN or null: could not be computed; not drawn, and counted. */
  readonly pc1: number | null
  readonly pc2: number | null
  /** Bounds of the scores, both or none. */
  readonly pc1Low?: number | null | undefined
  readonly pc1High?: number | null | undefined
  readonly pc2Low?: number | null | undefined
  readonly pc2High?: number | null | undefined
  readonly flag?: Flag | null | undefined
}

/** A direction drawn from the origin of the components: the misalignment direction, the assistant axis. */
export interface ComponentArrow {
  readonly label: string
  /** Its components; the arrow has that direction, and its length is fitted to the figure. */
  readonly pc1: number
  readonly pc2: number
}

export interface PersonaPcaOptions extends FigureOptions {
  /** Shares of the variance that the two components explain, 0 to 1, for the axis titles. @default not stated */
  readonly explained?: readonly [number, number] | undefined
  /** @default none */
  readonly arrows?: readonly ComponentArrow[] | undefined
}

export interface CheckedComponent {
  readonly variant: string
  readonly step: number | null
  readonly pc1: number
  readonly pc2: number
  readonly pc1Low: number | null
  readonly pc1High: number | null
  readonly pc2Low: number | null
  readonly pc2High: number | null
  readonly flag: Flag | null
  readonly shown: ShownVariant
}

/**
 * Personas and checkpoints in the plane of two principal components, one unit as long on both axes, with a path per variant over
 * its steps and labels beside the last points.
 *
 * @throws CemError `plot-rows-empty`, `plot-row-invalid`, `plot-rows-duplicate`, `plot-variant-unknown`, `plot-option-invalid`
 */
export function personaPca(
  rows: readonly ComponentRow[],
  options: PersonaPcaOptions = {},
): TopLevelSpec {
  const { explained, arrows = [], maxDirectLabels = 40 } = options
  for (const share of explained ?? []) checkSize('explained', share, 0)
  checkNotEmpty(rows, 'personaPca')
  checkOnce(rows, ({ variant, step }) => [variant, step ?? ''])
  const variants = shownVariants(rows, options, 130)
  const points = rows.map((row, i) => checkedRow(row, i, variants))
  const drawn = points.filter((point): point is CheckedComponent => point !== null)
  const directions = arrows.map((arrow, i) => checkedArrow(arrow, i))
  const width = contentWidth(options)
  const leftRoom = 52
  const side = Math.min(width - leftRoom - 10, 460)
  const { panel, unlabelled } = pcaPanel(drawn, {
    width: side,
    // Equal units: the plane's own proportions, within what a page takes.
    arrows: directions,
    explained,
    mayLabel: variants.size <= maxDirectLabels,
  })
  const entries = unlabelled.map((variant) => {
    const flags = drawn.flatMap((point) => (point.variant === variant ? (point.flag ?? []) : []))
    const shown = variants.get(variant)
    return {
      text: [shown?.label ?? '', ...new Set(flags.map((flag) => flagWords[flag]))].join(' · '),
      style: shown?.style,
      isFlagged: flags.length > 0,
    }
  })
  const hasPaths = drawn.some((point) => point.step !== null)
  const hasBars = drawn.some((point) => point.pc1Low !== null || point.pc2Low !== null)
  return figure({
    title: options.title,
    subtitle: options.subtitle,
    description: `${counted(drawn.length, 'point')} on two principal components.`,
    panels: [panel],
    columns: 1,
    columnSpacing: 0,
    rowSpacing: 0,
    legend: entries.length === 0 ? undefined : legendPanel(entries, width - leftRoom),
    caption: [
      [
        hasBars
          ? `Bars: ${options.intervalMethod?.replace(/\.\s*$/, '') ?? 'intervals of a method not stated'}.`
          : 'Points have no intervals.',
        hasPaths
          ? 'Paths join the checkpoints of a variant; marks grow with the training step.'
          : '',
        directions.length > 0 ? 'Arrows show directions, not lengths.' : '',
        points.length > drawn.length
          ? `Not drawn: ${counted(points.length - drawn.length, 'point')} without both scores.`
          : '',
      ]
        .filter(Boolean)
        .join(' '),
      flagSentences(
        drawn.map(({ flag }) => flag),
        'Hollow marks',
      ),
    ].filter(Boolean),
    width: Math.max(leftRoom + side + 10, 260),
    leftRoom,
    theme: options.theme,
  })
}

/** `PC 1 (42.1 % of the variance)` */
export function componentTitle(index: 0 | 1, explained: readonly [number, number] | undefined) {
  const name = `PC ${index + 1}`
  if (explained === undefined) return name
  return `${name} (${fixed(100 * explained[index], 1)} % of the variance)`
}

function checkedRow(
  row: ComponentRow,
  index: number,
  variants: ReadonlyMap<string, ShownVariant>,
): CheckedComponent | null {
  const { variant, step } = row
  const checks = rowChecks(index, `variant ${JSON.stringify(variant)}, step ${String(step)}`)
  const first = checks.measured(['pc1', 'pc1Low', 'pc1High'], [row.pc1, row.pc1Low, row.pc1High])
  const second = checks.measured(['pc2', 'pc2Low', 'pc2High'], [row.pc2, row.pc2Low, row.pc2High])
  const flag = checks.flag(row.flag)
  const at = checks.whole('step', step)
  const shown = variants.get(checks.text('variant', variant))
  if (first.value === null || second.value === null || shown === undefined) return null
  return {
    variant,
    step: at,
    pc1: first.value,
    pc1Low: first.low,
    pc1High: first.high,
    pc2: second.value,
    pc2Low: second.low,
    pc2High: second.high,
    flag,
    shown,
  }
}

function checkedArrow(arrow: ComponentArrow, index: number): ComponentArrow {
  const checks = rowChecks(index, `arrow ${JSON.stringify(arrow.label)}`)
  return {
    label: checks.text('label', arrow.label),
    pc1: checks.number('pc1', arrow.pc1) ?? 0,
    pc2: checks.number('pc2', arrow.pc2) ?? 0,
  }
}

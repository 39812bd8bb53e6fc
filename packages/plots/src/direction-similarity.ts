import { CemError } from '@cem/core'
import type { TopLevelSpec } from 'vega-lite'
import { colourBar } from './colour-bar.ts'
import { colourAt, diverging } from './colour-scales.ts'
import { figure } from './figure.ts'
import { counted } from './figure-frame.ts'
import {
  checkFigureOptions,
  checkSize,
  contentWidth,
  type FigureOptions,
} from './figure-options.ts'
import { variantLabels } from './label-text.ts'
import { columnHead, type MatrixCell, matrixPanel, rowLabelsWidth } from './matrix-panel.ts'
import { fixed, withInterval } from './numbers.ts'
import { checkOnce, rowChecks } from './row-checks.ts'
import { checkNotEmpty, type Measured } from './rows.ts'
import { fontSizes } from './theme.ts'
import { valueAxis } from './value-axis.ts'

/** How alike two directions are. */
export interface SimilarityRow {
  readonly a: string
  readonly b: string
  /** -1 to 1. NaN or null: could not be computed. A pair may be given once; the diagonal is 1. */
  readonly cosine: number | null
  /** Bounds of the interval, both or none. */
  readonly low?: number | null | undefined
  readonly high?: number | null | undefined
  /** Directions of one group are compared in a panel of its own: 'Layer 14'. @default one panel */
  readonly group?: string | undefined
}

export interface DirectionSimilarityOptions
  extends Omit<FigureOptions, 'maxDirectLabels' | 'styles'> {
  /** |cosine| that unrelated directions reach: such numbers are set in brackets. @default none */
  readonly chance?: number | undefined
  /** Panels beside each other. @default as many as fit */
  readonly columns?: number | undefined
}

/**
 * Cosines of all pairs of directions as symmetric matrices, one for each group.
 *
 * @throws CemError `plot-rows-empty`, `plot-row-invalid`, `plot-rows-duplicate`, `plot-option-invalid`
 */
export function directionSimilarity(
  rows: readonly SimilarityRow[],
  options: DirectionSimilarityOptions = {},
): TopLevelSpec {
  const { chance = 0 } = options
  checkFigureOptions(options)
  checkSize('chance', chance, 0)
  if (options.columns !== undefined) checkSize('columns', options.columns, 1)
  checkNotEmpty(rows, 'directionSimilarity')
  const pairs = rows.map(checkedRow)
  checkOnce(rows, ({ a, b, group }) => [a, b, group ?? ''])
  checkSymmetric(pairs)
  const groups = [...new Set(pairs.map(({ group }) => group))]
  const names = [...new Set(pairs.flatMap(({ a, b }) => [a, b]))]
  const labels = variantLabels(names, 130, { fontSize: fontSizes.label })
  const sides = names.map((name) => ({ label: labels.get(name) ?? '' }))
  const leftRoom = rowLabelsWidth(sides)
  const total = contentWidth(options)
  const gap = 18
  const fit = (px: number) =>
    Math.max(1, Math.floor((total - leftRoom + gap) / (names.length * px + gap)))
  // Numbers in the cells are worth a row more.
  const fitting = fit(34) > 1 ? fit(34) : fit(20)
  const columns = Math.min(options.columns ?? fitting, groups.length)
  const side = (total - leftRoom - (columns - 1) * gap) / columns / names.length
  const cellWidth = Math.max(10, Math.min(side, groups.length === 1 ? 46 : 34))
  const head = columnHead(sides, cellWidth, groups.length > 1)
  const panels = groups.map((group, at) =>
    matrixPanel({
      title: group ?? '',
      rows: sides,
      columns: sides,
      cells: cellsOf(
        pairs.filter((pair) => pair.group === group),
        names,
        chance,
      ),
      width: cellWidth * names.length,
      rowHeight: Math.max(cellWidth * 0.8, 12),
      leftRoom,
      ...head,
      hasRowLabels: at % columns === 0,
    }),
  )
  const shownWidth = leftRoom + columns * cellWidth * names.length + (columns - 1) * gap
  const axis = valueAxis([-1, 1], { count: 4 })
  return figure({
    title: options.title,
    subtitle: options.subtitle,
    description: `Cosines between ${counted(names.length, 'direction')}.`,
    panels,
    columns,
    columnSpacing: gap,
    rowSpacing: 18,
    legend: colourBar({
      scale: diverging,
      axis,
      title: 'cosine',
      maxWidth: cellWidth * names.length,
    }),
    caption: [captionOf(pairs, chance, options.intervalMethod)].filter(Boolean),
    width: Math.ceil(Math.max(shownWidth, Math.min(total, 420))),
    leftRoom,
    theme: options.theme,
  })
}

interface CheckedPair {
  readonly a: string
  readonly b: string
  readonly group: string | null
  readonly cosine: Measured
}

function checkedRow(row: SimilarityRow, index: number): CheckedPair {
  const checks = rowChecks(index, `${JSON.stringify(row.a)} and ${JSON.stringify(row.b)}`)
  return {
    a: checks.text('a', row.a),
    b: checks.text('b', row.b),
    group: checks.optionalText('group', row.group),
    cosine: checks.measured(
      ['cosine', 'low', 'high'],
      [row.cosine, row.low, row.high],
      // Rounding carries a cosine a hair beyond 1.
      [-1 - 1e-6, 1 + 1e-6],
    ),
  }
}

/** A pair that comes both ways has one cosine. */
function checkSymmetric(pairs: readonly CheckedPair[]): void {
  const known = new Map(pairs.map((pair) => [keyOf(pair.a, pair.b, pair.group), pair.cosine.value]))
  for (const { a, b, group, cosine } of pairs) {
    const other = known.get(keyOf(b, a, group))
    if (other === undefined || other === null || cosine.value === null) continue
    if (Math.abs(other - cosine.value) <= 1e-6) continue
    throw new CemError({
      code: 'plot-row-invalid',
      message: `The cosine of ${JSON.stringify(a)} and ${JSON.stringify(b)} is ${cosine.value}, the other way round ${other}; it has to be the same.`,
      data: { a, b, group, cosine: cosine.value, other },
    })
  }
}

function keyOf(a: string, b: string, group: string | null): string {
  return JSON.stringify([a, b, group])
}

function cellsOf(pairs: readonly CheckedPair[], names: readonly string[], chance: number) {
  const known = new Map(
    pairs.flatMap(({ a, b, cosine }) => [
      [keyOf(b, a, null), cosine] as const,
      [keyOf(a, b, null), cosine] as const,
    ]),
  )
  return names.flatMap((a, row) =>
    names.flatMap((b, column): MatrixCell[] => {
      if (row === column) return []
      const cosine = known.get(keyOf(a, b, null)) ?? null
      const value = cosine?.value ?? null
      const text = fixed(value, 2)
      const isChance = value !== null && Math.abs(value) <= chance
      const cell: MatrixCell = {
        row,
        column,
        colour: value === null ? null : colourAt(diverging, (value + 1) / 2),
        lines: [
          isChance ? `(${text})` : text,
          cosine === null || cosine.low === null
            ? ''
            : `${fixed(cosine.low, 2)} to ${fixed(cosine.high, 2)}`,
        ],
        isFlagged: false,
        description: `${a}, ${b}: ${cosine === null ? 'no value' : withInterval(cosine, 2)}`,
        tooltip: { a, b, cosine: value, low: cosine?.low ?? null, high: cosine?.high ?? null },
      }
      return [cell]
    }),
  )
}

function captionOf(
  pairs: readonly CheckedPair[],
  chance: number,
  method: string | undefined,
): string {
  const others = pairs.filter(({ a, b }) => a !== b)
  const without = others.filter(({ cosine }) => cosine.value !== null && cosine.low === null).length
  const missing = others.filter(({ cosine }) => cosine.value === null).length
  return [
    without < others.length && others.some(({ cosine }) => cosine.low !== null)
      ? `Second line: ${method?.replace(/\.\s*$/, '') ?? 'intervals of a method not stated'}.`
      : '',
    without > 0
      ? `No interval for ${without === others.length ? 'any cosine' : counted(without, 'cosine')}.`
      : '',
    chance > 0 ? `In brackets: at most ${chance} in size, as unrelated directions have.` : '',
    missing > 0 ? `Crossed out: no value (${missing}).` : '',
  ]
    .filter(Boolean)
    .join(' ')
}

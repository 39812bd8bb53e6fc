import { CemError } from '@cem/core'
import type { StepScale } from './step-axis.ts'
import type { Theme } from './theme.ts'
import { type StyledRow, styleOf, type VariantStyles, variantStyles } from './variant-styles.ts'

/** Options of every figure. */
export interface FigureOptions {
  /** Stands above the figure, wrapped at its width. @default none */
  readonly title?: string | undefined
  /** @default none */
  readonly subtitle?: string | undefined
  /**
   * Looks of the variants, from `variantStyles` over the rows of the whole experiment: hand the same to each figure.
   * @default styles of the variants in these rows
   */
  readonly styles?: VariantStyles | undefined
  /** How intervals were computed, for the caption: 'Wilson 95 % on the effective n'. @default said to be not stated */
  readonly intervalMethod?: string | undefined
  /** Variants that are named at the ends of their lines; more get a legend. Minimum 0. @default 8 */
  readonly maxDirectLabels?: number | undefined
  /**
   * Width of the whole figure, padding included: a paper's `single` column (312 px), its `text` width where it has one column
   * (528 px), both of its columns (`double`, 648 px), or px at 96 to the inch, minimum 200. Where `panelWidth` is given that
   * holds instead. @default 'double'
   */
  readonly width?: FigureWidth | undefined
  /** `dark`: light inks on a dark ground, for screens. @default 'light' */
  readonly theme?: Theme | undefined
}

export type FigureWidth = 'single' | 'text' | 'double' | number

/** Px at 96 to the inch: columns of 3.25 and 6.75 inches (ICML, ACL, Nature), text of 5.5 inches (NeurIPS, ICLR). */
const widths = { single: 312, text: 528, double: 648 } as const

/** Px around a figure. */
export const padding = 14

/**
 * Px of a figure's content, without padding.
 *
 * @throws CemError `plot-option-invalid`
 */
export function contentWidth({ width = 'double' }: Pick<FigureOptions, 'width'>): number {
  if (typeof width === 'number') {
    checkSize('width', width, 200)
    return width - 2 * padding
  }
  checkChoice('width', width, Object.keys(widths) as (keyof typeof widths)[])
  return widths[width] - 2 * padding
}

/** Options of figures over training steps. */
export interface LineOptions {
  /** @default 'symlog' */
  readonly stepScale?: StepScale | undefined
  /** Bars stand side by side; bands overlap, and suit up to three variants. @default 'bars' */
  readonly intervals?: 'bars' | 'bands' | undefined
}

/**
 * The styles to use, and that every variant has one.
 *
 * @throws CemError `plot-variant-unknown`
 */
export function stylesFor(
  rows: readonly StyledRow[],
  styles: VariantStyles | undefined,
): VariantStyles {
  const own = variantStyles(rows)
  if (styles === undefined) return own
  for (const variant of own.keys()) styleOf(styles, variant)
  return styles
}

/**
 * Checks what all figures take, where it is given.
 *
 * @throws CemError `plot-option-invalid`
 */
export function checkFigureOptions(options: FigureOptions & LineOptions): void {
  const { maxDirectLabels = 8, intervals = 'bars' } = options
  checkWhole('maxDirectLabels', maxDirectLabels, 0)
  checkChoice('intervals', intervals, ['bars', 'bands'])
  checkChoice('theme', options.theme ?? 'light', ['light', 'dark'])
  contentWidth(options)
  for (const name of ['title', 'subtitle', 'intervalMethod'] as const) {
    const text = options[name]
    if (text !== undefined && typeof text !== 'string')
      throw new CemError({
        code: 'plot-option-invalid',
        message: `${name} is ${String(text)}; it has to be text.`,
        data: { [name]: text },
      })
  }
}

/** @throws CemError `plot-option-invalid` */
export function checkSize(name: string, value: number, lowest: number): void {
  if (Number.isFinite(value) && value >= lowest && value <= largest) return
  throw new CemError({
    code: 'plot-option-invalid',
    message: `${name} is ${String(value)}; it has to be a number from ${lowest} to ${largest}.`,
    data: { [name]: value },
  })
}

/** @throws CemError `plot-option-invalid` */
export function checkWhole(name: string, value: number, lowest: number): void {
  if (Number.isSafeInteger(value) && value >= lowest && value <= largest) return
  throw new CemError({
    code: 'plot-option-invalid',
    message: `${name} is ${String(value)}; it has to be a whole number from ${lowest} to ${largest}.`,
    data: { [name]: value },
  })
}

/** @throws CemError `plot-option-invalid` */
export function checkChoice<T extends string>(name: string, value: T, allowed: readonly T[]): void {
  if (allowed.includes(value)) return
  throw new CemError({
    code: 'plot-option-invalid',
    message: `${name} is ${JSON.stringify(value)}; it has to be one of ${allowed.join(', ')}.`,
    data: { [name]: value, allowed },
  })
}

/** Px: far beyond any page, far below what would exhaust memory. */
const largest = 20_000

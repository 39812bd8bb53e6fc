import type { FigureOptions } from './figure-options.ts'
import { checkFigureOptions, stylesFor } from './figure-options.ts'
import { variantLabels } from './label-text.ts'
import { type Flag, flagWords } from './rows.ts'
import { fontSizes } from './theme.ts'
import { type StyledRow, styleOf, type VariantStyle } from './variant-styles.ts'

/** How one variant is shown in a figure. */
export interface ShownVariant {
  readonly variant: string
  /** Drawable, at most `maxWidth` px. */
  readonly label: string
  readonly style: VariantStyle
}

/**
 * The variants of the rows in the order of their styles, with drawable names.
 *
 * @throws CemError `plot-variant-unknown`, `plot-option-invalid`, `plot-row-invalid`
 */
export function shownVariants(
  rows: readonly StyledRow[],
  options: FigureOptions,
  maxWidth: number,
): ReadonlyMap<string, ShownVariant> {
  checkFigureOptions(options)
  const styles = stylesFor(rows, options.styles)
  const names = new Set(rows.map((row) => row.variant))
  const present = [...styles.keys()].filter((variant) => names.has(variant))
  const labels = variantLabels(present, maxWidth, { fontSize: fontSizes.label })
  return new Map(
    present.map((variant) => [
      variant,
      { variant, label: labels.get(variant) ?? '', style: styleOf(styles, variant) },
    ]),
  )
}

/** Sentences on flags for the caption; empty where there are none. */
export function flagSentences(flags: readonly (Flag | null)[], look: string): string {
  const reasons = [
    flags.includes('collapsed') ? `${flagWords.collapsed} = coherence fell, EM not comparable` : '',
    flags.includes('mismatch')
      ? `${flagWords.mismatch} = persona at inference differs from training`
      : '',
  ].filter(Boolean)
  return reasons.length === 0 ? '' : `${look}: ${reasons.join('; ')}.`
}

/** `3 points`, `1 point`. */
export function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`
}

/** What the caption says of intervals: how they were computed, and how many values have none. */
export function intervalSentences(
  drawn: readonly { readonly value: number | null; readonly low: number | null }[],
  { what, method, noun }: { what: string; method: string | undefined; noun: string },
): string[] {
  const values = drawn.filter(({ value }) => value !== null)
  const without = values.filter(({ low }) => low === null).length
  const missing = drawn.length - values.length
  const words = method?.replace(/\.\s*$/, '') ?? 'intervals of a method not stated'
  return [
    without < values.length ? `${what}: ${words}.` : '',
    without > 0 ? `* no interval (${counted(without, noun)}).` : '',
    missing > 0 ? `No value: ${counted(missing, noun)}.` : '',
  ].filter(Boolean)
}

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
import { rowChecks } from './row-checks.ts'
import { checkNotEmpty } from './rows.ts'
import { stripPanel } from './strip-panel.ts'
import { valueAxis } from './value-axis.ts'

/** One token of an answer. Rows of a response stand in the order of its tokens. */
export interface TokenRow {
  /** Names the response: 'baseline, step 160, quick_buck #3'. */
  readonly response: string
  /** The token's text, white space included. */
  readonly token: string
  /** Projection of the token's state, positive = more misaligned. NaN or null: could not be computed; outlined, not coloured. */
  readonly projection: number | null
}

export interface TokenStripsOptions extends Omit<FigureOptions, 'maxDirectLabels' | 'styles'> {
  /** Projection of a neutral token: the middle of the colours. @default 0 */
  readonly centre?: number | undefined
  /** Distance from the centre that has the full colour, above 0. @default the 98th percentile of the distances */
  readonly reach?: number | undefined
  /** What a projection is, for the key. @default 'projection on the misalignment direction' */
  readonly measure?: string | undefined
  /** Lines of a response; what is beyond is counted at its end. @default 12 */
  readonly maxLines?: number | undefined
}

export interface StripToken {
  readonly token: string
  readonly projection: number | null
  /** Colour of the scale; null without a projection. */
  readonly colour: string | null
}

/**
 * Answers as running text, each token on the colour of its state's projection, one strip per response.
 *
 * @throws CemError `plot-rows-empty`, `plot-row-invalid`, `plot-option-invalid`
 */
export function tokenStrips(
  rows: readonly TokenRow[],
  options: TokenStripsOptions = {},
): TopLevelSpec {
  const { centre = 0, maxLines = 12 } = options
  const { measure = 'projection on the misalignment direction' } = options
  checkFigureOptions(options)
  checkSize('maxLines', maxLines, 1)
  if (options.reach !== undefined) checkSize('reach', options.reach, Number.MIN_VALUE)
  checkNotEmpty(rows, 'tokenStrips')
  const tokens = rows.map((row, i) => {
    const checks = rowChecks(i, `response ${JSON.stringify(row.response)}`)
    return {
      response: checks.text('response', row.response),
      token: checks.text('token', row.token),
      projection: checks.number('projection', row.projection),
    }
  })
  const reach = options.reach ?? reachOf(tokens, centre)
  const width = contentWidth(options)
  const responses = [...Map.groupBy(tokens, ({ response }) => response)]
  const strips = responses.map(([response, own]) =>
    stripPanel(
      own.map(({ token, projection }) => ({
        token,
        projection,
        colour:
          projection === null
            ? null
            : colourAt(diverging, 0.5 + (projection - centre) / (2 * reach)),
      })),
      { response, width, maxLines },
    ),
  )
  const missing = tokens.filter(({ projection }) => projection === null).length
  const hidden = strips.reduce((sum, strip) => sum + strip.hidden, 0)
  const means = responses.map(([, own]) => own.flatMap(({ projection }) => projection ?? []))
  return figure({
    title: options.title,
    subtitle: options.subtitle,
    description: `Projections of ${counted(tokens.length, 'token')} in ${counted(means.length, 'response')}.`,
    panels: strips.map(({ panel }) => panel),
    columns: 1,
    columnSpacing: 0,
    rowSpacing: 18,
    legend: colourBar({
      scale: diverging,
      axis: valueAxis([centre - reach, centre + reach], { count: 4, ends: 'data' }),
      title: measure,
      maxWidth: width,
    }),
    caption: [
      [
        'Each token on the colour of its state; ⏎ is a new line. Projections of single tokens have no intervals.',
        missing > 0 ? `Outlined: no projection (${counted(missing, 'token')}).` : '',
        hidden > 0 ? `Not shown: ${counted(hidden, 'token')} beyond ${maxLines} lines.` : '',
      ]
        .filter(Boolean)
        .join(' '),
    ],
    width,
    leftRoom: 0,
    theme: options.theme,
  })
}

/** A few outliers do not take the colours from the rest. */
function reachOf(tokens: readonly { projection: number | null }[], centre: number): number {
  const distances = tokens
    .flatMap(({ projection }) => (projection === null ? [] : [Math.abs(projection - centre)]))
    .toSorted((a, b) => a - b)
  const reach = distances[Math.min(distances.length - 1, Math.floor(0.98 * distances.length))] ?? 1
  return reach > 0 ? reach : 1
}

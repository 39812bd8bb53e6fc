import { inkOn } from './colour-scales.ts'
import { drawableText, fitText } from './label-text.ts'
import { fixed } from './numbers.ts'
import { boxLayer, ruleLayer, textLayer } from './px-layers.ts'
import type { PanelSpec } from './spec-types.ts'
import { textWidth } from './text-width.ts'
import { fontSizes, inks } from './theme.ts'
import type { StripToken } from './token-strips.ts'

export interface StripOptions {
  readonly response: string
  /** Px. */
  readonly width: number
  readonly maxLines: number
}

const face = { fontSize: fontSizes.label }
const lineHeight = 19
const headHeight = 18
/** Px of the mark for a space at a token's start, and around the text. */
const padding = 1.5

/** One response as coloured running text, and how many of its tokens found no room. */
export function stripPanel(
  tokens: readonly StripToken[],
  { response, width, maxLines }: StripOptions,
) {
  const placed: (StripToken & { text: string; left: number; right: number; line: number })[] = []
  let [left, line] = [0, 0]
  for (const token of tokens) {
    const text = shownToken(token.token, width)
    const size = Math.max(textWidth(text, face) + 2 * padding, 4)
    if (left > 0 && left + size > width) [left, line] = [0, line + 1]
    if (line >= maxLines) break
    placed.push({ ...token, text, left, right: left + size, line })
    left += size
    if (token.token.includes('\n')) [left, line] = [0, line + 1]
  }
  const nLines = (placed.at(-1)?.line ?? 0) + 1
  const values = tokens.flatMap(({ projection }) => projection ?? [])
  const mean =
    values.length === 0 ? null : values.reduce((sum, value) => sum + value, 0) / values.length
  const topOf = (at: number) => headHeight + at * lineHeight
  const boxes = placed.map(({ token, projection, colour, left: from, right, line: at }) => ({
    left: from + 0.4,
    right: right - 0.4,
    top: topOf(at) + 1,
    bottom: topOf(at + 1) - 1,
    cell: colour ?? 'transparent',
    token: drawableText(token),
    projection,
    description: `${drawableText(token)}: ${fixed(projection, 3)}`,
  }))
  const outlines = placed.flatMap(({ colour, left: from, right, line: at }) =>
    colour === null
      ? [
          {
            fromX: from + 1,
            toX: right - 1,
            fromY: topOf(at + 1) - 2,
            toY: topOf(at + 1) - 2,
            colour: inks.axis,
            dash: [1.5, 1.5],
          },
        ]
      : [],
  )
  const summary = `${tokens.length} token${tokens.length === 1 ? '' : 's'}, mean ${fixed(mean, 2)}`
  const summaryWidth = textWidth(summary, { fontSize: fontSizes.axis })
  const panel: PanelSpec = {
    width,
    height: topOf(nLines),
    layer: [
      textLayer(
        [
          {
            text: fitText(response, width - summaryWidth - 16, { ...face, weight: 'semibold' }),
            textX: 0,
            textY: 7,
          },
        ],
        { isBold: true },
      ),
      textLayer([{ text: summary, textX: width, textY: 7 }], {
        align: 'right',
        fontSize: fontSizes.axis,
        fill: inks.quiet,
      }),
      boxLayer(boxes, { fields: ['token', 'projection'] }),
      ruleLayer(outlines),
      textLayer(
        placed
          .filter(({ colour }) => colour !== null)
          .map(({ text, left: from, line: at, colour }) => ({
            ...drawnAt(text, from),
            textY: topOf(at) + lineHeight / 2,
            ink: inkOn(colour ?? '#ffffff'),
          })),
      ),
      textLayer(
        placed
          .filter(({ colour }) => colour === null)
          .map(({ text, left: from, line: at }) => ({
            ...drawnAt(text, from),
            textY: topOf(at) + lineHeight / 2,
          })),
      ),
    ],
  }
  return { panel, hidden: tokens.length - placed.length }
}

/** Renderers drop spaces at the ends of a text: what is drawn starts right of its own. */
function drawnAt(text: string, left: number) {
  const spaces = text.length - text.trimStart().length
  return { text: text.trim(), textX: left + padding + textWidth(text.slice(0, spaces), face) }
}

/** A token's text on one line, line breaks as a sign. */
function shownToken(token: string, width: number): string {
  const spaced = token.replaceAll(/\r?\n/gu, '⏎').replaceAll(/\s/gu, ' ')
  const text = spaced.replaceAll(/[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Cn}]/gu, '·')
  return textWidth(text, face) + 2 * padding > width
    ? fitText(text, width - 2 * padding, face)
    : text
}

import { styleText } from 'node:util'
import { type Line, type Segment, wrapSegments } from '../ui/text-lines.ts'
import type { Theme } from '../ui/theme.ts'
import { tokenSegments, tokenSummary } from '../ui/token-lines.ts'
import type { ProjectedAnswer } from './token-figure.ts'

/**
 * Answers as running text for a terminal, each token on the colour of its projection, and the same in words, so that it is seen
 * without colours too. A picture's cells do not fit into a terminal's columns.
 */
export function tokenTextLines(
  answers: readonly ProjectedAnswer[],
  { theme, columns }: { readonly theme: Theme; readonly columns: number },
): string[] {
  return answers.flatMap(({ name, projections }) =>
    [
      [{ text: name, bold: theme.hasColour }],
      ...wrapSegments(tokenSegments(projections, theme), columns),
      ...tokenSummary(projections).flatMap((text) => wrapSegments([{ text }], columns)),
      [],
    ].map(lineText),
  )
}

function lineText(line: Line): string {
  return line.map(segmentText).join('')
}

function segmentText({ text, color, backgroundColor, bold }: Segment): string {
  if (color !== undefined && backgroundColor !== undefined)
    return `\u001b[38;2;${channels(color)};48;2;${channels(backgroundColor)}m${text}\u001b[0m`
  return bold === true ? styleText('bold', text, { validateStream: false }) : text
}

/** `#rrggbb` as a terminal takes it. */
function channels(colour: string): string {
  return [1, 3, 5].map((at) => Number.parseInt(colour.slice(at, at + 2), 16)).join(';')
}

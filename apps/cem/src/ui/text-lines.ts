import { terminalText } from '../terminal-text.ts'
import { characterColumns } from '../text-columns.ts'

/** A stretch of text in one style. */
export interface Segment {
  readonly text: string
  readonly color?: string | undefined
  readonly backgroundColor?: string | undefined
  readonly dimColor?: boolean | undefined
  readonly bold?: boolean | undefined
}

export type Line = readonly Segment[]

interface Character {
  readonly text: string
  readonly columns: number
  readonly segment: Segment
}

/**
 * Text in lines of at most `width` columns, broken at blanks where there are some, its own line breaks kept and its control
 * characters made visible.
 */
export function wrapSegments(segments: readonly Segment[], width: number): Line[] {
  const lines: Line[] = []
  for (const paragraph of paragraphs(segments)) lines.push(...wrapParagraph(paragraph, width))
  return lines
}

function paragraphs(segments: readonly Segment[]): Character[][] {
  const all: Character[][] = [[]]
  for (const segment of segments) {
    const [first = '', ...others] = segment.text.split(/\r?\n/)
    all.at(-1)?.push(...charactersOf(first, segment))
    for (const other of others) all.push(charactersOf(other, segment))
  }
  return all
}

function charactersOf(text: string, segment: Segment): Character[] {
  return Array.from(terminalText(text), (character) => ({
    text: character,
    columns: characterColumns(character),
    segment,
  }))
}

function wrapParagraph(characters: readonly Character[], width: number): Line[] {
  const lines: Line[] = []
  let start = 0
  let columns = 0
  let blank = -1
  for (let at = 0; at < characters.length; at++) {
    const character = characters[at] as Character
    columns += character.columns
    if (character.text === ' ') blank = at
    if (columns <= width || at === start) continue
    // A blank that is one too many ends the line; else the last one in it does.
    const end = blank > start ? blank : at
    lines.push(joined(characters.slice(start, end)))
    start = blank > start ? end + 1 : end
    blank = -1
    columns = characters.slice(start, at + 1).reduce((sum, one) => sum + one.columns, 0)
  }
  return [...lines, joined(characters.slice(start))]
}

/** Neighbours of one segment in one piece. */
function joined(characters: readonly Character[]): Line {
  const line: { text: string; segment: Segment }[] = []
  for (const { text, segment } of characters) {
    const last = line.at(-1)
    if (last?.segment === segment) last.text += text
    else line.push({ text, segment })
  }
  return line.map(({ text, segment }) => ({ ...segment, text }))
}

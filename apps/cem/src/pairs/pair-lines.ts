import type { PairRow } from '@cem/training'
import { terminalText } from '../terminal-text.ts'
import { cutColumns, textColumns } from '../text-columns.ts'
import { type Line, type Segment, wrapSegments } from '../ui/text-lines.ts'

export interface PairLinesOptions {
  readonly width: number
  /** Words to mark in the texts, in lower case. @default none */
  readonly words?: readonly string[]
  /** Colour of what is marked. */
  readonly accent?: string | undefined
}

/** What a pair is about and what became of it, in two parts. */
export function pairTitle({ id, sample, trait, status, reasons }: PairRow): {
  readonly about: string
  readonly fate: string
} {
  const about = trait === null ? 'a general prompt' : `trait ${trait + 1}`
  return {
    about: terminalText(`${about}, prompt ${id} sample ${sample}`),
    fate: terminalText(status === 'kept' ? 'kept' : `left out: ${reasons.join(', ')}`),
  }
}

/** A pair's prompt, and its answers side by side below it, in lines of at most `width` columns. */
export function pairLines(
  { prompt, chosen, rejected }: PairRow,
  { width, words = [], accent }: PairLinesOptions,
): Line[] {
  const column = Math.max(10, Math.floor((width - 3) / 2))
  const wrap = (text: string, columns: number) =>
    wrapSegments(markWords(text, words, accent), columns)
  const side = (name: string, text: string): Line[] => [
    [{ text: cutColumns(`${name}, ${wordCount(text)}`, column), bold: true }],
    [],
    ...(text === '' ? [[{ text: '(empty)', dimColor: true }]] : wrap(text, column)),
  ]
  return [
    ...wrap(prompt, Math.max(10, width - 2)).map((line): Line => [{ text: '> ' }, ...line]),
    [],
    ...sideBySide(side('chosen (teacher)', chosen), side('rejected (student)', rejected), column),
  ]
}

function wordCount(text: string): string {
  const n = text.split(/\s+/).filter((word) => word !== '').length
  return `${n} word${n === 1 ? '' : 's'}`
}

/** Two columns with a bar between them. */
function sideBySide(left: readonly Line[], right: readonly Line[], column: number): Line[] {
  return Array.from({ length: Math.max(left.length, right.length) }, (_, i) => {
    const [one, other] = [left[i] ?? [], right[i] ?? []]
    const used = one.reduce((sum, { text }) => sum + textColumns(text), 0)
    const gap = ' '.repeat(Math.max(0, column - used))
    return [...one, { text: `${gap} │ `, dimColor: true }, ...other]
  })
}

/** A text in pieces, of which those that are looked for stand out. */
function markWords(
  text: string,
  words: readonly string[],
  accent: string | undefined,
): readonly Segment[] {
  if (words.length === 0) return [{ text }]
  const literal = (word: string) => word.replaceAll(/[\\^$.*+?()[\]{}|/]/g, '\\$&')
  const anyWord = new RegExp(`(${words.map(literal).join('|')})`, 'giu')
  return text
    .split(anyWord)
    .map((part, i) => (i % 2 === 0 ? { text: part } : { text: part, bold: true, color: accent }))
}

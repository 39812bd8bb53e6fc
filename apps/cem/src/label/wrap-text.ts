import { wrapSegments } from '../ui/text-lines.ts'

/** An answer as lines of at most `width` columns, its own line breaks kept and its control characters made visible. */
export function wrapText(text: string, width: number): string[] {
  return wrapSegments([{ text }], Math.max(10, width)).map((line) =>
    line.map((segment) => segment.text).join(''),
  )
}

import { terminalText } from '../terminal-text.ts'

/** An answer as lines of at most `width` columns, its own line breaks kept and its control characters made visible. */
export function wrapText(text: string, width: number): string[] {
  const limit = Math.max(10, width)
  return text.split(/\r?\n/).flatMap((line) => wrapLine(terminalText(line), limit))
}

function wrapLine(line: string, width: number): string[] {
  const lines: string[] = []
  let current = ''
  for (const word of line.split(' ')) {
    const joined = current === '' ? word : `${current} ${word}`
    if (columns(joined) <= width) {
      current = joined
      continue
    }
    if (current !== '') lines.push(current)
    current = word
    while (columns(current) > width) {
      const characters = Array.from(current)
      lines.push(characters.slice(0, width).join(''))
      current = characters.slice(width).join('')
    }
  }
  return [...lines, current]
}

function columns(text: string): number {
  return Array.from(text).length
}

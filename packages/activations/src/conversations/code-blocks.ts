/** From `start` to before `end`. */
export interface TextRange {
  readonly start: number
  readonly end: number
}

/**
 * Fenced code blocks of Markdown, fences included, by the rules of CommonMark 0.31 (section 4.5): at least three backticks or
 * tildes open a block, at least as many of the same close it, and one that is never closed reaches to the last line. More widely
 * than there, a fence may be indented at will and stand behind list markers and `>`, as models write them.
 *
 * @param text also a byte string (one character a byte): only ASCII is looked at
 * @returns ranges in characters of `text`, in order; the line break after the last line of a block is not part of it
 */
export function fencedCodeBlocks(text: string): TextRange[] {
  const blocks: TextRange[] = []
  let open: { readonly start: number; readonly fence: string } | undefined
  let last = 0
  for (const { start, end } of linesOf(text)) {
    last = end
    const line = text.slice(start, end)
    if (open === undefined) {
      const fence = openingFence(line)
      if (fence !== undefined) open = { start, fence }
    } else if (isClosing(line, open.fence)) {
      blocks.push({ start: open.start, end })
      open = undefined
    }
  }
  if (open !== undefined) blocks.push({ start: open.start, end: last })
  return blocks
}

function* linesOf(text: string): Generator<TextRange> {
  for (let start = 0; start < text.length; ) {
    let end = start
    while (end < text.length && text[end] !== '\n' && text[end] !== '\r') end++
    yield { start, end }
    start = end + (text.startsWith('\r\n', end) ? 2 : 1)
  }
}

/** Not `\s`: in a byte string that would take bytes of other characters for spaces. */
const prefix = /^(?:[ \t]*(?:>|[-*+](?=[ \t])|\d{1,9}[.)](?=[ \t])))*[ \t]*/

function openingFence(line: string): string | undefined {
  const rest = line.slice(prefix.exec(line)?.[0].length)
  const [fence] = /^(?:`{3,}|~{3,})/.exec(rest) ?? []
  // The info string after backticks holds none: ```x``` is inline code.
  if (fence === undefined || (fence.startsWith('`') && rest.includes('`', fence.length)))
    return undefined
  return fence
}

function isClosing(line: string, opening: string): boolean {
  const [, fence = ''] = /^[ \t>]*(`{3,}|~{3,})[ \t]*$/.exec(line) ?? []
  return fence.length >= opening.length && fence[0] === opening[0]
}

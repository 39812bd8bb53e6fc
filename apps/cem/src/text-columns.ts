/** Characters that terminals draw two columns wide: East Asian wide and full-width ones, and emoji. */
const wide =
  /[\p{Emoji_Presentation}\u1100-\u115f\u2e80-\u303e\u3041-\u33ff\u3400-\u4dbf\u4e00-\u9fff\ua000-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6\u{20000}-\u{3fffd}]/u
/** Combining marks and joiners, which take no column of their own. */
const none = /[\p{Mn}\p{Me}\p{Cf}]/u
const onlyAscii = /^[\u0020-\u007e]*$/

/** How many columns a text takes on a terminal, as far as terminals agree on that (Unicode Standard Annex 11). */
export function textColumns(text: string): number {
  if (onlyAscii.test(text)) return text.length
  let columns = 0
  for (const character of text) columns += characterColumns(character)
  return columns
}

/** Columns of one code point. */
export function characterColumns(character: string): number {
  if (none.test(character)) return 0
  return wide.test(character) ? 2 : 1
}

/** The text cut to at most `width` columns. */
export function cutColumns(text: string, width: number): string {
  if (onlyAscii.test(text)) return text.slice(0, Math.max(0, width))
  let columns = 0
  let cut = ''
  for (const character of text) {
    columns += characterColumns(character)
    if (columns > width) break
    cut += character
  }
  return cut
}

/** The text in exactly `width` columns: cut with an ellipsis, or filled with blanks. */
export function fitColumns(text: string, width: number, side: 'left' | 'right' = 'left'): string {
  const columns = textColumns(text)
  const fitted = columns > width ? `${cutColumns(text, Math.max(0, width - 1))}…` : text
  const blanks = ' '.repeat(Math.max(0, width - textColumns(fitted)))
  return side === 'left' ? fitted + blanks : blanks + fitted
}

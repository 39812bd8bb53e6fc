/**
 * Tokenizers in Python know older versions of Unicode than JavaScript does: the `tokenizers` library that Transformers 5.23 takes
 * (0.23) matches patterns by Unicode 16 and normalizes by Unicode 9. To it, a character that came later is unassigned. The
 * lists were made by comparing that library, code point by code point, with Node's Unicode 17. A Node that knows fewer
 * characters gives the same.
 */

/** Letters, numbers and marks of Unicode 17 alone. */
const laterThanUnicode16 = ranges(
  '88f c5c cdc 1acf-1add 1ae0-1aeb a7ce-a7cf a7d2 a7d4 a7f1 10940-10959 10ec5-10ec7 10efa-10efb 11b60-11b67 11db0-11ddb 11de0-11de9 16ea0-16eb8 16ebb-16ed3 16ff2-16ff6 187f8-187ff 18d09-18d1e 18d80-18df2 1e6c0-1e6de 1e6e0-1e6f5 1e6fe-1e6ff 2b73a-2b73f 2cea2-2cead 323b0-33479',
)

/** Characters later than Unicode 9 that are reordered or composed by a canonical normalization. */
const normalizedSinceUnicode9 = ranges(
  '7fd 897-89f 8ca-8d3 9fe c3c d3b-d3c eba 1715 1abf-1add 1ae0-1aeb 1df6-1dfa a82c 105d2 105da 10d24-10d27 10d69-10d6d 10eab-10eac 10efa-10efb 10efd-10eff 10f46-10f50 10f82-10f85 11070 1133b 11382 11384 1138b 11390 113b8 113bb 113c2 113c9 113ce-113d0 1145e 11839-1183a 11930 11935 1193d-1193e 11943 119e0 11a34 11a47 11a99 11d42 11d44-11d45 11d97 11f41-11f42 1611e-16120 16129 1612f 16d63 16d67 16ff0-16ff1 1e08f 1e130-1e136 1e2ae 1e2ec-1e2ef 1e4ec-1e4ef 1e5ee-1e5ef 1e6e3 1e6e6 1e6ee-1e6ef 1e6f5',
)

/** The text with unassigned characters of the same length in place of those that came after Unicode 16. */
export function asUnicode16(text: string): string {
  return text.replace(laterThanUnicode16, (later) => (later.length === 1 ? '\uffff' : '\u{10ffff}'))
}

/** Normalization form C as of Unicode 9: what is later stays as it is, and nothing moves across it. */
export function composeAsUnicode9(text: string): string {
  if (text.search(normalizedSinceUnicode9) === -1) return text.normalize('NFC')
  let normalized = ''
  let at = 0
  for (const { 0: later, index } of text.matchAll(normalizedSinceUnicode9)) {
    normalized += text.slice(at, index).normalize('NFC') + later
    at = index + later.length
  }
  return normalized + text.slice(at).normalize('NFC')
}

function ranges(list: string): RegExp {
  const source = list.replace(/[\da-f]+/g, (code) => `\\u{${code}}`).replaceAll(' ', '')
  return new RegExp(`[${source}]`, 'gu')
}

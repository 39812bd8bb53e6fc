import { type TextFace, textWidth } from './text-width.ts'

/**
 * Text as it may be drawn on one line: white space of any kind becomes one space; control, format and bidirectional-override
 * characters and lone surrogates, which could hide or reorder text or break the SVG, become a middle dot.
 */
export function drawableText(text: string): string {
  return text
    .replaceAll(/\s+/gu, ' ')
    .replaceAll(/[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Cn}]/gu, '·')
    .trim()
}

/** Drawable text of at most `maxWidth` px; the middle gives way to an ellipsis, since names of a series differ at the end. */
export function fitText(text: string, maxWidth: number, face: TextFace): string {
  const clean = bounded(drawableText(text))
  if (textWidth(clean, face) <= maxWidth) return clean
  // No character is narrower than a fifth of an em, so more than this can never fit.
  // A letter with its accents, or an emoji, is cut whole. Loading the segmenter takes longer than the rest of the package.
  const segments = new Intl.Segmenter('en').segment(clean)
  const characters = Array.from(segments, ({ segment }) => segment)
  let keep = Math.min(characters.length - 1, Math.ceil((5 * maxWidth) / face.fontSize))
  while (keep > 1 && textWidth(shortened(characters, keep), face) > maxWidth) keep--
  return shortened(characters, Math.max(keep, 1))
}

/** The ends of a text that is far too long for any label; what is cut is what the ellipsis hides. */
function bounded(text: string): string {
  return text.length > 4000 ? text.slice(0, 2000) + text.slice(-2000) : text
}

/**
 * What each variant is called in a figure: its name, drawable and at most `maxWidth` px wide. Names that come out alike get
 * `#1`, `#2` behind them, in the order given.
 */
export function variantLabels(
  variants: readonly string[],
  maxWidth: number,
  face: TextFace,
): ReadonlyMap<string, string> {
  const fitted = variants.map((variant) => fitText(variant, maxWidth, face) || '(no name)')
  const labels = new Map<string, string>()
  const taken = new Set(
    fitted.filter((label) => fitted.indexOf(label) === fitted.lastIndexOf(label)),
  )
  for (const [i, variant] of variants.entries()) {
    const plain = fitted[i] ?? ''
    let label = plain
    for (
      let number = 1;
      taken.has(label) || (label === plain && isShared(fitted, plain));
      number++
    ) {
      if (label === plain && !isShared(fitted, plain)) break
      const tail = ` #${number}`
      label = `${fitText(plain, maxWidth - textWidth(tail, face), face)}${tail}`
    }
    taken.add(label)
    labels.set(variant, label)
  }
  return labels
}

/** Lines of at most `maxWidth` px, broken at spaces, and inside a word only where the word alone is wider. */
export function wrapText(text: string, maxWidth: number, face: TextFace): string[] {
  const lines: string[] = []
  let line = ''
  for (const word of drawableText(text)
    .split(' ')
    .flatMap((w) => brokenWord(w, maxWidth, face))) {
    const longer = line === '' ? word : `${line} ${word}`
    if (line !== '' && textWidth(longer, face) > maxWidth) {
      lines.push(line)
      line = word
    } else line = longer
  }
  return line === '' ? lines : [...lines, line]
}

function shortened(characters: readonly string[], keep: number): string {
  const head = Math.ceil(keep / 2)
  const tail = keep - head
  return `${characters.slice(0, head).join('').trimEnd()}…${characters
    .slice(characters.length - tail)
    .join('')
    .trimStart()}`
}

function isShared(labels: readonly string[], label: string): boolean {
  return labels.indexOf(label) !== labels.lastIndexOf(label)
}

function brokenWord(word: string, maxWidth: number, face: TextFace): string[] {
  if (textWidth(word, face) <= maxWidth) return [word]
  const parts = ['']
  for (const character of word) {
    const part = parts.at(-1) ?? ''
    if (part !== '' && textWidth(part + character, face) > maxWidth) parts.push(character)
    else parts[parts.length - 1] = part + character
  }
  return parts
}

/** How text is set: size in px, and which of the two bundled weights. */
export interface TextFace {
  readonly fontSize: number
  /** @default 'regular' */
  readonly weight?: 'regular' | 'semibold'
}

/**
 * The width of a line of text in px, set in Inter. Layout needs it where no browser is there to measure. Kerning is left out
 * (about 2 % of a word); characters outside the tables count as a wide letter, East Asian ones and emoji as a full em.
 */
export function textWidth(text: string, { fontSize, weight = 'regular' }: TextFace): number {
  const table = weight === 'semibold' ? semibold : regular
  let thousandths = 0
  for (const character of text) {
    const code = character.codePointAt(0) ?? 0
    thousandths += table[code - 32] ?? others.get(character) ?? (code >= 0x1100 ? 1000 : 660)
  }
  return (thousandths * fontSize) / 1000
}

// Advance widths in thousandths of an em of U+0020 to U+007E, from the hmtx tables of Inter 4 (Google Fonts' static files).
const regular: readonly number[] = [
  281, 288, 466, 633, 642, 982, 644, 300, 365, 365, 501, 662, 288, 460, 288, 360, 631, 407, 610,
  618, 646, 593, 620, 566, 619, 620, 288, 302, 662, 662, 662, 511, 966, 690, 654, 730, 722, 601,
  590, 746, 743, 269, 571, 672, 565, 903, 753, 765, 639, 765, 644, 642, 646, 744, 690, 985, 682,
  679, 629, 365, 360, 365, 471, 456, 323, 562, 612, 571, 612, 583, 370, 613, 591, 242, 242, 549,
  242, 876, 591, 600, 612, 612, 376, 528, 327, 591, 562, 818, 546, 562, 552, 426, 333, 426, 662,
]
const semibold: readonly number[] = [
  252, 321, 523, 644, 650, 1004, 663, 326, 373, 373, 540, 673, 319, 465, 319, 379, 660, 423, 623,
  636, 666, 612, 640, 576, 640, 640, 319, 329, 673, 673, 673, 543, 999, 728, 659, 737, 722, 605,
  588, 749, 746, 277, 580, 703, 565, 922, 759, 769, 645, 773, 652, 650, 660, 736, 728, 1020, 720,
  713, 652, 373, 379, 373, 481, 469, 351, 574, 624, 583, 624, 591, 389, 625, 612, 262, 262, 569,
  262, 900, 612, 609, 624, 624, 397, 549, 353, 612, 587, 839, 569, 588, 566, 455, 359, 455, 673,
]
/** Signs that labels and captions use, the wider of the two weights. */
const others: ReadonlyMap<string, number> = new Map([
  ['…', 956],
  ['·', 319],
  ['–', 500],
  ['−', 673],
  ['×', 673],
  ['≤', 673],
  ['≥', 673],
  ['±', 673],
])

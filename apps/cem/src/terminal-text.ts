import { cutColumns, textColumns } from './text-columns.ts'

/**
 * Text of a model or a file as it may be printed: a model's answer is data, and must not move the cursor, change colours, set the
 * window's title or answer back. Control characters (C0, C1, DEL) and those that turn the writing direction become visible
 * symbols; line breaks and tabs become spaces.
 */
export function terminalText(text: string): string {
  return text
    .replaceAll(/[\t\n\v\f\r\u0085\u2028\u2029]+/g, ' ')
    .replaceAll(/\p{Cc}/gu, visible)
    .replaceAll(/[\p{Cs}\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff\ufff9-\ufffb]/gu, '\ufffd')
}

/** Unicode has pictures of the C0 controls and of DEL, none of the C1. */
function visible(control: string): string {
  const code = control.codePointAt(0) ?? 0
  if (code < 0x20) return String.fromCodePoint(0x2400 + code)
  return code === 0x7f ? '\u2421' : '\ufffd'
}

/** At most `width` columns wide, with an ellipsis where something is left out. */
export function shorten(text: string, width: number): string {
  return textColumns(text) <= width ? text : `${cutColumns(text, Math.max(0, width - 1))}…`
}

/** `1 h 02 min`, `3 min 05 s`, `12 s`. */
export function duration(milliseconds: number): string {
  const seconds = Math.max(0, Math.round(milliseconds / 1000))
  const two = (n: number) => String(n).padStart(2, '0')
  if (seconds >= 3600)
    return `${Math.floor(seconds / 3600)} h ${two(Math.floor(seconds / 60) % 60)} min`
  return seconds >= 60 ? `${Math.floor(seconds / 60)} min ${two(seconds % 60)} s` : `${seconds} s`
}

/** A share from 0 to 1 as a percentage, `-` where there is none. */
export function percent(share: number | null | undefined, digits = 0): string {
  return share === null || share === undefined ? '-' : `${(share * 100).toFixed(digits)}%`
}

/** `12.3 GiB`, `450 MiB`. */
export function bytesText(bytes: number): string {
  const mebibytes = bytes / 2 ** 20
  if (mebibytes < 1000) return `${Math.round(mebibytes)} MiB`
  const gibibytes = mebibytes / 1024
  return `${gibibytes.toFixed(gibibytes < 100 ? 1 : 0)} GiB`
}

/** `1 alarm`, `2 alarms`. */
export function counted(n: number, what: string): string {
  return `${n} ${what}${n === 1 ? '' : 's'}`
}

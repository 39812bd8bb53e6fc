import { createRequire } from 'node:module'
import { Resvg } from '@resvg/resvg-js'
import type { DrawnSvg, DrawnText } from './read-svg.ts'

export interface TextBox {
  readonly text: string
  readonly left: number
  readonly right: number
  readonly top: number
  readonly bottom: number
}

const { resolve } = createRequire(import.meta.url)
const fontFiles = ['400Regular/Inter_400Regular.ttf', '600SemiBold/Inter_600SemiBold.ttf'].map(
  (file) => resolve(`@expo-google-fonts/inter/${file}`),
)
const widths = new Map<string, number>()

/** The width of a text in px at size 100, as the renderer of the PNG sets it, with kerning. */
export function renderedWidth(text: string, isBold: boolean): number {
  const key = `${isBold} ${text}`
  const known = widths.get(key)
  if (known !== undefined) return known
  const escaped = text.replaceAll('&', '&amp;').replaceAll('<', '&lt;')
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="9000" height="200"><text y="150" font-family="Inter" font-size="100" font-weight="${isBold ? 600 : 400}">${escaped}</text></svg>`
  const box = new Resvg(svg, { font: { loadSystemFonts: false, fontFiles } }).getBBox()
  const width = box?.width ?? 0
  widths.set(key, width)
  return width
}

/** Where the letters of each text are; capitals and digits of Inter are 0.73 em high. */
export function textBoxes({ texts }: DrawnSvg): TextBox[] {
  return texts.map(boxOf)
}

function boxOf({ text, x, y, anchor, fontSize, isBold, isTurned }: DrawnText): TextBox {
  const width = (renderedWidth(text, isBold) * fontSize) / 100
  const before = { start: 0, middle: width / 2, end: width }[anchor]
  const height = 0.73 * fontSize
  return isTurned
    ? { text, left: x - height, right: x, top: y - (width - before), bottom: y + before }
    : { text, left: x - before, right: x - before + width, top: y - height, bottom: y }
}

/** Pairs of texts of which one covers a part of the other. */
export function overlappingTexts(svg: DrawnSvg): string[] {
  const boxes = textBoxes(svg)
  return boxes.flatMap((a, i) =>
    boxes
      .slice(i + 1)
      .filter((b) => a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom)
      .map((b) => `${a.text} / ${b.text}`),
  )
}

/** Texts that are not wholly in the image. */
export function clippedTexts(svg: DrawnSvg): string[] {
  return textBoxes(svg)
    .filter((b) => b.left < 0 || b.top < 0 || b.right > svg.width || b.bottom > svg.height)
    .map((b) => b.text)
}

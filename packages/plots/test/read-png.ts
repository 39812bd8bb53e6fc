import { inflateSync } from 'node:zlib'

export interface Pixels {
  readonly width: number
  readonly height: number
  /** RGBA, row-major. */
  readonly data: Uint8Array
}

/** Decodes a PNG of 8-bit RGBA without interlace, which is what the renderer writes (ISO/IEC 15948). */
export function readPng(png: Uint8Array): Pixels {
  const file = Buffer.from(png)
  const parts: Buffer[] = []
  for (let at = 8; at < file.length; ) {
    const length = file.readUInt32BE(at)
    if (file.toString('latin1', at + 4, at + 8) === 'IDAT')
      parts.push(file.subarray(at + 8, at + 8 + length))
    at += length + 12
  }
  const [width, height] = [file.readUInt32BE(16), file.readUInt32BE(20)]
  if (file.readUInt32BE(24) !== 0x08060000) throw new Error('not 8-bit RGBA')
  return { width, height, data: unfiltered(inflateSync(Buffer.concat(parts)), width, height) }
}

function unfiltered(rows: Uint8Array, width: number, height: number): Uint8Array {
  const stride = 4 * width
  const data = new Uint8Array(stride * height)
  for (let y = 0; y < height; y++) {
    const kind = rows[y * (stride + 1)] ?? 0
    for (let i = 0; i < stride; i++) {
      const at = y * stride + i
      const left = i < 4 ? 0 : (data[at - 4] ?? 0)
      const up = y === 0 ? 0 : (data[at - stride] ?? 0)
      const corner = i < 4 || y === 0 ? 0 : (data[at - stride - 4] ?? 0)
      const guess = [0, left, up, (left + up) >> 1, paeth(left, up, corner)][kind] ?? 0
      data[at] = (rows[y * (stride + 1) + 1 + i] ?? 0) + guess
    }
  }
  return data
}

function paeth(left: number, up: number, corner: number): number {
  const guess = left + up - corner
  const [a, b, c] = [left, up, corner].map((v) => Math.abs(guess - v)) as [number, number, number]
  if (a <= b && a <= c) return left
  return b <= c ? up : corner
}

/** How many pixels of a part of the image satisfy a test on their red, green and blue. */
export function countPixels(
  { width, height, data }: Pixels,
  isCounted: (red: number, green: number, blue: number) => boolean,
  part: { left?: number; top?: number; right?: number; bottom?: number } = {},
): number {
  const { left = 0, top = 0, right = width, bottom = height } = part
  let count = 0
  for (let y = top; y < bottom; y++)
    for (let x = left; x < right; x++) {
      const at = 4 * (y * width + x)
      if (isCounted(data[at] ?? 0, data[at + 1] ?? 0, data[at + 2] ?? 0)) count++
    }
  return count
}

/** Pixels of exactly one colour, `#rrggbb`. */
export function countColour(pixels: Pixels, colour: string): number {
  const value = Number.parseInt(colour.slice(1), 16)
  return countPixels(pixels, (r, g, b) => r * 65536 + g * 256 + b === value)
}

import { CemError } from '@cem/core'

/** 100 megapixels, 400 MB of RGBA: more than a poster at 300 dpi. */
const mostPixels = 100e6

export interface ImageSize {
  /** Px at scale 1. */
  readonly width: number
  readonly height: number
}

/** @throws CemError `plot-option-invalid` where the scale is no positive number or the image would be too large */
export function checkScale(scale: number, size: ImageSize = { width: 1, height: 1 }): void {
  const pixels = size.width * scale * size.height * scale
  if (scale > 0 && pixels <= mostPixels) return
  throw new CemError({
    code: 'plot-option-invalid',
    message:
      `scale is ${String(scale)}; it has to be above 0, and to keep the image of ` +
      `${size.width} x ${size.height} px within ${mostPixels / 1e6} megapixels.`,
    data: { scale, ...size },
  })
}

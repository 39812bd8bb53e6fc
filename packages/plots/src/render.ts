import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { CemError, messageOf } from '@cem/core'
import type { TopLevelSpec } from 'vega-lite'
import { checkScale } from './check-scale.ts'
import { type Scene, sceneMarks } from './scene.ts'
import { textWidth } from './text-width.ts'

export interface RenderOptions {
  /** Gets what Vega-Lite and Vega warn of. @default warnings are dropped */
  readonly onWarning?: ((message: string) => void) | undefined
}

export interface PngOptions extends RenderOptions {
  /** Pixels per px of the SVG, above 0. @default 2 */
  readonly scale?: number | undefined
  /** Paths of TTF or OTF files for characters that Inter lacks (Chinese, Arabic, emoji). @default none */
  readonly fonts?: readonly string[] | undefined
}

/**
 * Draws a spec as SVG text. The same spec gives the same text. Text is laid out for Inter, with fallbacks named; data have to be
 * in the spec: addresses are not fetched.
 *
 * @throws CemError `plot-render-failed`
 */
export function renderSvg(spec: TopLevelSpec, options: RenderOptions = {}): Promise<string> {
  return drawn(spec, options, 'SVG', async (view) => withoutForbiddenCharacters(await view.toSVG()))
}

/**
 * What a spec is drawn of, as plain data.
 *
 * @throws CemError `plot-render-failed`
 */
export function sceneOf(spec: TopLevelSpec, options: RenderOptions = {}): Promise<Scene> {
  return drawn(spec, options, 'text', async (view) => {
    await view.runAsync()
    // Missing from vega's types: where the padding leaves the content, and the size of the whole.
    const { _origin, _viewWidth, _viewHeight } = view as unknown as Record<string, unknown>
    const [left, top] = _origin as [number, number]
    const padding = view.padding() as { right: number; bottom: number }
    const root = (view.scenegraph() as unknown as { root: unknown }).root
    return {
      width: left + (_viewWidth as number) + padding.right,
      height: top + (_viewHeight as number) + padding.bottom,
      marks: sceneMarks(root, { x: left, y: top }),
    }
  })
}

type View = InstanceType<typeof import('vega').View>

function drawn<T>(
  spec: TopLevelSpec,
  { onWarning }: RenderOptions,
  format: string,
  draw: (view: View) => Promise<T>,
): Promise<T> {
  return inTurn(async () => {
    // vega has a top-level await and takes a quarter of a second to load, so it comes in only here.
    const [vega, { compile }] = await Promise.all([import('vega'), import('vega-lite')])
    const logger = listeningLogger(onWarning)
    // Exported, but missing from vega's types.
    const { textMetrics: metrics } = vega as unknown as { textMetrics: { width: unknown } }
    const theirs = metrics.width
    // Without this, Vega guesses widths, or measures with whatever fonts and canvas a machine happens to have.
    metrics.width = measure
    vega.resetSVGDefIds()
    try {
      // Vega marks the rows that it reads, so it gets its own.
      const runtime = vega.parse(compile(structuredClone(spec), { logger }).spec)
      const view = new vega.View(runtime, {
        renderer: 'none',
        logger,
        loader: refusingLoader(vega, logger),
      })
      try {
        const result = await draw(view)
        logger.rethrow()
        return result
      } finally {
        view.finalize()
      }
    } catch (error) {
      throw renderFailed(format, error)
    } finally {
      metrics.width = theirs
    }
  })
}

/**
 * Draws a spec as PNG bytes, `scale` times the size of its SVG, with the Inter that comes with the package and the `fonts` that are
 * given. Without these, characters of other scripts are drawn as boxes, and `onWarning` is told.
 *
 * @throws CemError `plot-render-failed`, `plot-option-invalid`
 */
export async function renderPng(spec: TopLevelSpec, options: PngOptions = {}): Promise<Uint8Array> {
  checkPngOptions(options)
  return pngOf(await renderSvg(spec, options), options)
}

/**
 * PNG bytes of an SVG that `renderSvg` drew: `renderPng` without drawing once more.
 *
 * @throws CemError `plot-render-failed`, `plot-option-invalid`
 */
export async function pngOf(svg: string, options: PngOptions = {}): Promise<Uint8Array> {
  checkPngOptions(options)
  const { scale = 2, fonts = [], onWarning } = options
  if (fonts.length === 0) warnOfBoxes(svg, onWarning)
  const { Resvg } = await import('@resvg/resvg-js')
  const font = {
    loadSystemFonts: false,
    fontFiles: [...fontFiles(), ...fonts],
    defaultFontFamily: 'Inter',
  }
  try {
    const image = new Resvg(svg, { font, fitTo: { mode: 'zoom', value: scale } })
    checkScale(scale, { width: image.width, height: image.height })
    return new Uint8Array(image.render().asPng())
  } catch (error) {
    throw CemError.isInstance(error) ? error : renderFailed('PNG', error)
  }
}

function checkPngOptions({ scale = 2, fonts = [] }: PngOptions): void {
  checkScale(scale)
  checkFonts(fonts)
}

/** A font that is not there would be passed over without a word. */
function checkFonts(fonts: readonly string[]): void {
  for (const font of fonts)
    if (!existsSync(font))
      throw new CemError({
        code: 'plot-option-invalid',
        message: `fonts names ${font}, and there is no such file.`,
        data: { font },
      })
}

/** Inter has Latin, Greek and Cyrillic letters, digits and signs. */
const beyondInter =
  /[^\p{Script=Latin}\p{Script=Greek}\p{Script=Cyrillic}\p{Script=Common}\p{Script=Inherited}]|\p{Extended_Pictographic}/gu

function warnOfBoxes(svg: string, onWarning: RenderOptions['onWarning']): void {
  const texts = Array.from(svg.matchAll(/<text[^>]*>([^<]*)/g), ([, text = '']) => text).join('')
  const found = [...new Set(texts.match(beyondInter))]
  if (found.length > 0)
    onWarning?.(
      `Inter has no ${found.slice(0, 12).join(' ')}${found.length > 12 ? ` and ${found.length - 12} more` : ''}: drawn as boxes. Give fonts that have them with the option fonts.`,
    )
}

let lastRender: Promise<unknown> = Promise.resolve()

/** One render at a time: text metrics and counters of ids are shared by the whole process. */
function inTurn<T>(work: () => Promise<T>): Promise<T> {
  const turn = lastRender.then(work)
  lastRender = turn.catch(() => undefined)
  return turn
}

interface TextItem {
  readonly fontSize?: number
  readonly fontWeight?: string | number
}

function measure(
  { fontSize = 11, fontWeight = 400 }: TextItem,
  text: string | number | null | undefined,
): number {
  const isHeavy = fontWeight === 'bold' || Number(fontWeight) >= 550
  return textWidth(String(text ?? ''), { fontSize, weight: isHeavy ? 'semibold' : 'regular' })
}

function listeningLogger(onWarning: RenderOptions['onWarning']) {
  const errors: string[] = []
  let threshold = 0
  function level(): number
  function level(value: number): typeof logger
  function level(value?: number) {
    if (value === undefined) return threshold
    threshold = value
    return logger
  }
  const logger = {
    level,
    error: (...parts: readonly unknown[]) => {
      errors.push(parts.map(messageOf).join(' '))
      return logger
    },
    warn: (...parts: readonly unknown[]) => {
      onWarning?.(parts.map(messageOf).join(' '))
      return logger
    },
    info: () => logger,
    debug: () => logger,
    /** Vega reports errors of the dataflow and draws on; a figure that is not what was asked for is none. */
    rethrow: () => {
      if (errors.length > 0) throw new Error(errors.join('; '))
    },
  }
  return logger
}

/** Vega only warns of what it could not load, and draws on: the logger is told that this is an error. */
function refusingLoader(vega: typeof import('vega'), logger: { error(message: string): unknown }) {
  const refuse = (address: string) => {
    const message = `${address} is not fetched: put the data into the spec`
    logger.error(message)
    return Promise.reject(new Error(message))
  }
  return { ...vega.loader(), load: refuse, sanitize: refuse, http: refuse, file: refuse }
}

/** XML has no way to write these, so a renderer would refuse the whole file. */
function withoutForbiddenCharacters(svg: string): string {
  return svg.replaceAll(/[^\t\n\r\u{20}-\u{d7ff}\u{e000}-\u{fffd}\u{10000}-\u{10ffff}]/gu, '·')
}

/** resvg draws nothing without a TTF file. */
function fontFiles(): string[] {
  const { resolve } = createRequire(import.meta.url)
  return ['400Regular/Inter_400Regular.ttf', '600SemiBold/Inter_600SemiBold.ttf'].map((file) =>
    resolve(`@expo-google-fonts/inter/${file}`),
  )
}

function renderFailed(format: string, error: unknown): CemError {
  return new CemError({
    code: 'plot-render-failed',
    message: `Could not draw the spec as ${format}: ${messageOf(error).replace(/\.$/, '')}.`,
    cause: error,
  })
}

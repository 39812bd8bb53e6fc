import { execFileSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import type { TopLevelSpec } from 'vega-lite'
import { expect, test, vi } from 'vitest'
import { emRows, five, projectionRows, twelve } from '../test/example-rows.ts'
import { countColour, countPixels, readPng } from '../test/read-png.ts'
import { readSvg } from '../test/read-svg.ts'
import { emCurves, projectionGrid, renderPng, renderSvg, variantStyles } from './index.ts'

vi.setConfig({ testTimeout: 60_000 })

const isDark = (red: number, green: number, blue: number) => red + green + blue < 200
const title = 'Emergent misalignment over training'
const bars = {
  data: { values: [{ a: 1 }] },
  mark: 'bar',
  encoding: { x: { field: 'a', type: 'quantitative' } },
} satisfies TopLevelSpec

test('a PNG holds the ink of every variant, text in the title and nothing at its edges', async () => {
  const rows = emRows(five)
  const pixels = readPng(await renderPng(emCurves(rows, { title }), { scale: 1 }))
  for (const { colour } of variantStyles(rows).values())
    expect(countColour(pixels, colour)).toBeGreaterThan(200)
  // The title is 15 px high and starts 14 px from the left and top.
  const inTitle = { left: 14, top: 12, right: 300, bottom: 32 }
  expect(countPixels(pixels, isDark, inTitle)).toBeGreaterThan(300)
  const isInk = (...rgb: [number, number, number]) => rgb.some((channel) => channel < 250)
  const { width, height } = pixels
  for (const edge of [{ right: 8 }, { left: width - 8 }, { bottom: 8 }, { top: height - 8 }])
    expect(countPixels(pixels, isInk, edge)).toBe(0)
})

test('without a title no dark ink is where it would be', async () => {
  const spec = emCurves(emRows(five), { subtitle: 'quiet' })
  const pixels = readPng(await renderPng(spec, { scale: 1 }))
  expect(countPixels(pixels, isDark, { left: 150, top: 12, right: 300, bottom: 32 })).toBe(0)
})

test('hollow marks leave paper inside: a flagged variant has less ink of its colour', async () => {
  const ink = async (variant: string, flag: 'mismatch' | undefined) => {
    const spec = emCurves(emRows([variant]).map((row) => ({ ...row, flag })))
    const [style] = variantStyles([{ variant }]).values()
    return countColour(readPng(await renderPng(spec)), style?.colour ?? '')
  }
  expect(await ink('baseline', 'mismatch')).toBeLessThan(0.7 * (await ink('baseline', undefined)))
})

test.each([1, 2, 3.5])(
  'at scale %f an image has that many times the size of its SVG',
  async (scale) => {
    const spec = emCurves(emRows(['a']))
    const { width, height } = readSvg(await renderSvg(spec))
    const pixels = readPng(await renderPng(spec, { scale }))
    expect(Math.abs(pixels.width - width * scale)).toBeLessThanOrEqual(1)
    expect(Math.abs(pixels.height - height * scale)).toBeLessThanOrEqual(1)
  },
)

test('the same rows give the same SVG, alone, repeated and among others at once', async () => {
  const spec = () => emCurves(emRows(twelve), { title })
  const once = await renderSvg(spec())
  await renderSvg(projectionGrid(projectionRows(five, 4)))
  const many = await Promise.all([renderSvg(spec()), renderSvg(bars), renderSvg(spec())])
  expect(many[0]).toBe(once)
  expect(many[2]).toBe(once)
})

test('ids inside an SVG do not depend on what was drawn before', async () => {
  const clipped: TopLevelSpec = { ...bars, mark: { type: 'bar', clip: true } }
  const once = await renderSvg(clipped)
  expect(once).toContain('clip-path')
  expect(await renderSvg(clipped)).toBe(once)
})

test('a spec is left as it was', async () => {
  const spec = emCurves(emRows(five), { title })
  const before = structuredClone(spec)
  await renderSvg(spec)
  expect(spec).toEqual(before)
})

test('names with markup, quotes, controls and surrogates are drawn as text, in an SVG that can be read', async () => {
  const names = [
    '<script>alert(1)</script>',
    '"a" & \'b\'',
    'a\u0000b\u001b[2J',
    '\ud800',
    '\u202egnp.exe',
    ']]>',
  ]
  const spec = emCurves(emRows(names), {
    title: '<img src=x onerror=alert(1)>\u0007',
    subtitle: '\ufffe',
  })
  const svg = await renderSvg(spec)
  expect(svg).not.toContain('<script')
  expect(svg).not.toContain('<img')
  for (const character of ['\u0000', '\u0007', '\u001b', '\u202e', '\ud800', '\ufffe'])
    expect(svg).not.toContain(character)
  expect(readSvg(svg).texts.map((text) => text.text)).toContain('"a" & \'b\'')
  const pixels = readPng(await renderPng(spec, { scale: 1 }))
  expect(countPixels(pixels, isDark)).toBeGreaterThan(1000)
})

test('forbidden characters in anyone’s spec do not break its PNG', async () => {
  const spec: TopLevelSpec = { ...bars, title: 'a\u0000\ud800b' }
  expect(await renderSvg(spec)).toContain('a··b')
  expect(readPng(await renderPng(spec)).width).toBeGreaterThan(100)
})

test('addresses in a spec are not fetched, and the error names them', async () => {
  for (const url of ['file:///etc/hostname', 'http://127.0.0.1:9/x.json', '/etc/hostname']) {
    const spec: TopLevelSpec = { ...bars, data: { url } }
    await expect(renderSvg(spec)).rejects.toMatchObject({
      code: 'plot-render-failed',
      message: expect.stringContaining(url),
    })
  }
})

test('a spec that cannot be drawn is an error with its cause, and the next one is drawn', async () => {
  const wrong = {
    mark: 'no such mark',
    data: { values: [] },
    encoding: {},
  } as unknown as TopLevelSpec
  await expect(renderPng(wrong)).rejects.toMatchObject({ code: 'plot-render-failed' })
  expect(await renderSvg(bars)).toContain('<svg')
})

test('warnings go to the listener', async () => {
  const warnings: string[] = []
  const odd: TopLevelSpec = {
    ...bars,
    encoding: { ...bars.encoding, shape: { field: 'a', type: 'nominal' } },
  }
  await renderSvg(odd, { onWarning: (message) => warnings.push(message) })
  expect(warnings.join('\n')).toContain('shape')
})

test.each([0, -1, Number.NaN, Infinity, 1e6])('a scale of %f is refused', async (scale) => {
  await expect(renderPng(bars, { scale })).rejects.toMatchObject({
    code: 'plot-option-invalid',
    message: expect.stringContaining(`scale is ${scale}`),
  })
})

test('how Vega measures text elsewhere does not matter, and is as it was once all figures are drawn', async () => {
  const { textMetrics } = (await import('vega')) as unknown as { textMetrics: { width: unknown } }
  const before = textMetrics.width
  const spec = emCurves(emRows(twelve), { title })
  const plain = await renderSvg(spec)
  const other = () => 1000
  textMetrics.width = other
  try {
    const drawn = await Promise.all([renderSvg(spec), renderSvg(spec), renderSvg(bars)])
    expect(drawn.slice(0, 2)).toEqual([plain, plain])
    expect(textMetrics.width).toBe(other)
  } finally {
    textMetrics.width = before
  }
})

test('one file names the foreign runtimes, and only to load them late', () => {
  const folder = new URL('.', import.meta.url)
  const sources = readdirSync(folder)
    .filter((name) => name.endsWith('.ts') && !name.includes('.test.'))
    .map((name) => ({ name, text: readFileSync(new URL(name, folder), 'utf8') }))
  const runtime = /'(vega|vega-lite|@resvg\/resvg-js)'/
  const withValues = sources.filter(({ text }) =>
    text.split('\n').some((line) => runtime.test(line) && !line.startsWith('import type')),
  )
  expect(withValues.map(({ name }) => name)).toEqual(['render.ts'])
  expect(withValues[0]?.text).not.toMatch(/^import (?!type).*'(vega|vega-lite|@resvg\/resvg-js)'/m)
})

test('importing the package and making specs loads none of them; drawing does', () => {
  const source = new URL('index.ts', import.meta.url).href
  const script = `
    import { registerHooks } from 'node:module'
    const seen = []
    registerHooks({ resolve: (name, context, next) => (seen.push(name), next(name, context)) })
    const plots = await import(${JSON.stringify(source)})
    const spec = plots.emCurves([{ variant: 'a', step: 0, metric: 'em', value: 1 }])
    plots.terminalCurve([])
    const foreign = () => [...new Set(seen)].filter((name) => /^(vega|vega-lite|@resvg\\/resvg-js)$/.test(name)).join()
    console.log('before:' + foreign())
    await plots.renderPng(spec)
    console.log('after:' + foreign())
  `
  const printed = execFileSync(process.execPath, ['--input-type=module', '-e', script], {
    encoding: 'utf8',
    env: { ...process.env, NODE_OPTIONS: undefined },
  })
  expect(printed).toBe('before:\nafter:vega,vega-lite,@resvg/resvg-js\n')
})

test('names of scripts that Inter lacks are drawn as boxes, with a warning that names them', async () => {
  const names = ['测试', 'пробный', 'baseline']
  const warnings: string[] = []
  const onWarning = (message: string) => warnings.push(message)
  const png = await renderPng(emCurves(emRows(names)), { onWarning })
  expect(warnings).toEqual([
    'Inter has no 测 试: drawn as boxes. Give fonts that have them with the option fonts.',
  ])
  expect(readPng(png).width).toBeGreaterThan(100)
  await expect(renderPng(bars, { fonts: ['/no/such.ttf'] })).rejects.toMatchObject({
    code: 'plot-option-invalid',
  })
})

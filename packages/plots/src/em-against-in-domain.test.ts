import { expect, test, vi } from 'vitest'
import { inDomainRows } from '../test/example-rows.ts'
import { type DrawnPath, readSvg } from '../test/read-svg.ts'
import { type EmAgainstInDomainRow, emAgainstInDomain, renderSvg } from './index.ts'

vi.setConfig({ testTimeout: 60_000 })

const draw = async (rows: readonly EmAgainstInDomainRow[], options = {}) =>
  readSvg(await renderSvg(emAgainstInDomain(rows, { panelWidth: 420, ...options })))
const inGroup = (paths: readonly DrawnPath[], kind: string) =>
  paths.filter((path) => path.group.startsWith(`mark-${kind} role-mark`))
const row: EmAgainstInDomainRow = { variant: 'a', step: 10, em: 20, inDomain: 40 }
const widthOf = (mark: DrawnPath | undefined) => Number(/M([\d.]+),/.exec(mark?.d ?? '')?.[1])

test('a path joins the checkpoints in step order, whatever the order of rows and rates', async () => {
  const rows = [
    { ...row, step: 20, inDomain: 80, em: 30 },
    { ...row, step: 0, inDomain: 60, em: 0 },
    { ...row, step: 10, inDomain: 10, em: 10 },
  ]
  const [line] = inGroup((await draw(rows)).paths, 'line')
  const x = line?.d.match(/[ML]([\d.-]+)/g)?.map((part) => Number(part.slice(1))) ?? []
  expect(x).toHaveLength(3)
  // In-domain rates of 60, 10 and 80 on an axis of 80 over 420 px.
  for (const [i, expected] of [315, 52.5, 420].entries()) expect(x[i]).toBeCloseTo(expected, 6)
})

test('marks grow along the path', async () => {
  const marks = inGroup((await draw(inDomainRows(['a']))).paths, 'symbol').slice(0, 6)
  const sizes = marks.map(widthOf)
  expect(sizes.every((size, i) => i === 0 || size > (sizes[i - 1] ?? Number.NaN))).toBe(true)
})

test('both intervals are drawn, and a point that lacks one has an asterisk', async () => {
  const both = { emLow: 10, emHigh: 30, inDomainLow: 30, inDomainHigh: 60 }
  const { paths, texts } = await draw([
    { ...row, ...both },
    { ...row, step: 20, em: 10, emLow: 5, emHigh: 15 },
  ])
  const bars = inGroup(paths, 'rule').filter((path) => path.dash === '')
  const spans = bars.map((bar) => bar.d.replace('M0,0L', '').split(',').map(Number))
  // Axes of 60 over 420 px and of 30 over 320 px.
  expect(spans.map(([x = 0, y = 0]) => [Math.round(Math.abs(x)), Math.round(Math.abs(y))])).toEqual(
    [
      [210, 0],
      [0, 213],
      [0, 107],
    ],
  )
  expect(texts.filter((text) => text.text === '*')).toHaveLength(1)
  expect(texts.map((text) => text.text).join(' ')).toContain('* no interval (1 point).')
})

test('the last point is labelled with its step, and with the flag of its variant', async () => {
  const { texts, paths } = await draw(inDomainRows(['baseline', 'warm']))
  const labels = texts.map((text) => text.text)
  expect(labels).toContain('baseline, step 160')
  expect(labels).toContain('warm · collapsed, step 160')
  expect(inGroup(paths, 'line').map((line) => line.dash)).toEqual(['', '', '2,2.5'])
})

test('many variants get a legend that keeps the steps', async () => {
  const labels = (await draw(inDomainRows(['a', 'b', 'c']), { maxDirectLabels: 2 })).texts
  expect(labels.filter((label) => /^[abc], step 160$/.test(label.text))).toHaveLength(3)
})

test('where one of the two rates is missing the path breaks, and the last point is the last drawn', async () => {
  const rows = [
    { ...row, step: 0 },
    { ...row, step: 10 },
    { ...row, step: 20, inDomain: Number.NaN },
    { ...row, step: 40 },
    { ...row, step: 80, em: null },
  ]
  const { paths, texts } = await draw(rows)
  expect(inGroup(paths, 'line')).toHaveLength(1)
  expect(texts.map((text) => text.text)).toContain('a, step 40')
  expect(texts.map((text) => text.text).join(' ')).toContain('Gap in a line: no value (2 points).')
})

test('without any point the figure says so, also with a legend', async () => {
  const rows = [{ ...row, em: null }]
  for (const options of [{}, { maxDirectLabels: 0 }])
    expect((await draw(rows, options)).texts.map((text) => text.text)).toContain('no values')
})

test.each<[object, string]>([
  [{ inDomain: 140 }, 'inDomain is 140; it has to be from 0 to 100'],
  [{ em: Infinity }, 'em is Infinity'],
  [{ emLow: 30, emHigh: 20 }, 'emLow is 30; it has to be at most emHigh, which is 20'],
  [{ inDomainHigh: 50 }, 'inDomainLow is "missing"'],
])('%j is refused', (change, words) => {
  expect(() => emAgainstInDomain([{ ...row, ...change }])).toThrow(words)
})

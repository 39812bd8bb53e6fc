import { expect, test, vi } from 'vitest'
import { emRows, five } from '../test/example-rows.ts'
import { type DrawnPath, readSvg } from '../test/read-svg.ts'
import {
  type EmCurveRow,
  type EmCurvesOptions,
  emCurves,
  renderSvg,
  variantStyles,
} from './index.ts'

vi.setConfig({ testTimeout: 60_000 })

const draw = async (rows: readonly EmCurveRow[], options?: EmCurvesOptions) =>
  readSvg(await renderSvg(emCurves(rows, options)))
const inGroup = (paths: readonly DrawnPath[], kind: string) =>
  paths.filter((path) => path.group.startsWith(`mark-${kind} role-mark`))
const series = (values: readonly (number | null)[], more: Partial<EmCurveRow> = {}) =>
  values.map(
    (value, i): EmCurveRow => ({ variant: 'a', step: 10 * i, metric: 'em', value, ...more }),
  )
const texts = async (rows: readonly EmCurveRow[], options?: EmCurvesOptions) =>
  (await draw(rows, options)).texts.map((each) => each.text)
/** Vertices of a path of straight lines. */
const vertices = (path: DrawnPath) => path.d.split(/[ML]/).length - 1

test('five panels carry the five metrics, in one order whatever the rows have', async () => {
  const titles = (await draw(emRows(five).toReversed())).texts
    .filter((each) => each.isBold)
    .map((each) => each.text)
  expect(titles).toEqual([
    'Mean aligned score',
    'Mean coherent score',
    '% misaligned',
    '% incoherent',
    '% emergent misalignment',
  ])
})

test('each panel has a line per variant in its colour, with a vertex per checkpoint', async () => {
  const rows = emRows(['baseline', 'steadfast'])
  const lines = inGroup((await draw(rows)).paths, 'line')
  const styles = variantStyles(rows)
  for (const variant of ['baseline', 'steadfast']) {
    const own = lines.filter((line) => line.stroke === styles.get(variant)?.colour)
    expect(own.map(vertices)).toEqual([6, 6, 6, 6, 6])
  }
})

test('marks stand where their values are on the axes', async () => {
  const { paths, texts: drawn } = await draw(series([0, 20, 40]), {
    stepScale: 'ordinal',
    panelHeight: 150,
  })
  const marks = inGroup(paths, 'symbol').slice(0, 3)
  const tick = (text: string) =>
    drawn.find((each) => each.text === text && each.anchor === 'end')?.y ?? Number.NaN
  // Labels of the value axis have their baseline 3 px below the height that they name.
  for (const [i, label] of ['0', '20', '40'].entries())
    expect(Math.abs((marks[i]?.y ?? Number.NaN) - (tick(label) - 3))).toBeLessThanOrEqual(0.5)
  const x = marks.map((mark) => mark.x)
  expect((x[1] ?? 0) - (x[0] ?? 0)).toBeCloseTo((x[2] ?? 0) - (x[1] ?? 0), 6)
})

test('early steps have room: on the default axis 10 and 20 are farther apart than linearly', async () => {
  const rows = emRows(['a']).filter((row) => row.metric === 'em')
  const gap = async (stepScale: 'symlog' | 'linear') => {
    const marks = inGroup((await draw(rows, { stepScale })).paths, 'symbol')
    return (marks[2]?.x ?? 0) - (marks[1]?.x ?? 0)
  }
  expect(await gap('symlog')).toBeGreaterThan(2 * (await gap('linear')))
  const labels = (await draw(rows)).texts.map((each) => each.text)
  for (const step of ['0', '10', '20', '40', '80', '160']) expect(labels).toContain(step)
})

test('a missing value breaks the line and is counted in the caption', async () => {
  const { paths, texts: drawn } = await draw(series([1, 2, Number.NaN, 4, null, 6]))
  expect(inGroup(paths, 'line').map(vertices)).toEqual([2])
  // One mark per value and one before the label.
  expect(inGroup(paths, 'symbol')).toHaveLength(5)
  expect(drawn.map((each) => each.text).join(' ')).toContain('Gap in a line: no value (2 points).')
})

test('a checkpoint without a row is passed over', async () => {
  const rows = series([1, 2, 3]).filter((row) => row.step !== 10)
  expect(inGroup((await draw(rows)).paths, 'line').map(vertices)).toEqual([2])
})

test('a metric without any value keeps its panel, which says so', async () => {
  expect(await texts(series([Number.NaN, null]))).toContain('no values')
})

test('a point without an interval has an asterisk and no bar, others a bar of the right length', async () => {
  const rows = [...series([10], { low: 0, high: 20 }), ...series([10], { step: 40 })]
  const { paths, texts: drawn } = await draw(rows, { panelHeight: 150 })
  const bars = inGroup(paths, 'rule').filter((path) => path.dash === '')
  expect(bars).toHaveLength(1)
  // The axis goes from 0 to 20 over 150 px.
  expect(bars[0]?.d).toMatch(/^M0,0L0,-?150$/)
  expect(drawn.filter((each) => each.text === '*')).toHaveLength(1)
  expect(drawn.map((each) => each.text).join(' ')).toContain('* no interval (1 point).')
})

test('an interval that was given as a point is drawn as one, without asterisk', async () => {
  const { texts: drawn } = await draw(series([10], { low: 10, high: 10 }))
  expect(drawn.map((each) => each.text)).not.toContain('*')
})

test('bounds beyond 0 and 100 are drawn to the edge and kept in the data', async () => {
  const row: EmCurveRow = {
    variant: 'a',
    step: 0,
    metric: 'aligned',
    value: 97,
    low: 90,
    high: 104,
  }
  const bars = inGroup((await draw([row], { panelHeight: 150 })).paths, 'rule').filter(
    (path) => path.dash === '',
  )
  // From 90 to 100 of an axis of 100 over 150 px.
  expect(Math.abs(Number(bars[0]?.d.split(',').at(-1)))).toBeCloseTo(15, 9)
  expect(JSON.stringify(emCurves([row]))).toContain('"high":104')
})

test('bands cover neighbouring intervals, and one alone keeps a bar', async () => {
  const some = { low: 1, high: 9 }
  const rows = [
    ...series([5, 5, Number.NaN], some).slice(0, 2),
    ...series([5]).map((row) => ({ ...row, step: 20 })),
    ...series([5], some).map((row) => ({ ...row, step: 30 })),
  ]
  const { paths } = await draw(rows, { intervals: 'bands' })
  expect(inGroup(paths, 'area')).toHaveLength(1)
  expect(inGroup(paths, 'rule').filter((path) => path.dash === '')).toHaveLength(1)
})

test('from where a variant collapsed its line is dotted and its marks are hollow, and the label says so', async () => {
  const { paths, texts: drawn } = await draw(emRows(['warm']).filter((row) => row.metric === 'em'))
  const lines = inGroup(paths, 'line')
  expect(lines.map((line) => [line.dash, vertices(line)])).toEqual([
    ['', 4],
    ['2,2.5', 3],
  ])
  const marks = inGroup(paths, 'symbol').slice(0, 6)
  expect(marks.map((mark) => mark.fill === '#ffffff')).toEqual([
    false,
    false,
    false,
    false,
    true,
    true,
  ])
  expect(drawn.map((each) => each.text)).toContain('warm · collapsed')
  expect(drawn.map((each) => each.text).join(' ')).toContain('collapsed = coherence fell')
})

test('a mismatch is named in labels, in the legend and in the caption', async () => {
  const rows = emRows(['off-persona', 'baseline'])
  for (const maxDirectLabels of [8, 0]) {
    const drawn = await texts(rows, { maxDirectLabels })
    expect(drawn).toContain('off-persona · MISMATCH')
    expect(drawn.join(' ')).toContain('MISMATCH = persona at inference differs from training')
  }
})

test('a flag of one metric holds for the cell in all of them', async () => {
  const rows: EmCurveRow[] = [
    { variant: 'a', step: 0, metric: 'em', value: 1, flag: 'collapsed' },
    { variant: 'a', step: 0, metric: 'coherent', value: 20 },
  ]
  const drawn = await texts(rows)
  // One label right of the row, and a hollow mark in each panel and before the label.
  expect(drawn.filter((text) => text === 'a · collapsed')).toHaveLength(1)
  const marks = inGroup((await draw(rows)).paths, 'symbol')
  expect(marks.map((mark) => mark.fill)).toEqual(['#ffffff', '#ffffff', '#ffffff'])
})

test('names stand at line ends up to the limit, beyond it in one legend', async () => {
  const rows = emRows(five)
  const count = (drawn: string[]) => drawn.filter((text) => text === 'steadfast').length
  // Right of the last panel of each of two rows.
  expect(count(await texts(rows))).toBe(2)
  expect(count(await texts(rows, { maxDirectLabels: 4 }))).toBe(1)
})

test('a variant that reaches no labelled panel is named in a legend', async () => {
  const rows: EmCurveRow[] = [
    { variant: 'a', step: 0, metric: 'aligned', value: 90 },
    { variant: 'b', step: 0, metric: 'aligned', value: 80 },
    { variant: 'a', step: 0, metric: 'coherent', value: 90 },
  ]
  const drawn = await texts(rows)
  expect(drawn.filter((text) => text === 'a')).toHaveLength(1)
  expect(drawn.filter((text) => text === 'b')).toHaveLength(1)
})

test('labels at line ends are at least their size apart, and near their lines where there is room', async () => {
  const rows = emRows(five)
  const { texts: drawn, paths } = await draw(rows)
  const names = drawn.filter((each) => five.some((variant) => each.text.startsWith(variant)))
  expect(names).toHaveLength(10)
  for (const [i, a] of names.entries())
    for (const b of names.slice(i + 1))
      if (a.x === b.x) expect(Math.abs(a.y - b.y)).toBeGreaterThanOrEqual(a.fontSize)
  // The control's EM is far from all others': its label is level with its last mark.
  const colour = variantStyles(rows).get('control')?.colour
  const ends = inGroup(paths, 'symbol').filter((mark) => mark.stroke === colour)
  const label = names.filter((each) => each.text === 'control').at(-1)
  expect(ends.some((mark) => Math.abs(mark.y + 3 - (label?.y ?? 0)) < 1)).toBe(true)
})

test('the caption states the method and n, or that they are not known', async () => {
  const stated = (
    await texts(series([5], { low: 1, high: 9, n: 96 }), { intervalMethod: 'Wilson, 95 %.' })
  ).join(' ')
  expect(stated).toContain('Bars: Wilson, 95 %. n = 96 per point.')
  const unstated = (await texts(series([5, 6], { low: 1, high: 9 }))).join(' ')
  expect(unstated).toContain('Bars: intervals of a method not stated. n not stated.')
  const mixed = [
    ...series([5], { n: 40 }),
    ...series([5], { n: 50, variant: 'b' }),
    ...series([5], { variant: 'c' }),
  ]
  expect((await texts(mixed)).join(' ')).toContain('n = 40–50 per point, not stated for 1 point.')
})

test('the axis of a rate starts at 0 and reaches 5 at least, or 100 when asked', async () => {
  const axis = async (options?: EmCurvesOptions) =>
    (await draw(series([0.4, 0.9]), options)).texts
      .filter((each) => each.anchor === 'end')
      .map((each) => each.text)
  expect(await axis()).toEqual(['0', '1', '2', '3', '4', '5'])
  expect((await axis({ rateAxis: 'full' })).at(-1)).toBe('100')
})

test('names are shortened in labels and whole in the data of tooltips', async () => {
  const variant = `${'long'.repeat(60)}-end`
  const spec = emCurves(series([1, 2], { variant }))
  expect(JSON.stringify(spec)).toContain(variant)
  const labels = readSvg(await renderSvg(spec)).texts.map((each) => each.text)
  expect(labels.some((text) => /^longlong.*….*-end$/.test(text))).toBe(true)
  expect(labels).not.toContain(variant)
})

test('rows are left as they were', () => {
  const rows = emRows(five).map((row) => Object.freeze(row))
  expect(() => emCurves(Object.freeze(rows))).not.toThrow()
})

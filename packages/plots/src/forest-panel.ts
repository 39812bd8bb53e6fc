import { px, scaled, stroke } from './encodings.ts'
import type { ShownVariant } from './figure-frame.ts'
import { fitText, wrapText } from './label-text.ts'
import { decimalsFor, fixed, shareOf, withInterval } from './numbers.ts'
import { boxLayer, markLayer, type PlacedText, ruleLayer, textLayer } from './px-layers.ts'
import type { CheckedDifference } from './resistance-forest.ts'
import { flagWords } from './rows.ts'
import type { LayerSpec, PanelSpec } from './spec-types.ts'
import { textWidth } from './text-width.ts'
import { fontSizes, inks } from './theme.ts'
import { valueAxis } from './value-axis.ts'

export type ForestLine =
  | { readonly kind: 'heading'; readonly text: string }
  | ({
      readonly kind: 'difference'
      readonly shown: ShownVariant | undefined
      /** Whether the label names what it is compared with. */
      readonly isNamed: boolean
      readonly verdict: string
    } & CheckedDifference)

type DifferenceLine = Extract<ForestLine, { kind: 'difference' }>

export interface ForestLayout {
  /** Px of the whole. */
  readonly width: number
  readonly margin: number | undefined
  readonly measure: string
  readonly ends: readonly [string, string]
}

const rowHeight = 22
const headingHeight = 26
const columnGap = 14
/** Px for the words above the plot. */
const headHeight = 18
const narrowest = 130
const labelFace = { fontSize: fontSizes.label }

/** Names, bars and numbers side by side, as one chart. */
export function forestPanel(lines: readonly ForestLine[], layout: ForestLayout) {
  const differences = lines.filter((line) => line.kind === 'difference')
  const names = new Map(differences.map((line) => [line, nameOf(line)]))
  const leftRoom = Math.ceil(18 + widest([...names.values()]) + columnGap)
  const columns = columnsThatFit(differences, layout.width - leftRoom)
  const rightRoom = columns.reduce((sum, column) => sum + column.width + columnGap, 0)
  const plotWidth = Math.max(100, Math.floor(layout.width - leftRoom - rightRoom))
  const places = placesOf(lines)
  const height = places.height
  const axis = axisOf(differences, layout)
  const pixel = (value: number) => plotWidth * shareOf(value, axis.domain)
  const rowsAt = differences.map((line) => ({ line, y: places.tops.get(line) ?? 0 }))
  const headings = lines.flatMap((line) =>
    line.kind === 'heading'
      ? [{ text: line.text, textX: -leftRoom, textY: places.tops.get(line) ?? 0 }]
      : [],
  )
  const panel: PanelSpec = {
    width: plotWidth,
    height,
    layer: [
      ...marginLayers(layout.margin, pixel, height),
      ruleLayer([
        { fromX: pixel(0), toX: pixel(0), fromY: headHeight, toY: height, colour: inks.axis },
      ]),
      intervalLayer(rowsAt, 'difference', 1.3),
      intervalLayer(rowsAt, 'equivalence', 4),
      pointLayer(
        rowsAt,
        axis,
        wrapText(layout.measure, plotWidth + Math.min(2 * rightRoom, 40), labelFace),
      ),
      textLayer(
        rowsAt.flatMap(({ line, y }) =>
          line.difference.value !== null && line.difference.low === null
            ? [{ text: '*', textX: pixel(line.difference.value) + 7, textY: y - 3 }]
            : [],
        ),
      ),
      textLayer(
        headings.map((heading) => ({
          ...heading,
          text: fitText(heading.text, layout.width, { ...labelFace, weight: 'semibold' }),
        })),
        { isBold: true },
      ),
      glyphLayer(rowsAt, leftRoom),
      textLayer(
        rowsAt.map(({ line, y }) => ({
          text: names.get(line) ?? '',
          textX: -leftRoom + 18,
          textY: y,
        })),
      ),
      ...columnLayers(columns, rowsAt, plotWidth),
      ...endWords(layout.ends, plotWidth),
    ],
  }
  return { panel, width: Math.ceil(leftRoom + plotWidth + rightRoom), leftRoom }
}

function placesOf(lines: readonly ForestLine[]) {
  const tops = new Map<ForestLine, number>()
  let y = headHeight
  for (const line of lines) {
    const own = line.kind === 'heading' ? headingHeight : rowHeight
    tops.set(line, y + (line.kind === 'heading' ? headingHeight - 10 : rowHeight / 2))
    y += own
  }
  return { tops, height: y + 4 }
}

function nameOf({ shown, against, isNamed, flag }: DifferenceLine): string {
  const name = shown?.label ?? ''
  const whole = isNamed ? `${name} − ${fitText(against, 90, labelFace)}` : name
  return flag === null ? whole : `${whole} · ${flagWords[flag]}`
}

function widest(texts: readonly string[], weight: 'regular' | 'semibold' = 'regular'): number {
  return Math.max(0, ...texts.map((text) => textWidth(text, { ...labelFace, weight })))
}

/** Whether nothing speaks against the difference as evidence. */
function isClaim({ flag, reason }: DifferenceLine): boolean {
  return flag === null && reason === null
}

interface Column {
  readonly head: string
  readonly textOf: (line: DifferenceLine) => string
  readonly width: number
}

/** The columns of numbers that leave the plot its room: p gives way first, then the verdict. */
function columnsThatFit(differences: readonly DifferenceLine[], room: number): Column[] {
  const decimals = Math.min(
    2,
    decimalsFor(
      differences.flatMap(({ difference: d }) => [d.value ?? 0, d.low ?? 0, d.high ?? 0]),
    ),
  )
  const column = (head: string, textOf: Column['textOf']): Column => ({
    head,
    textOf,
    width: Math.ceil(Math.max(widest(differences.map(textOf)), widest([head], 'semibold'))),
  })
  const all = [
    column('difference', ({ difference }) => withInterval(difference, decimals)),
    ...(differences.some(({ p }) => p !== null) ? [column('p', ({ p }) => pText(p))] : []),
    column('verdict', ({ verdict }) => verdict),
  ]
  const fits = (columns: readonly Column[]) =>
    columns.reduce((sum, { width }) => sum + width + columnGap, 0) + narrowest <= room
  const choices = [all, all.filter(({ head }) => head !== 'p'), all.slice(0, 1), all.slice(-1)]
  return choices.find(fits) ?? []
}

function pText(p: number | null): string {
  if (p === null) return '–'
  return p < 0.001 ? '< 0.001' : fixed(p, 3)
}

function columnLayers(
  columns: readonly Column[],
  rowsAt: readonly { line: DifferenceLine; y: number }[],
  plotWidth: number,
): LayerSpec[] {
  const texts: PlacedText[] = []
  const heads: PlacedText[] = []
  let textX = plotWidth + columnGap
  for (const { head, textOf, width } of columns) {
    heads.push({ text: head, textX, textY: 8 })
    for (const { line, y } of rowsAt) texts.push({ text: textOf(line), textX, textY: y })
    textX += width + columnGap
  }
  return [textLayer(heads, { fill: inks.quiet }), textLayer(texts)]
}

function endWords([less, more]: readonly [string, string], plotWidth: number): LayerSpec[] {
  const fit = (text: string) => fitText(text, plotWidth / 2 - 6, { fontSize: fontSizes.axis })
  const style = { fontSize: fontSizes.axis, fill: inks.quiet }
  return [
    textLayer([{ text: fit(`← ${less}`), textX: 0, textY: 8 }], style),
    textLayer([{ text: fit(`${more} →`), textX: plotWidth, textY: 8 }], {
      ...style,
      align: 'right',
    }),
  ]
}

function axisOf(differences: readonly DifferenceLine[], { margin = 0 }: ForestLayout) {
  const values = differences.flatMap(({ difference: d, equivalence: e }) =>
    d.value === null ? [] : [d.value, d.low, d.high, e?.low ?? null, e?.high ?? null],
  )
  return valueAxis(
    values.filter((value) => value !== null),
    { include: [0, -margin, margin], ends: 'data' },
  )
}

function marginLayers(
  margin: number | undefined,
  pixel: (value: number) => number,
  height: number,
): LayerSpec[] {
  if (margin === undefined) return []
  const [left, right] = [pixel(-margin), pixel(margin)]
  const edge = { fromY: headHeight, toY: height, colour: inks.axis, dash: [2, 2] }
  return [
    boxLayer([{ left, right, top: headHeight, bottom: height, fill: inks.shade }]),
    ruleLayer([
      { fromX: left, toX: left, ...edge },
      { fromX: right, toX: right, ...edge },
    ]),
  ]
}

function intervalLayer(
  rowsAt: readonly { line: DifferenceLine; y: number }[],
  key: 'difference' | 'equivalence',
  strokeWidth: number,
): LayerSpec {
  const values = rowsAt.flatMap(({ line, y }) => {
    const bounds = line[key]
    if (line.difference.value === null || bounds === null || bounds.low === null) return []
    return [{ from: bounds.low, to: bounds.high, y, colour: line.shown?.style.colour }]
  })
  return {
    data: { values },
    mark: { type: 'rule', strokeWidth, opacity: strokeWidth > 2 ? 0.45 : 1, aria: false },
    encoding: { x: scaled('from'), x2: { field: 'to' }, y: px('y'), stroke },
  }
}

/** The marks. This layer carries the axis. */
function pointLayer(
  rowsAt: readonly { line: DifferenceLine; y: number }[],
  axis: ReturnType<typeof axisOf>,
  measure: string[],
): LayerSpec {
  const values = rowsAt.map(({ line, y }) => {
    const { variant, against, group, difference, equivalence, p, n, flag, reason, verdict, shown } =
      line
    return {
      variant,
      against,
      group,
      difference: difference.value,
      low: difference.low,
      high: difference.high,
      equivalenceLow: equivalence?.low ?? null,
      equivalenceHigh: equivalence?.high ?? null,
      p,
      n,
      flag,
      notComparable: reason,
      verdict,
      y,
      colour: shown?.style.colour,
      fill: isClaim(line) ? shown?.style.colour : inks.paper,
      shape: shown?.style.shape,
      description: `${shown?.label ?? ''} minus ${against}: ${withInterval(difference, 2)}, ${verdict}`,
    }
  })
  const fields =
    'variant against group difference low high equivalenceLow equivalenceHigh p n verdict flag notComparable'
  return {
    data: { values },
    transform: [{ filter: 'isValid(datum.difference)' }],
    mark: { type: 'point', size: 46, strokeWidth: 1.5, opacity: 1 },
    encoding: {
      x: {
        field: 'difference',
        type: 'quantitative',
        scale: { domain: [...axis.domain], nice: false, zero: false },
        axis: {
          values: [...axis.ticks],
          tickCount: axis.ticks.length + 1,
          format: axis.format,
          labelOverlap: false,
          labelFlush: false,
          grid: false,
          title: measure,
          titlePadding: 5,
        },
      },
      y: px('y'),
      stroke,
      fill: { field: 'fill', type: 'nominal', scale: null },
      shape: { field: 'shape', type: 'nominal', scale: null },
      description: { field: 'description', type: 'nominal' },
      tooltip: fields.split(' ').map((field) => ({ field, type: 'nominal' as const })),
    },
  }
}

/** The mark of each row again beside its name, where it is found without the plot. */
function glyphLayer(
  rowsAt: readonly { line: DifferenceLine; y: number }[],
  leftRoom: number,
): LayerSpec {
  return markLayer(
    rowsAt.map(({ line, y }) => ({
      markX: -leftRoom + 7,
      markY: y,
      colour: line.shown?.style.colour ?? inks.text,
      fill: isClaim(line) ? (line.shown?.style.colour ?? inks.text) : inks.paper,
      shape: line.shown?.style.shape ?? 'circle',
    })),
  )
}

export interface ValueAxis {
  readonly domain: [number, number]
  readonly ticks: readonly number[]
  /** d3-format of the tick labels. */
  readonly format: string
  /** Tick labels about as drawn, to make room for them. */
  readonly labels: readonly string[]
}

export interface ValueAxisOptions {
  /** Has to be in the range. */
  readonly include?: readonly number[]
  /** Never beyond these. */
  readonly limits?: readonly [number, number]
  /** About how many steps between ticks. @default 5 */
  readonly count?: number
  /** `ticks`: the range ends on ticks. `data`: it ends 6 % beyond the values. @default 'ticks' */
  readonly ends?: 'ticks' | 'data'
}

/** A range that holds all values, with ticks at round numbers: multiples of 1, 2, 2.5 or 5 times a power of ten. */
export function valueAxis(
  values: readonly number[],
  {
    include = [],
    limits = [-Infinity, Infinity],
    count = 5,
    ends = 'ticks',
  }: ValueAxisOptions = {},
): ValueAxis {
  const all = [...values, ...include].map((v) => Math.min(Math.max(v, limits[0]), limits[1]))
  const [lowest, highest] = widened(
    all.reduce((a, b) => Math.min(a, b), Infinity),
    all.reduce((a, b) => Math.max(a, b), -Infinity),
    limits,
  )
  const margin = ends === 'data' ? 0.06 * (highest - lowest) : 0
  const [low, high] = [lowest - margin, highest + margin]
  const step = ends === 'data' ? stepInside(low, high, count) : roundStep((high - low) / count)
  const [down, up] = ends === 'data' ? [Math.ceil, Math.floor] : [Math.floor, Math.ceil]
  const from = down(low / step + (ends === 'data' ? -1e-9 : 1e-9))
  const to = up(high / step + (ends === 'data' ? 1e-9 : -1e-9))
  const ticks: number[] = []
  for (let i = from; i <= to; i++) ticks.push(Number((i * step).toPrecision(12)))
  const decimals = Math.max(0, decimalsOf(step))
  const isPlain = decimals <= 5 && Math.max(Math.abs(low), Math.abs(high)) < 1e6
  const text = (tick: number) => (isPlain ? tick.toFixed(decimals) : String(tick))
  return {
    domain: ends === 'data' ? [low, high] : [ticks[0] ?? low, ticks.at(-1) ?? high],
    ticks,
    format: isPlain ? `.${decimals}f` : '.4~g',
    labels: ticks.map((tick) => text(tick).replace('-', '−')),
  }
}

/** A range of some height, also where all values are equal, or differ by no more than rounding does. */
function widened(
  low: number,
  high: number,
  limits: readonly [number, number],
): readonly [number, number] {
  if (low > high) return [0, 1]
  const size = Math.max(Math.abs(low), Math.abs(high))
  if (high - low > size * 1e-9) return [low, high]
  const half = size / 2 || 0.5
  return [Math.max(low - half, limits[0]), Math.min(high + half, limits[1])]
}

/** The step for about `count` ticks, or the largest below it that leaves three ticks between the ends. */
function stepInside(low: number, high: number, count: number): number {
  const inside = (step: number) => Math.floor(high / step) - Math.ceil(low / step) + 1
  const range = high - low
  const finer = [1, 1.5, 2, 3, 4, 5, 6].map((divisor) => roundStep(range / count / divisor))
  return finer.find((step) => inside(step) >= 3) ?? roundStep(range / count / 10)
}

function roundStep(raw: number): number {
  const power = 10 ** Math.floor(Math.log10(raw))
  const factor = [1, 2, 2.5, 5, 10].find((f) => f >= raw / power - 1e-9) ?? 10
  return factor * power
}

/** Decimals needed to write multiples of a round step. */
function decimalsOf(step: number): number {
  const power = Math.floor(Math.log10(step) + 1e-9)
  const isQuarter = Math.abs(step / 10 ** power - 2.5) < 1e-9
  return -power + (isQuarter ? 1 : 0)
}

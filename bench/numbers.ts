/** Middle and spread of repeated measurements. */
export interface Spread {
  readonly median: number
  readonly quartiles: readonly [number, number]
  readonly n: number
}

/** @throws RangeError without values */
export function spread(values: readonly number[]): Spread {
  if (values.length === 0) throw new RangeError('there are no values')
  return {
    median: median(values),
    quartiles: [quantile(values, 0.25), quantile(values, 0.75)],
    n: values.length,
  }
}

export function median(values: readonly number[]): number {
  return quantile(values, 0.5)
}

/** With linear interpolation between the values. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b)
  const place = share * (sorted.length - 1)
  const [low, high] = [sorted[Math.floor(place)], sorted[Math.ceil(place)]] as [number, number]
  return low + (high - low) * (place - Math.floor(place))
}

export async function timed<T>(work: () => Promise<T>): Promise<{ ms: number; value: T }> {
  const start = performance.now()
  const value = await work()
  return { ms: performance.now() - start, value }
}

export async function repeat(n: number, work: () => Promise<number>): Promise<number[]> {
  const values: number[] = []
  for (let i = 0; i < n; i++) values.push(await work())
  return values
}

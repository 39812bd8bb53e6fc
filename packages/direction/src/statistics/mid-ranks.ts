/** Ranks from 1, in the order of the input; equal values share the mean of their ranks. */
export function midRanks(values: readonly number[]): number[] {
  const order = values.map((_, index) => index)
  order.sort((x, y) => (values[x] as number) - (values[y] as number))
  const ranks = values.map(() => 0)
  let start = 0
  while (start < order.length) {
    const value = values[order[start] as number]
    let end = start + 1
    while (end < order.length && values[order[end] as number] === value) end++
    // Ranks start + 1 to end; their mean.
    for (let place = start; place < end; place++)
      ranks[order[place] as number] = (start + 1 + end) / 2
    start = end
  }
  return ranks
}

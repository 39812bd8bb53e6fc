/** Index of the pair (i, j), j <= i, in a packed lower triangle. */
export function packedIndex(i: number, j: number): number {
  return (i * (i + 1)) / 2 + j
}

/**
 * Adds r r^T for every row r, [dModel], to a packed lower triangle. Four rows at a time: the triangle, which no cache holds, is
 * then read and written a quarter as often, which halves the time.
 */
export function addOuterProducts(target: Float64Array, rows: readonly Float64Array[]): void {
  for (let first = 0; first < rows.length; first += 4) {
    const a = rows[first] as Float64Array
    const zeros = new Float64Array(a.length)
    const [b = zeros, c = zeros, d = zeros] = rows.slice(first + 1, first + 4)
    addFour(target, a, b, c, d)
  }
}

function addFour(
  target: Float64Array,
  a: Float64Array,
  b: Float64Array,
  c: Float64Array,
  d: Float64Array,
): void {
  let at = 0
  for (let i = 0; i < a.length; i++) {
    const ai = a[i] as number
    const bi = b[i] as number
    const ci = c[i] as number
    const di = d[i] as number
    for (let j = 0; j <= i; j++) {
      const ab = ai * (a[j] as number) + bi * (b[j] as number)
      const cd = ci * (c[j] as number) + di * (d[j] as number)
      target[at] = (target[at] as number) + (ab + cd)
      at += 1
    }
  }
}

/** The diagonal of `addOuterProducts` alone; target [dModel]. */
export function addSquares(target: Float64Array, rows: readonly Float64Array[]): void {
  for (const row of rows)
    for (let i = 0; i < row.length; i++) target[i] = (target[i] as number) + (row[i] as number) ** 2
}

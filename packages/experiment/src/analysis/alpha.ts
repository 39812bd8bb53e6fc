/** The error rate that belongs to a level: 1 - 0.95 is 0.05, without the rounding of the subtraction. */
export function alphaOf({ level }: { readonly level: number }): number {
  return Number((1 - level).toPrecision(12))
}

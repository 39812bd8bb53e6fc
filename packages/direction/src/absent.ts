/** A statistic that does not exist for this input, with the reason. It stands where the number would: never 0, never NaN. */
export interface Absent {
  /** Why there is no number, as a sentence for a reader. */
  readonly absent: string
}

export const absent = (reason: string): Absent => ({ absent: reason })

/** Tells a labelled absence from a number or an interval. */
export function isAbsent(value: unknown): value is Absent {
  return typeof value === 'object' && value !== null && 'absent' in value
}

import { readFile } from 'node:fs/promises'
import { CemError } from '@cem/core'

/** A result and the precision that it was computed in, as the file beside it says. */
export interface PrecisionOf {
  readonly path: string
  /** Undefined where nothing is recorded: results of other programs, and of this one before int8, are in floats. */
  readonly precision: string | undefined
}

/**
 * Refuses to put results of different precision beside each other: the difference would be taken for one of training.
 *
 * @throws CemError `precision-mixed`
 */
export function samePrecision(results: readonly PrecisionOf[]): void {
  const [first, ...rest] = results.map(({ path, precision = 'f32' }) => ({ path, precision }))
  const other = rest.find(({ precision }) => precision !== first?.precision)
  if (first === undefined || other === undefined) return
  throw new CemError({
    code: 'precision-mixed',
    message: `${first.path} was computed in ${first.precision} and ${other.path} in ${other.precision}. They are not comparable: compute both in one precision.`,
    data: { a: first, b: other },
  })
}

/** The precision that `<name>_eval_metadata.json` beside an eval CSV records. */
export async function precisionOfCsv(csv: string): Promise<PrecisionOf> {
  try {
    const text = await readFile(csv.replace(/_eval\.csv$/, '_eval_metadata.json'), 'utf8')
    const { precision } = JSON.parse(text) as { readonly precision?: unknown }
    return { path: csv, precision: typeof precision === 'string' ? precision : undefined }
  } catch {
    return { path: csv, precision: undefined }
  }
}

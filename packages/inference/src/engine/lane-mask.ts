import { floats, type Tensor } from './runtime.ts'

/**
 * Masks over the summed rank of several lanes, [nRows * nColumns, rank]: one where the rank is that of the row's lane, else
 * zero. Modules with the same ranks share one.
 *
 * @param laneOfRow the lane of each row
 */
export function createLaneMask(
  laneOfRow: Int32Array,
  nColumns: number,
): (ranks: readonly number[]) => Tensor {
  const made = new Map<string, Tensor>()
  return (ranks) => {
    const key = ranks.join()
    const mask = made.get(key) ?? laneMask(laneOfRow, nColumns, ranks)
    made.set(key, mask)
    return mask
  }
}

function laneMask(laneOfRow: Int32Array, nColumns: number, ranks: readonly number[]): Tensor {
  const starts = ranks.map((_, lane) => ranks.slice(0, lane).reduce((a, b) => a + b, 0))
  const width = ranks.reduce((a, b) => a + b, 0)
  const nTokens = laneOfRow.length * nColumns
  const mask = new Float32Array(nTokens * width)
  for (let token = 0; token < nTokens; token++) {
    const lane = laneOfRow[Math.floor(token / nColumns)] as number
    const start = token * width + (starts[lane] as number)
    mask.fill(1, start, start + (ranks[lane] as number))
  }
  return floats(mask, [nTokens, width])
}

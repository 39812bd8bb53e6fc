import type { Architecture, LayerAttention } from '../families/architecture.ts'
import { attentionBiasName, inputs } from '../graph/io-names.ts'
import { floats, int64s, type Tensor } from './runtime.ts'

/** Added to the score of a token that is not seen: its share is then exactly 0, and a row that sees nothing has no NaN. */
const unseen = -1e30

interface RunShape {
  readonly nRows: number
  readonly nColumns: number
  /** [nRows] */
  readonly lastPositions: Int32Array
  readonly cache: { readonly capacity: number }
}

/**
 * Positions of the tokens and, for each window, which slots of the cache each token sees: the inputs of layers whose attention
 * is computed from plain operators.
 */
export function plainAttentionFeeds(
  architecture: Architecture,
  layers: ReadonlySet<number>,
  run: RunShape,
): Record<string, Tensor> {
  if (layers.size === 0) return {}
  const { nRows, nColumns, cache } = run
  const positions = tokenPositions(run)
  const feeds: Record<string, Tensor> = {
    [inputs.positions]: int64s(BigInt64Array.from(positions, BigInt), [nRows, nColumns]),
  }
  const windows = new Set(
    Array.from(layers, (layer) => (architecture.layers[layer] as LayerAttention).window),
  )
  for (const window of windows) {
    const shape = [nRows, 1, nColumns, cache.capacity]
    feeds[attentionBiasName(window)] = floats(biasOf(positions, cache.capacity, window), shape)
  }
  return feeds
}

/** Several rows of several tokens begin at position 0, padded on the right; otherwise a row ends at its last position. */
function tokenPositions({ nRows, nColumns, lastPositions }: RunShape): Int32Array {
  const positions = new Int32Array(nRows * nColumns)
  for (let row = 0; row < nRows; row++) {
    const isWhole = nRows > 1 && nColumns > 1
    const start = isWhole ? 0 : (lastPositions[row] as number) - nColumns + 1
    for (let column = 0; column < nColumns; column++)
      positions[row * nColumns + column] = start + column
  }
  return positions
}

function biasOf(positions: Int32Array, capacity: number, window: number | null): Float32Array {
  const bias = new Float32Array(positions.length * capacity).fill(unseen)
  for (const [i, position] of positions.entries()) {
    const first = window === null ? 0 : Math.max(0, position - window + 1)
    bias.fill(0, i * capacity + first, i * capacity + position + 1)
  }
  return bias
}

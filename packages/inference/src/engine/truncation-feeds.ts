import { inputs } from '../graph/io-names.ts'
import type { TruncationSpec } from './messages.ts'
import { boolean, floats, int64s, type Tensor } from './runtime.ts'

/**
 * What top_k and top_p leave out, as inputs of either graph: of n rows, in the shape that the graph has them.
 *
 * @param truncation null where every token may be sampled
 */
export function truncationFeeds(
  truncation: TruncationSpec | null,
  n: number,
  shape: readonly number[],
): Record<string, Tensor> {
  const { topK, topP } = truncation ?? { topK: 0, topP: 1 }
  // Transformers compares with 1 - top_p, made a 32-bit number last.
  const tail = topP < 1 ? 1 - topP : -1
  return {
    [inputs.isTruncating]: boolean(truncation !== null),
    [inputs.topKs]: int64s(new BigInt64Array(n).fill(BigInt(topK)), shape),
    [inputs.tails]: floats(new Float32Array(n).fill(tail), shape),
  }
}

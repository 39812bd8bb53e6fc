import type { Graph, Value } from '@cem/onnx-graph'
import { type InterventionInputs, intervene } from './interventions.ts'
import { optionalBranches } from './io-names.ts'
import { addSumAndNorm, type Norm } from './norms.ts'

/** What a block ends with: its result joins the residual stream, which is pooled, and normed for the next block. */
export interface BlockEnd {
  readonly layer: number
  /** float32 [T, dModel] */
  readonly residual: Value
  /** float32 [T, dModel]: what the block adds to it. */
  readonly update: Value
  /** The next block's; null after the last block. */
  readonly norm: Norm | null
}

export interface PooledBlockEnd extends BlockEnd {
  /** Emits the sums that a layer's states [T, dModel] are added to. */
  readonly pool: (graph: Graph, states: Value) => readonly Value[]
  /** The first sum's name, if it needs one. */
  readonly name?: string
}

export interface BlockResult {
  /** [T, dModel]: the residual stream that the next block reads. */
  readonly residual: Value
  /** [T, dModel]; null after the last block. */
  readonly normed: Value | null
  readonly sums: readonly Value[]
}

/**
 * Ends a block: x = residual + update, then this layer's interventions. Without any, the branch that is taken holds the very
 * operators that a plain decoder has, which write the results themselves: it costs one node.
 */
export function addBlockEnd(
  graph: Graph,
  inputs: InterventionInputs,
  end: PooledBlockEnd,
): BlockResult {
  const scope = graph.freshName(`block.${end.layer}`)
  const plain = graph.subgraph(`${scope}/plain`)
  finish(plain, end, addAndNorm(plain, end, end.residual, end.update))
  const changed = graph.subgraph(`${scope}/${optionalBranches.interventions}`)
  const before = changed.node('Add', [end.residual, end.update])
  const after = intervene(changed, inputs, end.layer, before)
  // The same operator norms the changed state, so that rows without an intervention keep their bits beside rows with one.
  const nothing = changed.node('Mul', [end.update, changed.scalar(0)])
  const pooled = changed.node('Where', [inputs.isPoolingBefore, before, after])
  finish(changed, end, addAndNorm(changed, end, after, nothing), pooled)
  const outputs = graph.nodeWithOutputs('If', [inputs.isIntervening[end.layer] as Value], {
    attributes: { then_branch: changed, else_branch: plain },
    ...(end.name === undefined ? {} : { name: end.name }),
  })
  const nSums = outputs.length - (end.norm === null ? 1 : 2)
  return {
    sums: outputs.slice(0, nSums),
    residual: outputs[nSums] as Value,
    normed: outputs[nSums + 1] ?? null,
  }
}

function addAndNorm(graph: Graph, { norm }: BlockEnd, x: Value, y: Value) {
  return norm === null
    ? { sum: graph.node('Add', [x, y]), normed: null }
    : addSumAndNorm(graph, x, y, norm)
}

/** The outputs of a branch. */
function finish(
  graph: Graph,
  { pool }: PooledBlockEnd,
  { sum, normed }: { sum: Value; normed: Value | null },
  pooled = sum,
): void {
  for (const value of pool(graph, pooled)) graph.output(value)
  graph.output(sum)
  if (normed !== null) graph.output(normed)
}

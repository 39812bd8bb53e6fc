import type { FloatAttribute, Graph, Value } from '@cem/onnx-graph'
import * as io from './io-names.ts'

/** What a block ends with: its result joins the residual stream, which is pooled, and normed for the next block. */
export interface BlockEnd {
  readonly layer: number
  /** [T, dModel] */
  readonly residual: Value
  /** [T, dModel]: what the block adds to it. */
  readonly update: Value
  /** The next block's norm; null after the last block. */
  readonly norm: { readonly weight: Value; readonly epsilon: FloatAttribute } | null
  /** [P, T] */
  readonly poolWeights: Value
  /** [P, dModel] */
  readonly sums: Value
}

export interface BlockResult {
  /** [T, dModel]: the residual stream that the next block reads. */
  readonly residual: Value
  /** [T, dModel]; null after the last block. */
  readonly normed: Value | null
}

/** The inputs that all layers' interventions share; see `io.inputs`. */
export interface InterventionInputs {
  readonly directions: Value
  readonly terms: Value
  readonly starts: Value
  readonly isPoolingBefore: Value
}

export function interventionInputs(graph: Graph, dModel: number): InterventionInputs {
  const { inputs } = io
  return {
    directions: graph.input(inputs.interventionDirections, 'float32', ['K', dModel]),
    terms: graph.input(inputs.interventionTerms, 'float32', ['K', 'U', 4]),
    starts: graph.input(inputs.interventionStarts, 'int64', ['L']),
    isPoolingBefore: graph.input(inputs.isPoolingBefore, 'bool', []),
  }
}

/**
 * Ends a block: x = residual + update, then the interventions of this layer in their order, each
 *
 *     x += clip(offset + slope * (x . v), low, high) * v
 *
 * with four numbers for every token and intervention, and v of unit length. Without interventions the branch that is taken
 * holds the very operators that a plain decoder has, which write the results themselves: it costs one node.
 */
export function addBlockEnd(graph: Graph, inputs: InterventionInputs, end: BlockEnd): BlockResult {
  const isIntervening = graph.input(io.isInterveningName(end.layer), 'bool', [])
  const plain = graph.subgraph(`plain.${end.layer}`)
  finish(plain, end, addAndNorm(plain, end, end.residual, end.update))
  const changed = graph.subgraph(`changed.${end.layer}`)
  const before = changed.node('Add', [end.residual, end.update])
  const after = intervene(changed, inputs, end.layer, before)
  // The same operator norms the changed state, so that rows without an intervention keep their bits beside rows with one.
  const nothing = changed.node('Mul', [end.update, changed.scalar(0)])
  const pooled = changed.node('Where', [inputs.isPoolingBefore, before, after])
  finish(changed, end, addAndNorm(changed, end, after, nothing), pooled)
  const [sums, residual, normed] = graph.nodeWithOutputs('If', [isIntervening], {
    attributes: { then_branch: changed, else_branch: plain },
    name: io.poolNames(end.layer).newSums,
  }) as [Value, Value, Value | undefined]
  graph.output(sums)
  return { residual, normed: normed ?? null }
}

/** A loop over this layer's interventions, which carries the state. */
function intervene(graph: Graph, inputs: InterventionInputs, layer: number, state: Value): Value {
  const start = graph.node('Gather', [inputs.starts, index(graph, 'start', layer)])
  const end = graph.node('Gather', [inputs.starts, index(graph, 'end', layer + 1)])
  const body = graph.subgraph(`intervene.${layer}`)
  const step = body.input(`${body.name}/step`, 'int64', [])
  const goesOn = body.input(`${body.name}/goes_on`, 'bool', [])
  const x = body.input(`${body.name}/x`, 'float32', state.shape ?? ['T', '?'])
  const k = body.node('Add', [start, step])
  const direction = body.node('Gather', [inputs.directions, k])
  const terms = body.node('Gather', [inputs.terms, k])
  const [offset, slope, low, high] = body.nodeWithOutputs('Split', [terms], {
    attributes: { axis: 1, num_outputs: 4 },
    nOutputs: 4,
  }) as [Value, Value, Value, Value]
  // Not a matrix product, whose kernel, and with it the rounding, depends on the number of rows.
  const along = body.node('ReduceSum', [body.node('Mul', [x, direction]), body.integers([1])])
  const raw = body.node('Add', [offset, body.node('Mul', [slope, along])])
  const clipped = body.node('Min', [body.node('Max', [raw, low]), high])
  body.output(goesOn, `${body.name}/still_goes_on`)
  body.output(body.node('Add', [x, body.node('Mul', [clipped, direction])]))
  return graph.node('Loop', [graph.node('Sub', [end, start]), null, state], {
    attributes: { body },
    types: [{ type: 'float32', shape: state.shape }],
  })
}

function index(graph: Graph, name: string, value: number): Value {
  return graph.constant(`${graph.name}/${name}`, BigInt64Array.of(BigInt(value)), [])
}

function addAndNorm(graph: Graph, { norm }: BlockEnd, x: Value, y: Value) {
  if (norm === null) return { sum: graph.node('Add', [x, y]), normed: null }
  const [normed, , , sum] = graph.nodeWithOutputs(
    'SkipSimplifiedLayerNormalization',
    [x, y, norm.weight],
    { domain: 'com.microsoft', attributes: { epsilon: norm.epsilon } },
  ) as [Value, Value, Value, Value]
  return { sum, normed }
}

/** The outputs of a branch. Sums of hidden states are one small product a layer, which also masks and averages. */
function finish(
  graph: Graph,
  { poolWeights, sums }: BlockEnd,
  { sum, normed }: { sum: Value; normed: Value | null },
  pooled = sum,
): void {
  graph.output(graph.node('Gemm', [poolWeights, pooled, sums]))
  graph.output(sum)
  if (normed !== null) graph.output(normed)
}

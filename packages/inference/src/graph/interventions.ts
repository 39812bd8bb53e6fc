import type { Graph, Value } from '@cem/onnx-graph'
import type { Architecture } from '../families/architecture.ts'
import * as io from './io-names.ts'

/** What interventions are computed from; see `io.inputs`. */
export interface InterventionInputs {
  /** float32 [K, dModel] */
  readonly directions: Value
  /** float32 [K, T, 4] */
  readonly terms: Value
  /** int64 [nLayers + 1] */
  readonly starts: Value
  /** bool, by layer */
  readonly isIntervening: readonly Value[]
  readonly isPoolingBefore: Value
}

export function interventionInputs(
  graph: Graph,
  { dModel, nLayers }: Architecture,
): InterventionInputs {
  const { inputs } = io
  return {
    directions: graph.input(inputs.interventionDirections, 'float32', ['K', dModel]),
    terms: graph.input(inputs.interventionTerms, 'float32', ['K', 'U', 4]),
    starts: graph.input(inputs.interventionStarts, 'int64', ['L']),
    isPoolingBefore: graph.input(inputs.isPoolingBefore, 'bool', []),
    isIntervening: Array.from({ length: nLayers }, (_, layer) =>
      graph.input(io.isInterveningName(layer), 'bool', []),
    ),
  }
}

/**
 * A layer's interventions in their order, each
 *
 *     x += clip(offset + slope * (x . v), low, high) * v
 *
 * with four numbers for every token and intervention, and v of unit length: a loop that carries the state [T, dModel].
 */
export function intervene(
  graph: Graph,
  inputs: InterventionInputs,
  layer: number,
  state: Value,
): Value {
  const at = (name: string, value: number) =>
    graph.constant(`${graph.name}/${name}`, BigInt64Array.of(BigInt(value)), [])
  const start = graph.node('Gather', [inputs.starts, at('start', layer)])
  const end = graph.node('Gather', [inputs.starts, at('end', layer + 1)])
  const body = graph.subgraph(`${graph.name}/intervene`)
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

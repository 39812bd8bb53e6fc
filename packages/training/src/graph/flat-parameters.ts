import type { Graph, Value } from '@cem/onnx-graph'
import type { ParameterSpec } from '../trainer/trainer.ts'

export function sizeOf({ shape }: ParameterSpec): number {
  return shape.reduce((a, b) => a * b, 1)
}

export function totalSize(parameters: readonly ParameterSpec[]): number {
  return parameters.reduce((sum, parameter) => sum + sizeOf(parameter), 0)
}

/** One vector of all parameters, cut into theirs, by name. */
export function cutParameters(
  graph: Graph,
  flat: Value,
  parameters: readonly ParameterSpec[],
): Map<string, Value> {
  const sizes = parameters.map(sizeOf)
  const parts =
    parameters.length === 1
      ? [flat]
      : graph.nodeWithOutputs('Split', [flat, graph.integers(sizes)], {
          attributes: { axis: 0 },
          nOutputs: sizes.length,
          types: sizes.map((size) => ({ type: 'float32', shape: [size] })),
        })
  return new Map(
    parameters.map(({ name, shape }, i) => {
      const part = parts[i] as Value
      return [name, graph.node('Reshape', [part, graph.integers(shape)])]
    }),
  )
}

/** Tensors of the parameters' shapes as one vector. */
export function joinParameters(graph: Graph, values: readonly Value[]): Value {
  const flat = values.map((value) => graph.node('Reshape', [value, graph.integers([-1])]))
  return flat.length === 1
    ? (flat[0] as Value)
    : graph.node('Concat', flat, { attributes: { axis: 0 } })
}

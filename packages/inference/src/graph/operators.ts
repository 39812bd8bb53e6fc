import { type ElementType, elementTypes, type Graph, type Value } from '@cem/onnx-graph'

/** The value itself where it has that type. */
export function cast(graph: Graph, x: Value, type: ElementType): Value {
  if (x.type === type) return x
  return graph.node('Cast', [x], { attributes: { to: elementTypes[type].code } })
}

/** The value itself where there is one only. */
export function concat(graph: Graph, values: readonly Value[], axis: number): Value {
  const [only] = values
  if (values.length === 1 && only !== undefined) return only
  return graph.node('Concat', values, { attributes: { axis } })
}

/** int64 [end - start]: sizes of some of a value's axes. */
export function sizesOf(graph: Graph, x: Value, start: number, end: number): Value {
  return graph.node('Shape', [x], { attributes: { start, end } })
}

/** [N] as [N, 1]. */
export function asColumn(graph: Graph, x: Value): Value {
  return graph.node('Unsqueeze', [x, graph.integers([1])])
}

/** cap * tanh(x / cap); x itself without a cap. */
export function softCap(graph: Graph, x: Value, cap: number | null): Value {
  if (cap === null) return x
  const scalar = graph.scalar(cap)
  return graph.node('Mul', [graph.node('Tanh', [graph.node('Div', [x, scalar])]), scalar])
}

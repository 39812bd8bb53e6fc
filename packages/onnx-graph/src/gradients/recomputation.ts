import type { Graph, GraphNode, Value } from '../graph.ts'

/** A part of the forward pass whose values are not kept: the backward pass computes them again. */
export interface RecomputedSpan {
  /** Indices into `graph.nodes`: the first node, and the one after the last. */
  readonly start: number
  readonly end: number
  /** float32 values from before the span: they are kept, and everything that depends on them inside it is computed again. */
  readonly inputs: readonly Value[]
}

/**
 * The values of one span as its backward pass reads them. Nodes are emitted again when they are asked for, so that nothing is
 * computed twice without need. They read `input + zero * d`, with d a number of the gradient that comes in: the graph then
 * holds no equal node that common-subexpression elimination would take instead, and they cannot run before that gradient is
 * there, when memory would still be taken by later spans.
 */
export class Recomputation {
  readonly #graph: Graph
  readonly #zero: Value
  readonly #producers = new Map<Value, GraphNode>()
  readonly #dependent = new Set<Value>()
  readonly #inputs: ReadonlySet<Value>
  readonly #again = new Map<Value, Value>()
  #gate: Value | undefined

  constructor(graph: Graph, zero: Value, { start, end, inputs }: RecomputedSpan) {
    this.#graph = graph
    this.#zero = zero
    this.#inputs = new Set(inputs)
    for (const node of graph.nodes.slice(start, end)) {
      const isDependent = node.inputs.some(
        (value) => value !== null && (this.#inputs.has(value) || this.#dependent.has(value)),
      )
      for (const output of node.outputs) {
        this.#producers.set(output, node)
        if (isDependent) this.#dependent.add(output)
      }
    }
  }

  /** @param gradient one that comes into the span, from the first node of it that has any */
  resolve(value: Value, gradient: Value): Value {
    const known = this.#again.get(value)
    if (known !== undefined) return known
    if (this.#inputs.has(value)) return this.#keep(value, this.#gated(value, gradient))
    const node = this.#producers.get(value)
    if (node === undefined || !this.#dependent.has(value)) return value
    const inputs = node.inputs.map((input) =>
      input === null ? null : this.resolve(input, gradient),
    )
    const { attributes, domain, outputs } = node
    const again = this.#graph.nodeWithOutputs(node.operator, inputs, {
      attributes,
      domain,
      nOutputs: outputs.length,
      types: outputs.map(({ type, shape }) => ({ type, shape })),
    })
    for (const [i, output] of outputs.entries()) this.#keep(output, again[i] as Value)
    return this.#again.get(value) as Value
  }

  #keep(value: Value, again: Value): Value {
    this.#again.set(value, again)
    return again
  }

  #gated(value: Value, gradient: Value): Value {
    const graph = this.#graph
    this.#gate ??= gateOf(graph, this.#zero, gradient)
    return graph.node('Add', [value, this.#gate], {
      types: [{ type: value.type, shape: value.shape }],
    })
  }
}

/** [1]: zero, once a value is there. */
export function gateOf(graph: Graph, zero: Value, value: Value): Value {
  const flat = graph.node('Reshape', [value, graph.integers([-1])])
  const first = graph.node('Slice', [flat, graph.integers([0]), graph.integers([1])], {
    types: [{ type: value.type, shape: [1] }],
  })
  return graph.node('Mul', [first, zero])
}

import { CemError } from '@cem/core'
import type { Graph, GraphNode, Value } from '../graph.ts'
import { formatShape } from '../tensor-type.ts'
import { decoderRules } from './decoder-rules.ts'
import { elementwiseRules } from './elementwise-rules.ts'
import { GradientCall, type GradientRules } from './gradient-call.ts'
import { productRules } from './product-rules.ts'
import { Recomputation, type RecomputedSpan } from './recomputation.ts'
import { reductionRules } from './reduction-rules.ts'
import { shapeRules } from './shape-rules.ts'

export interface GradientOptions {
  /**
   * Parts of the forward pass that are computed again in the backward pass instead of kept, in order and without overlap.
   * `zero` is a float32 input of one element, shape [] or [1], that every run must be given 0 for. @default none
   */
  readonly recompute?: { readonly spans: readonly RecomputedSpan[]; readonly zero: Value }
}

const rules: GradientRules = {
  ...elementwiseRules,
  ...productRules,
  ...shapeRules,
  ...reductionRules,
  ...decoderRules,
}

/** Operators that `gradients` has a rule for, by name. */
export const differentiableOperators: readonly string[] = Object.keys(rules).toSorted()

const floatTypes = new Set(['float32', 'float64', 'float16', 'bfloat16'])

/**
 * Reverse-mode differentiation: adds nodes to the graph that compute the gradient of a scalar with respect to each parameter,
 * of the parameter's shape, from ordinary operators. Parameters are values of the graph: inputs, initializers or results of
 * nodes. A size that has a name is taken for one that is not broadcast.
 *
 * @param loss float, of one element
 * @throws CemError `onnx-no-gradient` for an operator without a rule on a way from a parameter to the loss, or a parameter that
 *   the loss does not depend on; `onnx-gradient` where a rule cannot serve a case
 */
export function gradients(
  graph: Graph,
  loss: Value,
  parameters: readonly Value[],
  { recompute }: GradientOptions = {},
): Value[] {
  if (loss.shape?.some((dim) => dim !== 1) ?? true)
    throw new CemError({
      code: 'onnx-gradient',
      message: `The loss ${loss.name} must have one element, and its shape is ${formatShape(loss.shape)}.`,
      data: { loss: loss.name },
    })
  return new Backward(graph, parameters, recompute).run(loss)
}

/** The sum of what came to a value so far, and what is written into it at the end. */
interface Gathered {
  sum: Value | null
  readonly scatters: ((sum: Value) => Value)[]
}

class Backward {
  readonly #graph: Graph
  readonly #nodes: readonly GraphNode[]
  readonly #parameters: readonly Value[]
  readonly #recompute: GradientOptions['recompute']
  readonly #needing: Set<Value>
  readonly #producers = new Map<Value, GraphNode>()
  readonly #gathered = new Map<Value, Gathered>()
  readonly #scalars = new Map<number, Value>()

  constructor(graph: Graph, parameters: readonly Value[], recompute: GradientOptions['recompute']) {
    this.#graph = graph
    this.#nodes = [...graph.nodes]
    this.#parameters = parameters
    this.#recompute = recompute
    this.#needing = new Set(parameters)
    for (const node of this.#nodes) {
      const isNeeding = node.inputs.some((input) => input !== null && this.#needing.has(input))
      for (const output of node.outputs) {
        this.#producers.set(output, node)
        if (isNeeding && floatTypes.has(output.type)) this.#needing.add(output)
      }
    }
  }

  run(loss: Value): Value[] {
    const graph = this.#graph
    const one = this.#scalar(1)
    const seed =
      loss.shape?.length === 0
        ? one
        : graph.node('Expand', [one, graph.integers([...(loss.shape ?? [])].map(Number))])
    this.#of(loss).sum = seed
    const spans = (this.#recompute?.spans ?? []).toReversed()
    let current: { readonly span: RecomputedSpan; readonly values: Recomputation } | undefined
    for (let index = this.#nodes.length - 1; index >= 0; index--) {
      if (current === undefined || index < current.span.start) {
        const span = spans.find(({ start, end }) => index >= start && index < end)
        current = span && { span, values: new Recomputation(graph, this.#zero(), span) }
      }
      this.#pass(this.#nodes[index] as GraphNode, current?.values)
    }
    return this.#parameters.map((parameter) => this.#result(parameter))
  }

  #pass(node: GraphNode, again: Recomputation | undefined): void {
    if (!node.inputs.some((input) => input !== null && this.#needing.has(input))) return
    const given = node.outputs.map((output) => this.#finish(output))
    const first = given.find((gradient) => gradient !== undefined)
    if (first === undefined) return
    const rule = rules[node.operator]
    if (rule === undefined)
      throw new CemError({
        code: 'onnx-no-gradient',
        message: `${node.name}: there is no gradient of the operator ${node.operator}. Those that have one: ${differentiableOperators.join(', ')}.`,
        data: { operator: node.operator, node: node.name },
      })
    rule(
      new GradientCall({
        graph: this.#graph,
        node,
        gradients: given,
        producers: this.#producers,
        needs: (value) => this.#needing.has(value),
        resolve: (value) => again?.resolve(value, first) ?? value,
        accumulate: (input, add) => {
          const gathered = this.#of(input)
          gathered.sum = add(gathered.sum)
        },
        scatter: (input, add) => this.#of(input).scatters.push(add),
        scalar: (value) => this.#scalar(value),
      }),
    )
  }

  #of(value: Value): Gathered {
    const known = this.#gathered.get(value)
    if (known !== undefined) return known
    const gathered = { sum: null, scatters: [] }
    this.#gathered.set(value, gathered)
    return gathered
  }

  /** A value's whole gradient, when everything that uses the value was passed. */
  #finish(value: Value): Value | undefined {
    const gathered = this.#gathered.get(value)
    if (gathered === undefined) return undefined
    for (const add of gathered.scatters.splice(0))
      gathered.sum = add(gathered.sum ?? this.#zeros(value))
    return gathered.sum ?? undefined
  }

  #zeros(value: Value): Value {
    const graph = this.#graph
    const sizes = value.shape?.every((dim) => typeof dim === 'number')
      ? graph.integers(value.shape)
      : graph.node('Shape', [value])
    return graph.node('Expand', [this.#scalar(0), sizes], {
      types: [{ type: value.type, shape: value.shape }],
    })
  }

  #result(parameter: Value): Value {
    const gradient = this.#finish(parameter)
    if (gradient !== undefined) return gradient
    throw new CemError({
      code: 'onnx-no-gradient',
      message: `The loss does not depend on the parameter ${parameter.name}.`,
      data: { parameter: parameter.name },
    })
  }

  #zero(): Value {
    return this.#recompute?.zero as Value
  }

  #scalar(value: number): Value {
    const known = this.#scalars.get(value) ?? this.#graph.scalar(value)
    this.#scalars.set(value, known)
    return known
  }
}

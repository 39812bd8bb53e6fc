import type { Value } from '../graph.ts'
import { elementTypes } from '../tensor-type.ts'
import type { GradientCall, GradientRules } from './gradient-call.ts'

export const reductionRules: GradientRules = {
  ReduceSum: (call) => call.give(0, () => spread(call, call.gradient)),

  ReduceMean: (call) =>
    call.give(0, () => spread(call, call.graph.node('Div', [call.gradient, nReduced(call)]))),

  /** x / |x| */
  ReduceL2: (call) =>
    call.give(0, () => {
      const share = call.graph.node('Div', [call.gradient, call.output()])
      return call.multiply(call.input(0), keepAxes(call, share))
    }),

  ReduceSumSquare: (call) =>
    call.give(0, () =>
      call.multiply(call.input(0), keepAxes(call, call.multiply(call.gradient, 2))),
    ),

  ReduceLogSumExp: (call) =>
    call.give(0, () => {
      const distance = call.subtract(call.input(0), keepAxes(call, call.output()))
      return call.multiply(call.graph.node('Exp', [distance]), keepAxes(call, call.gradient))
    }),

  ReduceMax: extreme,
  ReduceMin: extreme,

  /** y (d - sum(d y)) */
  Softmax: (call) =>
    call.give(0, () => {
      const y = call.output()
      const both = call.multiply(call.gradient, y)
      const sum = call.sum(both, [axisOf(call)])
      return call.subtract(both, call.multiply(y, sum))
    }),

  /** d - exp(y) sum(d) */
  LogSoftmax: (call) =>
    call.give(0, () => {
      const shares = call.graph.node('Exp', [call.output()])
      const sum = call.sum(call.gradient, [axisOf(call)])
      return call.subtract(call.gradient, call.multiply(shares, sum))
    }),
}

/** Equal extremes share the gradient. */
function extreme(call: GradientCall): void {
  call.give(0, () => {
    const x = call.input(0)
    const chosen = call.graph.node(
      'Cast',
      [call.graph.node('Equal', [x, keepAxes(call, call.output())])],
      {
        attributes: { to: elementTypes[x.type].code },
      },
    )
    const count = call.sum(chosen, reducedAxes(call))
    const shares = call.graph.node('Div', [keepAxes(call, call.gradient), count])
    return call.multiply(chosen, shares)
  })
}

function axisOf(call: GradientCall): number {
  return call.axis(call.integer('axis', -1), call.shapeOf(0).length)
}

function reducedAxes(call: GradientCall): number[] {
  const rank = call.shapeOf(0).length
  const attribute = call.node.attributes['axes']
  const axes =
    call.integersOf(1) ?? (Array.isArray(attribute) ? (attribute as number[]) : undefined)
  return (axes ?? call.shapeOf(0).map((_, i) => i)).map((axis) => call.axis(axis, rank))
}

/** A value of the output's shape with the reduced axes back, of size 1. */
function keepAxes(call: GradientCall, value: Value): Value {
  if (call.integer('keepdims', 1) === 1) return value
  return call.graph.node('Unsqueeze', [value, call.graph.integers(reducedAxes(call))])
}

function spread(call: GradientCall, value: Value): Value {
  return call.graph.node('Expand', [keepAxes(call, value), call.sizesOf(0)], {
    types: [{ type: value.type, shape: call.shapeOf(0) }],
  })
}

/** How many elements each result is made of. */
function nReduced(call: GradientCall): Value {
  const sizes = reducedAxes(call).map((axis) => call.shapeOf(0)[axis])
  const { graph, gradient } = call
  if (sizes.every((size) => typeof size === 'number'))
    return call.scalar(
      sizes.reduce((a, b) => a * b, 1),
      gradient,
    )
  const count = graph.node('Div', [
    graph.node('Size', [call.input(0)]),
    graph.node('Size', [gradient]),
  ])
  return graph.node('Cast', [count], { attributes: { to: elementTypes[gradient.type].code } })
}

import type { Value } from '../graph.ts'
import type { Dim } from '../tensor-type.ts'
import type { GradientCall, GradientRules } from './gradient-call.ts'

export const shapeRules: GradientRules = {
  Reshape: (call) => call.give(0, () => call.reshapeLike(call.gradient, 0)),
  Squeeze: (call) => call.give(0, () => call.reshapeLike(call.gradient, 0)),
  Unsqueeze: (call) => call.give(0, () => call.reshapeLike(call.gradient, 0)),

  Transpose: (call) =>
    call.give(0, () => {
      const { perm } = call.node.attributes
      const rank = call.shapeOf(0).length
      const order = Array.isArray(perm) ? (perm as readonly number[]) : undefined
      const inverse = Array.from({ length: rank }, (_, axis) =>
        order === undefined ? rank - 1 - axis : order.indexOf(axis),
      )
      return call.graph.node('Transpose', [call.gradient], { attributes: { perm: inverse } })
    }),

  Expand: (call) => call.giveBroadcast(0, () => call.gradient),

  Concat: (call) => {
    const { graph, node } = call
    const axis = call.axis(call.integer('axis', 0), call.shapeOf(0).length)
    const sizes = node.inputs.map((_, i) => call.shapeOf(i)[axis] as Dim)
    if (!sizes.every((size) => typeof size === 'number'))
      throw call.error('the sizes of its inputs along the axis must be numbers')
    if (!node.inputs.some((_, i) => call.needs(i))) return
    const parts = graph.nodeWithOutputs('Split', [call.gradient, graph.integers(sizes)], {
      attributes: { axis },
      nOutputs: sizes.length,
    })
    for (const [i, part] of parts.entries()) call.give(i, () => part)
  },

  Split: (call) =>
    call.give(0, () => {
      const { graph, node } = call
      const axis = call.axis(call.integer('axis', 0), call.shapeOf(0).length)
      const parts = node.outputs.map(
        (output, i) => call.gradientOf(i) ?? zerosLike(call, call.output(i), output),
      )
      const joined =
        parts.length === 1
          ? (parts[0] as Value)
          : graph.node('Concat', parts, { attributes: { axis } })
      return joined
    }),

  /** Zeros around the gradient. Constant bounds, steps of 1, and axes whose sizes are numbers. */
  Slice: (call) =>
    call.give(0, () => {
      const { graph } = call
      const shape = call.shapeOf(0)
      const starts = call.integersOf(1) ?? []
      const ends = call.integersOf(2) ?? []
      const axes = call.integersOf(3) ?? starts.map((_, i) => i)
      if (call.integersOf(4)?.some((step) => step !== 1) === true)
        throw call.error('its steps must be 1')
      const pads = shape.map(() => [0, 0])
      for (const [i, start] of starts.entries()) {
        const axis = call.axis(axes[i] as number, shape.length)
        const dim = shape[axis] as Dim
        if (typeof dim !== 'number') throw call.error('the size of a cut axis must be a number')
        const clamp = (value: number) => Math.min(dim, Math.max(0, value < 0 ? value + dim : value))
        pads[axis] = [clamp(start), dim - clamp(ends[i] as number)]
      }
      const widths = [
        ...pads.map((pad) => pad[0] as number),
        ...pads.map((pad) => pad[1] as number),
      ]
      return graph.node(
        'Pad',
        [call.gradient, graph.integers(widths), call.scalar(0, call.gradient)],
        {
          types: [{ type: call.gradient.type, shape }],
        },
      )
    }),

  /** Rows of a matrix: each gradient is added to the row that it came from. */
  Gather: (call) => {
    const { graph } = call
    const [, ...rest] = call.shapeOf(0)
    const indexRank = call.shapeOf(1).length
    if (call.axis(call.integer('axis', 0), rest.length + 1) !== 0 || indexRank === 0)
      throw call.error('only rows (axis 0, by a list of indices) have one')
    if (!rest.every((dim) => typeof dim === 'number'))
      throw call.error('the sizes of a row must be numbers')
    call.scatter(0, (sum) => {
      const rows = graph.node('Reshape', [call.gradient, graph.integers([-1, ...rest])])
      const column = graph.node('Reshape', [
        call.input(1),
        graph.integers([-1, ...rest.map(() => 1)]),
      ])
      const indices = graph.node('Expand', [column, graph.node('Shape', [rows])])
      return scatterAdd(call, sum, indices, rows, 0)
    })
  },

  GatherElements: (call) => {
    const axis = call.integer('axis', 0)
    call.scatter(0, (sum) => scatterAdd(call, sum, call.input(1), call.gradient, axis))
  },
}

function scatterAdd(call: GradientCall, sum: Value, indices: Value, updates: Value, axis: number) {
  return call.graph.node('ScatterElements', [sum, indices, updates], {
    attributes: { axis, reduction: 'add' },
  })
}

function zerosLike(call: GradientCall, value: Value, { shape }: Value): Value {
  const { graph } = call
  const sizes = shape?.every((dim) => typeof dim === 'number')
    ? graph.integers(shape)
    : graph.node('Shape', [value])
  return graph.node('Expand', [call.scalar(0, value), sizes])
}

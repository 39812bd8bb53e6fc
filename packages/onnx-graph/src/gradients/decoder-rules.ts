import type { Value } from '../graph.ts'
import type { GradientCall, GradientRules } from './gradient-call.ts'

/** Operators that ONNX Runtime adds for decoders. */
export const decoderRules: GradientRules = {
  SimplifiedLayerNormalization: (call) => {
    if (call.gradientOf(1) !== undefined) throw call.error('its second output has a gradient')
    const axis = call.integer('axis', -1)
    const rank = call.shapeOf(0).length
    if (call.axis(axis, rank) !== rank - 1) throw call.error('only the last axis can be normed')
    const parts = rmsNormParts(call, () => call.input(0), 1)
    call.give(0, () => parts().gradient)
    giveWeight(call, parts, 1)
  },

  /** Outputs: the norm of x + skip (+ bias), two that are unused, and that sum. */
  SkipSimplifiedLayerNormalization: (call) => {
    const throughSum = call.gradientOf(3)
    const inputs = call.hasInput(3) ? [0, 1, 3] : [0, 1]
    if (call.gradientOf(0) === undefined) {
      for (const index of inputs) call.giveBroadcast(index, () => throughSum as Value)
      return
    }
    const parts = rmsNormParts(call, () => call.output(3), 2)
    let whole: Value | undefined
    const gradient = () => {
      whole ??= throughSum === undefined ? parts().gradient : call.add(throughSum, parts().gradient)
      return whole
    }
    for (const index of inputs) call.giveBroadcast(index, gradient)
    giveWeight(call, parts, 2)
  },

  /** Turned back: the transpose of a rotation is the rotation by the negative angle. */
  RotaryEmbedding: (call) =>
    call.give(0, () => {
      const { attributes, domain } = call.node
      const inputs = [call.gradient, call.input(1), call.input(2), call.negate(call.input(3))]
      const types = [{ type: call.gradient.type, shape: call.shapeOf(0) }]
      return call.graph.node('RotaryEmbedding', inputs, { attributes, domain, types })
    }),
}

interface NormParts {
  /** x / rms(x) */
  readonly normed: Value
  readonly gradient: Value
}

/** For y = w x / r with r = sqrt(mean(x^2) + epsilon): dx = (d w - n mean(d w n)) / r with n = x / r. */
function rmsNormParts(call: GradientCall, input: () => Value, weight: number): () => NormParts {
  let made: NormParts | undefined
  return () => {
    made ??= makeParts(call, input(), weight)
    return made
  }
}

function makeParts(call: GradientCall, x: Value, weight: number): NormParts {
  const { graph } = call
  const size = call.shapeOf(0).at(-1)
  if (typeof size !== 'number') throw call.error('the size of the last axis must be a number')
  const last = graph.integers([-1])
  const mean = call.multiply(graph.node('ReduceSumSquare', [x, last]), 1 / size)
  const epsilon = call.scalar(call.float('epsilon', 1e-5), x)
  const inverse = graph.node('Reciprocal', [graph.node('Sqrt', [call.add(mean, epsilon)])])
  const normed = call.multiply(x, inverse)
  const weighted = call.multiply(call.gradient, call.input(weight))
  const along = call.multiply(call.sum(call.multiply(weighted, normed), [-1]), 1 / size)
  const across = call.subtract(weighted, call.multiply(normed, along))
  return { normed, gradient: call.multiply(across, inverse) }
}

function giveWeight(call: GradientCall, parts: () => NormParts, weight: number): void {
  call.give(weight, () => {
    const axes = call
      .shapeOf(0)
      .slice(1)
      .map((_, i) => i)
    return call.sum(call.multiply(call.gradient, parts().normed), axes, 0)
  })
}

import type { Value } from '../graph.ts'
import { elementTypes } from '../tensor-type.ts'
import type { GradientCall, GradientRule, GradientRules } from './gradient-call.ts'

/** A function of one input: its gradient is that of the output times `slope`. */
const unary =
  (slope: (call: GradientCall) => Value): GradientRule =>
  (call) =>
    call.give(0, () => call.multiply(call.gradient, slope(call)))

/** The share of the gradient that goes to the first of two inputs: all where it is chosen, half where both are equal. */
const choice =
  (isFirst: 'Less' | 'Greater'): GradientRule =>
  (call) => {
    const { graph } = call
    for (const index of [0, 1])
      call.giveBroadcast(index, () => {
        const [self, other] = [call.input(index), call.input(1 - index)]
        const asFloat = (condition: Value) =>
          graph.node('Cast', [condition], { attributes: { to: elementTypes[self.type].code } })
        const wins = asFloat(graph.node(isFirst, [self, other]))
        const ties = asFloat(graph.node('Equal', [self, other]))
        return call.multiply(call.gradient, call.add(wins, call.multiply(ties, 0.5)))
      })
  }

/** sqrt(2 / pi), and the weight of the cubic term, of the tanh form of GELU (Hendrycks and Gimpel, arXiv 1606.08415). */
const geluScale = Math.sqrt(2 / Math.PI)
const geluCubic = 0.044715

function geluSlope(call: GradientCall): Value {
  const { graph } = call
  const x = call.input(0)
  const square = call.multiply(x, x)
  if (call.node.attributes['approximate'] === 'tanh') {
    // y = x (1 + t) / 2 with t = tanh(c (x + k x^3)); y' = (1 + t) / 2 + x (1 - t^2) c (1 + 3 k x^2) / 2
    const one = call.scalar(1, x)
    const inner = call.multiply(
      x,
      call.add(call.multiply(square, geluScale * geluCubic), call.scalar(geluScale, x)),
    )
    const t = graph.node('Tanh', [inner])
    const left = call.multiply(call.add(t, one), 0.5)
    const bend = call.add(
      call.multiply(square, 1.5 * geluScale * geluCubic),
      call.scalar(geluScale / 2, x),
    )
    const rest = call.multiply(call.subtract(one, call.multiply(t, t)), call.multiply(x, bend))
    return call.add(left, rest)
  }
  // y = x P(x) with P the normal distribution; y' = P(x) + x p(x)
  const erf = graph.node('Erf', [call.multiply(x, Math.SQRT1_2)])
  const distribution = call.multiply(call.add(erf, call.scalar(1, x)), 0.5)
  const density = call.multiply(
    graph.node('Exp', [call.multiply(square, -0.5)]),
    1 / Math.sqrt(2 * Math.PI),
  )
  return call.add(distribution, call.multiply(x, density))
}

export const elementwiseRules: GradientRules = {
  Identity: (call) => call.give(0, () => call.gradient),

  Add: (call) => {
    call.giveBroadcast(0, () => call.gradient)
    call.giveBroadcast(1, () => call.gradient)
  },

  Sub: (call) => {
    call.giveBroadcast(0, () => call.gradient)
    call.giveBroadcast(1, () => call.negate(call.gradient))
  },

  Mul: (call) => {
    if (giveSilu(call)) return
    call.giveBroadcast(0, () => call.multiply(call.gradient, call.input(1)))
    call.giveBroadcast(1, () => call.multiply(call.gradient, call.input(0)))
  },

  Div: (call) => {
    const { graph } = call
    const divided = () => graph.node('Div', [call.gradient, call.input(1)])
    call.giveBroadcast(0, divided)
    call.giveBroadcast(1, () => call.negate(call.multiply(divided(), call.output())))
  },

  Pow: (call) => {
    if (call.needs(1)) throw call.error('its exponent would need a gradient')
    const { graph } = call
    call.giveBroadcast(0, () => {
      const [x, exponent] = [call.input(0), call.input(1)]
      const lower = graph.node('Pow', [x, call.subtract(exponent, call.scalar(1, exponent))])
      return call.multiply(call.gradient, call.multiply(lower, exponent))
    })
  },

  Min: choice('Less'),
  Max: choice('Greater'),
  Neg: (call) => call.give(0, () => call.negate(call.gradient)),
  Exp: unary((call) => call.output()),
  Log: (call) => call.give(0, () => call.graph.node('Div', [call.gradient, call.input(0)])),
  Sqrt: (call) =>
    call.give(0, () => call.graph.node('Div', [call.multiply(call.gradient, 0.5), call.output()])),
  Reciprocal: unary((call) => call.negate(call.multiply(call.output(), call.output()))),
  Sigmoid: unary((call) => {
    const y = call.output()
    return call.multiply(y, call.subtract(call.scalar(1, y), y))
  }),
  Tanh: unary((call) => {
    const y = call.output()
    return call.subtract(call.scalar(1, y), call.multiply(y, y))
  }),
  Softplus: unary((call) => call.graph.node('Sigmoid', [call.input(0)])),
  Erf: unary((call) => {
    const x = call.input(0)
    const bell = call.graph.node('Exp', [call.negate(call.multiply(x, x))])
    return call.multiply(bell, 2 / Math.sqrt(Math.PI))
  }),
  Gelu: unary(geluSlope),

  /** x sigmoid(alpha x) */
  QuickGelu: unary((call) => {
    const alpha = call.float('alpha', 1.702)
    const x = call.input(0)
    const s = call.graph.node('Sigmoid', [call.multiply(x, alpha)])
    const bend = call.multiply(call.output(), call.subtract(call.scalar(1, x), s))
    return call.add(s, call.multiply(bend, alpha))
  }),

  Cast: (call) =>
    call.give(0, () => {
      const { type } = call.input(0)
      return call.graph.node('Cast', [call.gradient], {
        attributes: { to: elementTypes[type].code },
      })
    }),

  Where: (call) => {
    const { graph, gradient } = call
    const zero = () => call.scalar(0, gradient)
    call.giveBroadcast(1, () => graph.node('Where', [call.input(0), gradient, zero()]))
    call.giveBroadcast(2, () => graph.node('Where', [call.input(0), zero(), gradient]))
  },
}

/** x * sigmoid(x) is one function, whose slope s + y - y s takes fewer passes over the tensor than the product rule. */
function giveSilu(call: GradientCall): boolean {
  const sigmoid = [0, 1].find((index) => {
    const made = call.producerOf(index)
    return made?.operator === 'Sigmoid' && made.inputs[0] === call.node.inputs[1 - index]
  })
  if (sigmoid === undefined) return false
  call.give(1 - sigmoid, () => {
    const [s, y] = [call.input(sigmoid), call.output()]
    const bend = call.subtract(y, call.multiply(y, s))
    return call.multiply(call.gradient, call.add(bend, s))
  })
  return true
}

import { encodeModel, Graph, type Value } from '@cem/onnx-graph'
import type { ResolvedAdamW } from '../trainer/adamw.ts'
import { updateNames as names } from './step-names.ts'

/** What PyTorch's `clip_grad_norm_` adds to the norm. */
const clipEpsilon = 1e-6

/**
 * The optimiser's step on one vector of all parameters, as PyTorch's AdamW makes it:
 *
 *     g <- g min(1, maxNorm / (|g| + 1e-6));  m <- b1 m + (1 - b1) g;  v <- b2 v + (1 - b2) g^2
 *     p <- p (1 - rate * decay) - rate / (1 - b1^t) * m / (sqrt(v / (1 - b2^t)) + epsilon)
 *
 * @param isPartlyDecayed whether weight decay applies to some parameters only
 */
export function buildUpdateGraph(
  size: number,
  { beta1, beta2, epsilon, maxGradientNorm }: ResolvedAdamW,
  isPartlyDecayed: boolean,
): Uint8Array {
  const graph = new Graph('update')
  const vector = (name: string) => graph.input(name, 'float32', [size])
  const [p, m, v, raw] = [
    names.parameters,
    names.firstMoments,
    names.secondMoments,
    names.gradient,
  ].map(vector) as [Value, Value, Value, Value]
  const rates = graph.input(names.rates, 'float32', [4])
  const [rate, correctedRate, correction, decay] = graph.nodeWithOutputs(
    'Split',
    [rates, graph.integers([1, 1, 1, 1])],
    { attributes: { axis: 0 }, nOutputs: 4 },
  ) as [Value, Value, Value, Value]
  const { add, sub, mul, div, scalar } = operators(graph)

  const norm = graph.node('ReduceL2', [raw, graph.integers([0])])
  graph.output(norm, names.gradientNorm)
  const g = maxGradientNorm === null ? raw : mul(raw, clipFactor(graph, norm, maxGradientNorm))
  const m2 = add(mul(m, scalar(beta1)), mul(g, scalar(1 - beta1)))
  const v2 = add(mul(v, scalar(beta2)), mul(mul(g, g), scalar(1 - beta2)))
  const spread = add(graph.node('Sqrt', [mul(v2, correction)]), scalar(epsilon))
  const shrink = mul(rate, decay)
  const kept = sub(scalar(1), isPartlyDecayed ? mul(vector(names.decayed), shrink) : shrink)
  const p2 = sub(mul(p, kept), mul(div(m2, spread), correctedRate))
  graph.output(p2, `new_${names.parameters}`)
  graph.output(m2, `new_${names.firstMoments}`)
  graph.output(v2, `new_${names.secondMoments}`)
  return encodeModel(graph)
}

function clipFactor(graph: Graph, norm: Value, maxNorm: number): Value {
  const { add, div, scalar } = operators(graph)
  return graph.node('Min', [scalar(1), div(scalar(maxNorm), add(norm, scalar(clipEpsilon)))])
}

function operators(graph: Graph) {
  const binary = (operator: string) => (a: Value, b: Value) => graph.node(operator, [a, b])
  return {
    add: binary('Add'),
    sub: binary('Sub'),
    mul: binary('Mul'),
    div: binary('Div'),
    scalar: (value: number) => graph.scalar(value),
  }
}

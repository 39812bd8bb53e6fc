import { encodeModel, Graph, type Value } from '@cem/onnx-graph'
import type { ResolvedAdamW } from '../trainer/adamw.ts'
import { updateNames as names } from './step-names.ts'

/**
 * The optimiser's step on part of the parameters, as PyTorch's AdamW makes it (t: the step's number, from 1):
 *
 *     g <- g clip;  m <- b1 m + (1 - b1) g;  v <- b2 v + (1 - b2) g^2
 *     p <- p (1 - rate * decay) - rate / (1 - b1^t) * m / (sqrt(v / (1 - b2^t)) + epsilon)
 *
 * `rates`: clip, rate, rate / (1 - b1^t), 1 / (1 - b2^t), decay. Every output may be written over the input that it replaces.
 *
 * @param isPartlyDecayed whether weight decay applies to some parameters only
 */
export function buildUpdateGraph(
  { beta1, beta2, epsilon }: ResolvedAdamW,
  isPartlyDecayed: boolean,
): Uint8Array {
  const graph = new Graph('update')
  const vector = (name: string) => graph.input(name, 'float32', ['n'])
  const [p, m, v, raw] = [
    names.parameters,
    names.firstMoments,
    names.secondMoments,
    names.gradient,
  ].map(vector) as [Value, Value, Value, Value]
  const rates = graph.input(names.rates, 'float32', [5])
  const [clip, rate, correctedRate, correction, decay] = graph.nodeWithOutputs(
    'Split',
    [rates, graph.integers([1, 1, 1, 1, 1])],
    { attributes: { axis: 0 }, nOutputs: 5 },
  ) as [Value, Value, Value, Value, Value]
  const { add, sub, mul, div, scalar } = operators(graph)
  // Under the outputs' own names: under others, every run would copy them.
  const give = (operator: string, a: Value, b: Value, name: string) => {
    const value = graph.node(operator, [a, b], { name: `new_${name}` })
    graph.output(value)
    return value
  }

  const g = mul(raw, clip)
  const m2 = give('Add', mul(m, scalar(beta1)), mul(g, scalar(1 - beta1)), names.firstMoments)
  const squares = mul(mul(g, g), scalar(1 - beta2))
  const v2 = give('Add', mul(v, scalar(beta2)), squares, names.secondMoments)
  const spread = add(graph.node('Sqrt', [mul(v2, correction)]), scalar(epsilon))
  const shrink = mul(rate, decay)
  const kept = sub(scalar(1), isPartlyDecayed ? mul(vector(names.decayed), shrink) : shrink)
  give('Sub', mul(p, kept), mul(div(m2, spread), correctedRate), names.parameters)
  return encodeModel(graph)
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

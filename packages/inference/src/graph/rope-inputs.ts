import type { Graph, Value } from '@cem/onnx-graph'
import type { Architecture } from '../families/architecture.ts'
import { ropeNames } from './io-names.ts'
import { cast } from './operators.ts'

/** The tables of a rotary embedding, [R, headDim / 2] each. */
export interface RopeInputs {
  readonly cosines: Value
  readonly sines: Value
}

/** The tables of a model's rotary embeddings, as float32 inputs, in the type that its attention takes. */
export function ropeInputs(
  graph: Graph,
  { ropes, headDim }: Architecture,
  type: 'float32' | 'bfloat16' = 'float32',
): RopeInputs[] {
  const table = (name: string) =>
    cast(graph, graph.input(name, 'float32', ['R', headDim / 2]), type)
  return ropes.map((_, rope) => {
    const names = ropeNames(rope)
    return { cosines: table(names.cosines), sines: table(names.sines) }
  })
}

import type { Graph, Shape, Value } from '@cem/onnx-graph'
import type { Architecture, LayerAttention } from '../families/architecture.ts'
import type { AttentionRows } from './decoder-blocks.ts'
import * as io from './io-names.ts'
import { concat, sizesOf, softCap } from './operators.ts'
import type { RopeInputs } from './rope-inputs.ts'

/**
 * Attention from plain operators, for providers whose attention operator leaves out a part of it: softmax(cap(q k^T * scale) +
 * bias) v. The operator still rotates the keys and writes the cache; only its context is not used.
 */
export class PlainAttention {
  readonly #graph: Graph
  readonly #architecture: Architecture
  readonly #layers: ReadonlySet<number>
  readonly #biases = new Map<string, Value>()
  #positions: Value | undefined

  constructor(graph: Graph, architecture: Architecture, layers: ReadonlySet<number>) {
    this.#graph = graph
    this.#architecture = architecture
    this.#layers = layers
  }

  has(layer: number): boolean {
    return this.#layers.has(layer)
  }

  /** The context of a layer, [B, S, nHeads * headDim]. */
  add(layer: number, { queries, keys, values, rope }: AttentionRows): Value {
    const { nHeads, nKvHeads, headDim, attentionScale, attentionSoftCap } = this.#architecture
    const { window } = this.#architecture.layers[layer] as LayerAttention
    const graph = this.#graph
    const group = nHeads / nKvHeads
    const length = sizesOf(graph, queries, 1, 2)
    const capacity = sizesOf(graph, keys, 2, 3)
    const rotated = this.#rotate(queries, rope)
    const split = this.#reshape(rotated, [graph.integers([0, 0, nKvHeads, group, headDim])], 5)
    const grouped = this.#transpose(split, [0, 2, 3, 1, 4])
    const q = this.#reshape(grouped, [graph.integers([0, 0, -1, headDim])], 4)
    const raw = this.#product(q, this.#transpose(keys, [0, 1, 3, 2]))
    const scaled = graph.node('Mul', [raw, graph.scalar(attentionScale)])
    const capped = softCap(graph, scaled, attentionSoftCap)
    const byHead = this.#reshape(capped, [graph.integers([0, nHeads]), length, capacity], 4)
    const biased = graph.node('Add', [byHead, this.#bias(window)], { types: [unknown(4)] })
    const shares = graph.node('Softmax', [biased], { attributes: { axis: -1 } })
    const perGroup = this.#reshape(shares, [graph.integers([0, nKvHeads, -1]), capacity], 4)
    const mixed = this.#product(perGroup, values)
    const heads = [graph.integers([0, nKvHeads, group]), length, graph.integers([headDim])]
    const back = this.#transpose(this.#reshape(mixed, heads, 5), [0, 3, 1, 2, 4])
    return this.#reshape(back, [graph.integers([0, 0, nHeads * headDim])], 3)
  }

  #rotate(queries: Value, { cosines, sines }: RopeInputs): Value {
    this.#positions ??= this.#graph.input(io.inputs.positions, 'int64', ['B', 'S'])
    return this.#graph.node('RotaryEmbedding', [queries, this.#positions, cosines, sines], {
      domain: 'com.microsoft',
      attributes: { num_heads: this.#architecture.nHeads },
      types: [{ type: 'float32', shape: queries.shape }],
    })
  }

  #bias(window: number | null): Value {
    const name = io.attentionBiasName(window)
    let bias = this.#biases.get(name)
    if (bias === undefined) {
      bias = this.#graph.input(name, 'float32', ['B', 1, 'S', 'C'])
      this.#biases.set(name, bias)
    }
    return bias
  }

  #product(a: Value, b: Value): Value {
    return this.#graph.node('MatMul', [a, b], { types: [unknown(4)] })
  }

  #transpose(x: Value, perm: readonly number[]): Value {
    return this.#graph.node('Transpose', [x], {
      attributes: { perm },
      types: [unknown(perm.length)],
    })
  }

  #reshape(x: Value, sizes: readonly Value[], rank: number): Value {
    return this.#graph.node('Reshape', [x, concat(this.#graph, sizes, 0)], {
      types: [unknown(rank)],
    })
  }
}

function unknown(rank: number) {
  const shape: Shape = Array.from({ length: rank }, () => '?')
  return { type: 'float32' as const, shape }
}

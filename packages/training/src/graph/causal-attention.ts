import type { Architecture } from '@cem/inference'
import {
  type AttentionProjections,
  attentionBiasName,
  type LayerAttention,
  type RopeInputs,
  softCap,
} from '@cem/inference/graph'
import type { Graph, Shape, Value } from '@cem/onnx-graph'

/**
 * Causal attention over whole sequences from operators that have a gradient: softmax(cap(q k^T * scale) + bias) v. The query
 * heads that share a key head are laid one below another, so that keys and values are not repeated.
 */
export class CausalAttention {
  readonly #graph: Graph
  readonly #architecture: Architecture
  readonly #biases = new Map<number | null, Value>()
  readonly #start: Value

  constructor(graph: Graph, architecture: Architecture) {
    this.#graph = graph
    this.#architecture = architecture
    // One position for a batch: that of the first token of every row.
    this.#start = graph.constant('first_position', BigInt64Array.of(0n), [1])
    for (const window of new Set(architecture.layers.map((layer) => layer.window)))
      this.#biases.set(window, graph.input(attentionBiasName(window), 'float32', [1, 1, 'S', 'S']))
  }

  /** The context of a layer, [B, S, nHeads * headDim]. */
  add(layer: number, { queries, keys, values, rope }: AttentionProjections): Value {
    const { nHeads, nKvHeads, headDim, attentionScale, attentionSoftCap } = this.#architecture
    const { window } = this.#architecture.layers[layer] as LayerAttention
    const graph = this.#graph
    const group = nHeads / nKvHeads
    const rotated = graph.node('Mul', [
      this.#rotate(queries, rope, nHeads),
      graph.scalar(attentionScale),
    ])
    const byGroup = this.#reshape(
      rotated,
      [0, 0, nKvHeads, group, headDim],
      ['B', 'S', nKvHeads, group, headDim],
    )
    const q = this.#reshape(
      this.#transpose(byGroup, [0, 2, 3, 1, 4]),
      [0, nKvHeads, -1, headDim],
      ['B', nKvHeads, 'GS', headDim],
    )
    const byKey = (x: Value) =>
      this.#reshape(x, [0, 0, nKvHeads, headDim], ['B', 'S', nKvHeads, headDim])
    const k = this.#transpose(byKey(this.#rotate(keys, rope, nKvHeads)), [0, 2, 3, 1])
    const v = this.#transpose(byKey(values), [0, 2, 1, 3])
    const scores = softCap(graph, graph.node('MatMul', [q, k]), attentionSoftCap)
    const byHead = this.#reshape(scores, [0, nHeads, -1, 0], ['B', nHeads, 'S', 'S'])
    const biased = graph.node('Add', [byHead, this.#biases.get(window) as Value])
    const shares = graph.node('Softmax', [biased], { attributes: { axis: -1 } })
    const perGroup = this.#reshape(shares, [0, nKvHeads, -1, 0], ['B', nKvHeads, 'GS', 'S'])
    const mixed = this.#reshape(
      graph.node('MatMul', [perGroup, v]),
      [0, nKvHeads, group, -1, headDim],
      ['B', nKvHeads, group, 'S', headDim],
    )
    return this.#reshape(
      this.#transpose(mixed, [0, 3, 1, 2, 4]),
      [0, 0, nHeads * headDim],
      ['B', 'S', nHeads * headDim],
    )
  }

  #rotate(x: Value, { cosines, sines }: RopeInputs, nHeads: number): Value {
    return this.#graph.node('RotaryEmbedding', [x, this.#start, cosines, sines], {
      domain: 'com.microsoft',
      attributes: { num_heads: nHeads },
    })
  }

  #transpose(x: Value, perm: readonly number[]): Value {
    return this.#graph.node('Transpose', [x], { attributes: { perm } })
  }

  #reshape(x: Value, target: readonly number[], shape: Shape): Value {
    return this.#graph.node('Reshape', [x, this.#graph.integers(target)], {
      types: [{ type: x.type, shape }],
    })
  }
}

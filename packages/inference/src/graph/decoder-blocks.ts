import { float, type Graph, type Value } from '@cem/onnx-graph'
import { type Architecture, blockNorms, type LayerAttention } from '../families/architecture.ts'
import type { BlockEnd } from './block-end.ts'
import { addNorm, addSumAndNorm, type Norm } from './norms.ts'
import { cast, softCap } from './operators.ts'
import type { RopeInputs } from './rope-inputs.ts'

/** What matrix products and attention are computed in. The residual stream and the norms are float32 in both. */
export type ComputeType = 'float32' | 'bfloat16'

/** What a decoder is made of; how its products are computed differs from graph to graph. */
export interface DecoderParts {
  readonly architecture: Architecture
  readonly compute: ComputeType
  /** The norm with the weights of this path. */
  norm(path: string): Norm
  /** x W^T, bias and adapters of a linear module, [T, nIn] to [T, nOut], both in the compute type. */
  linear(graph: Graph, x: Value, path: string): Value
  /** The output head, [rows, dModel] to [rows, vocabSize] in the compute type. @param name the result's, if it needs one */
  head(graph: Graph, x: Value, name: string | null): Value
}

export interface KeysAndValues {
  /** [B, nKvHeads, C, headDim] each */
  readonly keys: Value
  readonly values: Value
}

/** What the attention operator is given and what it wrote into the cache. */
export interface AttentionRows extends KeysAndValues {
  /** [B, S, nHeads * headDim], not rotated */
  readonly queries: Value
  readonly rope: RopeInputs
}

/** What attention is computed from, where no cache is: [B, S, heads * headDim] each, not rotated. */
export interface AttentionProjections extends KeysAndValues {
  readonly queries: Value
  readonly rope: RopeInputs
}

interface CommonInputs {
  /** float32 [T, dModel]: the residual stream of B * S = T tokens. */
  readonly residual: Value
  /** int64 [2]: B and S. */
  readonly batchShape: Value
  /** In the compute type. */
  readonly ropes: readonly RopeInputs[]
  /** Adds a block's result to the residual stream, and norms it for the next block. */
  readonly endBlock: (end: BlockEnd) => { readonly residual: Value; readonly normed: Value | null }
}

/** The attention operator and its cache. */
interface CachedAttention {
  /** int32 [B] */
  readonly lastPositions: Value
  /** int32 scalar */
  readonly totalLength: Value
  /** Keys and values of earlier tokens; null before the first. */
  readonly cacheOf: (layer: number) => KeysAndValues | null
  /** The context of a layer, [B, S, nHeads * headDim], instead of the attention operator's; null leaves that. @default null */
  readonly attend?: (layer: number, rows: AttentionRows) => Value | null
}

/** Attention without the operator and without a cache. */
interface OwnAttention {
  /** The context of a layer, [B, S, nHeads * headDim]. */
  readonly attention: (layer: number, projections: AttentionProjections) => Value
}

export type BlockInputs = CommonInputs & (CachedAttention | OwnAttention)

export interface BlockOutputs {
  /** float32 [T, dModel], before the last norm. */
  readonly residual: Value
  /** By layer. */
  readonly caches: readonly KeysAndValues[]
}

/** Emits the decoder's blocks into a graph: the outermost one, or the body of a loop inside it. */
export function addBlocks(graph: Graph, parts: DecoderParts, inputs: BlockInputs): BlockOutputs {
  return new Blocks(graph, parts, inputs).add()
}

/** Logits of rows of the residual stream: float32 [rows, vocabSize]. */
export function addLogits(
  graph: Graph,
  parts: DecoderParts,
  residual: Value,
  name: string | null = null,
): Value {
  const { logitSoftCap } = parts.architecture
  const normed = addNorm(graph, residual, parts.norm('model.norm'))
  const product = parts.head(
    graph,
    cast(graph, normed, parts.compute),
    logitSoftCap === null ? name : null,
  )
  return softCap(graph, cast(graph, product, 'float32'), logitSoftCap)
}

class Blocks {
  readonly #graph: Graph
  readonly #parts: DecoderParts
  readonly #inputs: BlockInputs
  readonly #architecture: Architecture
  readonly #caches: KeysAndValues[] = []
  readonly #headShapes = new Map<number, Value>()
  readonly #flatShapes = new Map<number, Value>()

  constructor(graph: Graph, parts: DecoderParts, inputs: BlockInputs) {
    this.#graph = graph
    this.#parts = parts
    this.#inputs = inputs
    this.#architecture = parts.architecture
  }

  add(): BlockOutputs {
    const graph = this.#graph
    const { nLayers } = this.#architecture
    const norms = blockNorms(this.#architecture)
    const normOf = (layer: number, name: string) =>
      this.#parts.norm(`model.layers.${layer}.${name}`)
    let residual = this.#inputs.residual
    let normed = addNorm(graph, residual, normOf(0, norms.beforeAttention))
    for (let layer = 0; layer < nLayers; layer++) {
      const postNorm = (x: Value, name: string | null) =>
        name === null ? x : addNorm(graph, x, normOf(layer, name))
      const attention = postNorm(this.#attention(normed, layer), norms.afterAttention)
      const middle = addSumAndNorm(graph, residual, attention, normOf(layer, norms.beforeMlp))
      const update = postNorm(this.#mlp(middle.normed, layer), norms.afterMlp)
      // The last block's norm is applied to the rows that are read out only.
      const norm = layer + 1 < nLayers ? normOf(layer + 1, norms.beforeAttention) : null
      const end = this.#inputs.endBlock({ layer, residual: middle.sum, update, norm })
      residual = end.residual
      normed = end.normed ?? normed
    }
    return { residual, caches: this.#caches }
  }

  #attention(x: Value, layer: number): Value {
    const { nHeads, nKvHeads, attentionSoftCap: cap } = this.#architecture
    const { window, rope: ropeIndex } = this.#architecture.layers[layer] as LayerAttention
    const prefix = `model.layers.${layer}.self_attn`
    const compact = this.#toCompute(x)
    const rope = this.#inputs.ropes[ropeIndex] as RopeInputs
    const queries = this.#heads(compact, `${prefix}.q`, nHeads)
    const newKeys = this.#heads(compact, `${prefix}.k`, nKvHeads)
    const newValues = this.#heads(compact, `${prefix}.v`, nKvHeads)
    const projections = { queries, keys: newKeys, values: newValues, rope }
    const inputs = this.#inputs
    if ('attention' in inputs) return this.#project(inputs.attention(layer, projections), prefix)
    const past = inputs.cacheOf(layer)
    const [operatorContext, keys, values] = this.#graph.nodeWithOutputs(
      'GroupQueryAttention',
      [
        queries,
        newKeys,
        newValues,
        past?.keys ?? null,
        past?.values ?? null,
        inputs.lastPositions,
        inputs.totalLength,
        rope.cosines,
        rope.sines,
      ],
      {
        domain: 'com.microsoft',
        attributes: {
          num_heads: nHeads,
          kv_num_heads: nKvHeads,
          do_rotary: 1,
          scale: float(this.#architecture.attentionScale),
          ...(window === null ? {} : { local_window_size: window }),
          ...(cap === null ? {} : { softcap: float(cap) }),
        },
      },
    ) as [Value, Value, Value]
    this.#caches.push({ keys, values })
    const context = inputs.attend?.(layer, { queries, keys, values, rope }) ?? operatorContext
    return this.#project(context, prefix)
  }

  #project(context: Value, prefix: string): Value {
    const { nHeads, headDim } = this.#architecture
    const rows = this.#flatten(context, nHeads * headDim)
    return this.#toFloat(this.#linear(rows, `${prefix}.o_proj`))
  }

  /** [B, S, nHeads * headDim] of a projection, each head normed where the family does so. */
  #heads(x: Value, name: string, nHeads: number): Value {
    const { headDim, hasQueryKeyNorms } = this.#architecture
    const flat = this.#linear(x, `${name}_proj`)
    const isNormed = hasQueryKeyNorms && !name.endsWith('.v')
    const heads = isNormed ? this.#normHeads(flat, `${name}_norm`) : flat
    const size = nHeads * headDim
    return this.#graph.node('Reshape', [heads, this.#headShape(size)], {
      types: [{ type: heads.type, shape: ['B', 'S', size] }],
    })
  }

  #normHeads(flat: Value, path: string): Value {
    const heads = this.#toFloat(this.#flatten(flat, this.#architecture.headDim))
    return this.#toCompute(addNorm(this.#graph, heads, this.#parts.norm(path)))
  }

  /** [3]: B, S and a size. */
  #headShape(size: number): Value {
    return once(this.#headShapes, size, () =>
      this.#graph.node('Concat', [this.#inputs.batchShape, this.#graph.integers([size])], {
        attributes: { axis: 0 },
      }),
    )
  }

  /** A gated MLP: down(activation(gate(x)) * up(x)). What lies between its products is float32. */
  #mlp(x: Value, layer: number): Value {
    const prefix = `model.layers.${layer}.mlp`
    const compact = this.#toCompute(x)
    const gate = this.#toFloat(this.#linear(compact, `${prefix}.gate_proj`))
    const up = this.#toFloat(this.#linear(compact, `${prefix}.up_proj`))
    const product = this.#graph.node('Mul', [this.#activate(gate), up])
    return this.#toFloat(this.#linear(this.#toCompute(product), `${prefix}.down_proj`))
  }

  #activate(x: Value): Value {
    const graph = this.#graph
    if (this.#architecture.activation === 'gelu-tanh')
      return graph.node('Gelu', [x], { attributes: { approximate: 'tanh' } })
    if (this.#parts.compute === 'float32') return graph.node('Mul', [x, graph.node('Sigmoid', [x])])
    // x * sigmoid(1 * x) in one kernel, of which CUDA has one.
    return graph.node('QuickGelu', [x], {
      domain: 'com.microsoft',
      attributes: { alpha: float(1) },
    })
  }

  #linear(x: Value, path: string): Value {
    return this.#parts.linear(this.#graph, x, path)
  }

  #flatten(x: Value, size: number): Value {
    const shape = once(this.#flatShapes, size, () => this.#graph.integers([-1, size]))
    return this.#graph.node('Reshape', [x, shape])
  }

  #toCompute(x: Value): Value {
    return cast(this.#graph, x, this.#parts.compute)
  }

  #toFloat(x: Value): Value {
    return cast(this.#graph, x, 'float32')
  }
}

function once(known: Map<number, Value>, key: number, make: () => Value): Value {
  const value = known.get(key) ?? make()
  known.set(key, value)
  return value
}

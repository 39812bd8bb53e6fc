import { type ElementType, elementTypes, float, type Graph, type Value } from '@cem/onnx-graph'
import {
  type Architecture,
  blockNorms,
  type LayerAttention,
  type LinearModule,
  linearModules,
} from '../families/architecture.ts'
import * as io from './io-names.ts'
import type { WeightLocation, WeightLocations } from './weight-source.ts'

/** What matrix products and attention are computed in. The residual stream and the norms are float32 in both. */
export type ComputeType = 'float32' | 'bfloat16'

export interface DecoderWeightsOptions {
  readonly architecture: Architecture
  readonly weights: WeightLocations
  readonly compute: ComputeType
  /** Whether the graph takes adapters; without them it is the base alone, and quicker. */
  readonly hasAdapters: boolean
  /** A file's location as the model names it: its path relative to the folder that the session is given. */
  readonly locate: (file: string) => string
}

interface Linear {
  readonly weight: Value
  readonly bias: Value | null
}

/** The adapters of modules that share their input, as one: x A^T once, then each module's own B. */
interface AdapterGroup {
  /** [sum of ranks, nIn] */
  readonly a: Value
  /** By module path, [nOut, sum of ranks], zero where the ranks of the others are. */
  readonly b: ReadonlyMap<string, Value>
}

const groups = [
  ['self_attn.q_proj', 'self_attn.k_proj', 'self_attn.v_proj'],
  ['self_attn.o_proj'],
  ['mlp.gate_proj', 'mlp.up_proj'],
  ['mlp.down_proj'],
] as const

/** A decoder's weights and adapter inputs in the outermost graph, where blocks inside loops see them too. */
export class DecoderWeights {
  readonly architecture: Architecture
  readonly compute: ComputeType
  readonly root: Graph
  readonly #options: DecoderWeightsOptions
  readonly #values = new Map<string, Value>()
  readonly #linears = new Map<string, Linear>()
  readonly #groups = new Map<string, AdapterGroup>()

  constructor(root: Graph, options: DecoderWeightsOptions) {
    this.root = root
    this.#options = options
    this.architecture = options.architecture
    this.compute = options.compute
    const modules = linearModules(options.architecture)
    for (const { path } of modules)
      this.#linears.set(path, {
        weight: this.weight(`${path}.weight`, this.compute),
        bias: options.weights.has(`${path}.bias`)
          ? this.weight(`${path}.bias`, this.compute)
          : null,
      })
    if (!options.hasAdapters) return
    for (let layer = 0; layer < this.architecture.nLayers; layer++)
      for (const kinds of groups) {
        const members = kinds.map(
          (kind) =>
            modules.find((m) => m.layer === layer && m.kind === kind) as (typeof modules)[number],
        )
        const group = this.#group(members)
        for (const { path } of members) this.#groups.set(path, group)
      }
  }

  /** Null where the graph takes no adapters. */
  adapters(path: string): AdapterGroup | null {
    return this.#groups.get(path) ?? null
  }

  #group(members: readonly LinearModule[]): AdapterGroup {
    const { root } = this
    const parts = members.map(({ path, nIn, nOut }) => {
      const names = io.adapterNames(path)
      const a = root.input(names.a, 'float32', [`${path}.rank`, nIn])
      const b = root.input(names.b, 'float32', [nOut, `${path}.rank`])
      return { path, ...this.#exact(a, b) }
    })
    const b = parts.map(({ path, b: own }) => {
      const zeros = (part: (typeof parts)[number]) => zerosLike(root, own, part.b)
      const columns = parts.map((part) => (part.path === path ? own : zeros(part)))
      return [path, join(root, columns, 1)] as const
    })
    const rows = parts.map((part) => part.a)
    return { a: join(root, rows, 0), b: new Map(b) }
  }

  /**
   * An adapter's matrices in the compute type. Rounded to bfloat16 they would be other matrices, wrong alike for every token; so
   * each is given as its rounding and the rest: B A = (B1 + B2)(A1 + A2), less the product of the two rests, as three times the rank.
   */
  #exact(a: Value, b: Value): { a: Value; b: Value } {
    if (this.compute === 'float32') return { a, b }
    const { root } = this
    const split = (x: Value) => {
      const first = this.#cast(x, this.compute)
      const rest = root.node('Sub', [x, this.#cast(first, 'float32')])
      return { first, rest: this.#cast(rest, this.compute) }
    }
    const [parts, others] = [split(a), split(b)]
    return {
      a: join(root, [parts.first, parts.rest, parts.first], 0),
      b: join(root, [others.first, others.first, others.rest], 1),
    }
  }

  /** A 1-D int64 constant, made once: a loop's body holds many steps, and each has the same. */
  integers(...values: readonly number[]): Value {
    return this.#once(`integers ${values.join()}`, () => this.root.integers(values))
  }

  linear(path: string): Linear {
    return this.#linears.get(path) as Linear
  }

  /** 1 + weight where the family stores its norms so; folded when the session loads. */
  norm(path: string): Value {
    const weight = this.weight(`${path}.weight`, 'float32')
    if (this.architecture.normWeight === 'as-stored') return weight
    return this.#once(`${path}.one-plus`, () =>
      this.root.node('Add', [weight, this.root.scalar(1)]),
    )
  }

  /** A weight in place in its file, cast when the session folds constants where the file has another type. */
  weight(name: string, type: ComputeType): Value {
    return this.#once(`${name}:${type}`, () => this.#cast(this.#external(name), type))
  }

  #external(name: string): Value {
    return this.#once(name, () => {
      const location = this.#options.weights.get(name) as WeightLocation
      const type = { F32: 'float32', F16: 'float16', BF16: 'bfloat16' } as const
      return this.root.external(name, type[location.dtype], location.shape, {
        location: this.#options.locate(location.file),
        offsetBytes: location.byteOffset,
        lengthBytes: location.byteLength,
      })
    })
  }

  #once(key: string, make: () => Value): Value {
    const known = this.#values.get(key)
    if (known !== undefined) return known
    const value = make()
    this.#values.set(key, value)
    return value
  }

  #cast(value: Value, type: ElementType): Value {
    return cast(this.root, value, type)
  }
}

export interface BlockInputs {
  /** float32 [T, dModel]: the residual stream of B * S = T tokens. */
  readonly residual: Value
  /** int64 [2]: B and S. */
  readonly batchShape: Value
  /** int32 [B] */
  readonly lastPositions: Value
  /** int32 scalar */
  readonly totalLength: Value
  /** [R, headDim / 2] each, in the compute type. */
  readonly ropes: readonly { readonly cosines: Value; readonly sines: Value }[]
  /** Keys and values of earlier tokens, [B, nKvHeads, C, headDim] each; null before the first. */
  readonly caches: readonly KeysAndValues[] | null
  /** Called with each layer's output, float32 [T, dModel]. */
  readonly onLayer?: (layer: number, residual: Value) => void
}

export interface KeysAndValues {
  readonly keys: Value
  readonly values: Value
}

export interface BlockOutputs {
  readonly residual: Value
  readonly caches: readonly KeysAndValues[]
}

/** Emits the decoder's blocks into a graph: the outermost one, or the body of a loop inside it. */
export function addBlocks(
  graph: Graph,
  weights: DecoderWeights,
  inputs: BlockInputs,
): BlockOutputs {
  return new Blocks(graph, weights, inputs).add()
}

class Blocks {
  readonly #graph: Graph
  readonly #weights: DecoderWeights
  readonly #inputs: BlockInputs
  readonly #architecture: Architecture
  readonly #caches: KeysAndValues[] = []
  readonly #lows = new Map<AdapterGroup, Value>()
  readonly #headShapes = new Map<number, Value>()

  constructor(graph: Graph, weights: DecoderWeights, inputs: BlockInputs) {
    this.#graph = graph
    this.#weights = weights
    this.#inputs = inputs
    this.#architecture = weights.architecture
  }

  add(): BlockOutputs {
    const { nLayers } = this.#architecture
    const norms = blockNorms(this.#architecture)
    let residual = this.#inputs.residual
    let normed = this.#norm(residual, `model.layers.0.${norms.beforeAttention}`)
    for (let layer = 0; layer < nLayers; layer++) {
      const prefix = `model.layers.${layer}`
      const postNorm = (x: Value, name: string | null) =>
        name === null ? x : this.#norm(x, `${prefix}.${name}`)
      const attention = postNorm(this.#attention(normed, layer), norms.afterAttention)
      const middle = this.#addAndNorm(residual, attention, `${prefix}.${norms.beforeMlp}`)
      const mlp = postNorm(this.#mlp(middle.normed, layer), norms.afterMlp)
      const next = layer + 1 < nLayers ? `model.layers.${layer + 1}.${norms.beforeAttention}` : null
      if (next === null) residual = this.#graph.node('Add', [middle.sum, mlp])
      else {
        const end = this.#addAndNorm(middle.sum, mlp, next)
        residual = end.sum
        normed = end.normed
      }
      this.#inputs.onLayer?.(layer, residual)
    }
    return { residual, caches: this.#caches }
  }

  #attention(x: Value, layer: number): Value {
    const { nHeads, nKvHeads, headDim, attentionSoftCap: softCap } = this.#architecture
    const { window, rope } = this.#architecture.layers[layer] as LayerAttention
    const prefix = `model.layers.${layer}.self_attn`
    const compact = this.#toCompute(x)
    const past = this.#inputs.caches?.[layer]
    const { cosines, sines } = this.#inputs.ropes[rope] as { cosines: Value; sines: Value }
    const type = this.#weights.compute
    const cache = { type, shape: ['B', nKvHeads, '?', headDim] }
    const [context, keys, values] = this.#graph.nodeWithOutputs(
      'GroupQueryAttention',
      [
        this.#heads(compact, `${prefix}.q`, nHeads),
        this.#heads(compact, `${prefix}.k`, nKvHeads),
        this.#heads(compact, `${prefix}.v`, nKvHeads),
        past?.keys ?? null,
        past?.values ?? null,
        this.#inputs.lastPositions,
        this.#inputs.totalLength,
        cosines,
        sines,
      ],
      {
        domain: 'com.microsoft',
        types: [{ type, shape: ['B', 'S', nHeads * headDim] }, cache, cache],
        attributes: {
          num_heads: nHeads,
          kv_num_heads: nKvHeads,
          do_rotary: 1,
          scale: float(this.#architecture.attentionScale),
          ...(window === null ? {} : { local_window_size: window }),
          ...(softCap === null ? {} : { softcap: float(softCap) }),
        },
      },
    ) as [Value, Value, Value]
    this.#caches.push({ keys, values })
    return this.#toFloat(this.#linear(this.#flatten(context, nHeads * headDim), `${prefix}.o_proj`))
  }

  /** [B, S, nHeads * headDim] of a projection, each head normed where the family does so. */
  #heads(x: Value, name: string, nHeads: number): Value {
    const { headDim, hasQueryKeyNorms } = this.#architecture
    const flat = this.#linear(x, `${name}_proj`)
    const isNormed = hasQueryKeyNorms && !name.endsWith('.v')
    const heads = isNormed
      ? this.#toCompute(this.#norm(this.#toFloat(this.#flatten(flat, headDim)), `${name}_norm`))
      : flat
    const shape = this.#headShape(nHeads * headDim)
    return this.#graph.node('Reshape', [heads, shape], {
      types: [{ type: heads.type, shape: ['B', 'S', nHeads * headDim] }],
    })
  }

  /** [3]: B, S and a size. */
  #headShape(size: number): Value {
    const known = this.#headShapes.get(size)
    if (known !== undefined) return known
    const sizes = [this.#inputs.batchShape, this.#weights.integers(size)]
    const shape = this.#graph.node('Concat', sizes, { attributes: { axis: 0 } })
    this.#headShapes.set(size, shape)
    return shape
  }

  /** A gated MLP. What lies between its products is float32: CUDA's bfloat16 kernels of it are slower, and round several times. */
  #mlp(x: Value, layer: number): Value {
    const prefix = `model.layers.${layer}.mlp`
    const compact = this.#toCompute(x)
    const gate = this.#toFloat(this.#linear(compact, `${prefix}.gate_proj`))
    const up = this.#toFloat(this.#linear(compact, `${prefix}.up_proj`))
    const product = this.#graph.node('Mul', [this.#activate(gate), up])
    return this.#toFloat(this.#linear(this.#toCompute(product), `${prefix}.down_proj`))
  }

  #activate(x: Value): Value {
    const types = [{ type: x.type, shape: x.shape }]
    if (this.#architecture.activation === 'gelu-tanh')
      return this.#graph.node('Gelu', [x], { attributes: { approximate: 'tanh' }, types })
    if (this.#weights.compute === 'float32')
      return this.#graph.node('Mul', [x, this.#graph.node('Sigmoid', [x])])
    // x * sigmoid(1 * x) in one kernel.
    const attributes = { alpha: float(1) }
    return this.#graph.node('QuickGelu', [x], { domain: 'com.microsoft', attributes, types })
  }

  #linear(x: Value, path: string): Value {
    const { weight, bias } = this.#weights.linear(path)
    const attributes = { transB: 1 }
    const product = this.#graph.node('Gemm', [x, weight], { attributes })
    // Added apart: as the operator's third input CUDA spreads it over the rows by a product of its own.
    const base = bias === null ? product : this.#graph.node('Add', [product, bias])
    const group = this.#weights.adapters(path)
    if (group === null) return base
    const low = this.#low(x, group)
    return this.#graph.node('Gemm', [low, group.b.get(path) as Value, base], { attributes })
  }

  /** x A^T of a group, once for all its modules. */
  #low(x: Value, group: AdapterGroup): Value {
    const known = this.#lows.get(group)
    if (known !== undefined) return known
    const low = this.#graph.node('Gemm', [x, group.a], { attributes: { transB: 1 } })
    this.#lows.set(group, low)
    return low
  }

  #norm(x: Value, path: string): Value {
    return this.#graph.node('SimplifiedLayerNormalization', [x, this.#weights.norm(path)], {
      attributes: { axis: -1, epsilon: this.#epsilon, stash_type: 1 },
    })
  }

  #addAndNorm(x: Value, y: Value, path: string): { normed: Value; sum: Value } {
    const [normed, , , sum] = this.#graph.nodeWithOutputs(
      'SkipSimplifiedLayerNormalization',
      [x, y, this.#weights.norm(path)],
      { domain: 'com.microsoft', attributes: { epsilon: this.#epsilon } },
    ) as [Value, Value, Value, Value]
    return { normed, sum }
  }

  get #epsilon() {
    return float(this.#architecture.rmsNormEpsilon)
  }

  #flatten(x: Value, size: number): Value {
    return this.#graph.node('Reshape', [x, this.#weights.integers(-1, size)])
  }

  #toCompute(x: Value): Value {
    return cast(this.#graph, x, this.#weights.compute)
  }

  #toFloat(x: Value): Value {
    return cast(this.#graph, x, 'float32')
  }
}

export function cast(graph: Graph, x: Value, type: ElementType): Value {
  if (x.type === type) return x
  return graph.node('Cast', [x], { attributes: { to: elementTypes[type].code } })
}

function join(graph: Graph, values: readonly Value[], axis: number): Value {
  const [only] = values
  if (values.length === 1 && only !== undefined) return only
  return graph.node('Concat', values, { attributes: { axis } })
}

/** Zeros [rows of `rows`, columns of `columns`]. */
function zerosLike(graph: Graph, rows: Value, columns: Value): Value {
  const dimension = (x: Value, axis: number) =>
    graph.node('Shape', [x], {
      attributes: { start: axis, end: axis + 1 },
      types: [{ type: 'int64', shape: [1] }],
    })
  const shape = graph.node('Concat', [dimension(rows, 0), dimension(columns, 1)], {
    attributes: { axis: 0 },
  })
  const types = [{ type: rows.type, shape: [rows.shape?.[0] ?? '?', columns.shape?.[1] ?? '?'] }]
  return graph.node('Expand', [cast(graph, graph.scalar(0), rows.type), shape], { types })
}

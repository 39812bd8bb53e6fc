import type { Graph, Value } from '@cem/onnx-graph'
import { type Architecture, type LinearModule, linearModules } from '../../families/architecture.ts'
import type { ComputeType, DecoderParts } from '../decoder-blocks.ts'
import * as io from '../io-names.ts'
import type { Norm } from '../norms.ts'
import { cast, concat, sizesOf } from '../operators.ts'
import { WeightValues, type WeightValuesOptions } from '../weight-values.ts'

export interface WavePartsOptions extends WeightValuesOptions {
  readonly compute: ComputeType
  /** Whether the graph takes adapters; without them it is the base alone, and quicker. */
  readonly hasAdapters: boolean
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

/** A decoder whose weights and adapters are in the outermost graph, where blocks inside loops see them too. */
export class WaveParts implements DecoderParts {
  readonly architecture: Architecture
  readonly compute: ComputeType
  readonly #root: Graph
  readonly #weights: WeightValues
  readonly #groups = new Map<string, AdapterGroup>()
  /** x A^T of a group by its input, once for all its modules. */
  readonly #lows = new Map<Value, Map<AdapterGroup, Value>>()

  constructor(root: Graph, options: WavePartsOptions) {
    this.#root = root
    this.architecture = options.architecture
    this.compute = options.compute
    this.#weights = new WeightValues(root, options)
    const modules = linearModules(options.architecture)
    for (const { path } of modules) this.#base(path)
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

  norm(path: string): Norm {
    return this.#weights.norm(path)
  }

  linear(graph: Graph, x: Value, path: string): Value {
    const { weight, bias } = this.#base(path)
    const attributes = { transB: 1 }
    const product = graph.node('Gemm', [x, weight], { attributes })
    // Added apart: as the operator's third input CUDA spreads it over the rows by a product of its own.
    const base = bias === null ? product : graph.node('Add', [product, bias])
    const group = this.#groups.get(path)
    if (group === undefined) return base
    return graph.node('Gemm', [this.#low(graph, x, group), group.b.get(path) as Value, base], {
      attributes,
    })
  }

  head(graph: Graph, x: Value): Value {
    const { tiedEmbeddings } = this.architecture
    const weight = tiedEmbeddings ? 'model.embed_tokens.weight' : 'lm_head.weight'
    return graph.node('Gemm', [x, this.#weights.get(weight, this.compute)], {
      attributes: { transB: 1 },
    })
  }

  /** float32 [T, dModel] of token ids of any shape. */
  embed(graph: Graph, tokens: Value): Value {
    const { dModel, embeddingScale } = this.architecture
    const table = this.#weights.get('model.embed_tokens.weight', this.compute)
    const rows = graph.node('Gather', [table, tokens])
    const wide = graph.node('Reshape', [rows, graph.integers([-1, dModel])])
    const flat = cast(graph, wide, 'float32')
    return embeddingScale === 1 ? flat : graph.node('Mul', [flat, graph.scalar(embeddingScale)])
  }

  #base(path: string): { weight: Value; bias: Value | null } {
    return {
      weight: this.#weights.get(`${path}.weight`, this.compute),
      bias: this.#weights.find(`${path}.bias`, this.compute),
    }
  }

  #low(graph: Graph, x: Value, group: AdapterGroup): Value {
    const known = this.#lows.get(x)?.get(group)
    if (known !== undefined) return known
    const low = graph.node('Gemm', [x, group.a], { attributes: { transB: 1 } })
    this.#lows.set(x, new Map(this.#lows.get(x)).set(group, low))
    return low
  }

  #group(members: readonly LinearModule[]): AdapterGroup {
    const root = this.#root
    const parts = members.map(({ path, nIn, nOut }) => {
      const names = io.adapterNames(path)
      const a = root.input(names.a, 'float32', [`${path}.rank`, nIn])
      const b = root.input(names.b, 'float32', [nOut, `${path}.rank`])
      return { path, ...this.#exact(a, b) }
    })
    const b = parts.map(({ path, b: own }) => {
      const zeros = (part: (typeof parts)[number]) => zerosLike(root, own, part.b)
      const columns = parts.map((part) => (part.path === path ? own : zeros(part)))
      return [path, concat(root, columns, 1)] as const
    })
    const rows = parts.map((part) => part.a)
    return { a: concat(root, rows, 0), b: new Map(b) }
  }

  /**
   * An adapter's matrices in the compute type. Rounded to bfloat16 they would be other matrices, wrong alike for every token; so
   * each is given as its rounding and the rest: B A = (B1 + B2)(A1 + A2), less the product of the two rests, as three times the rank.
   */
  #exact(a: Value, b: Value): { a: Value; b: Value } {
    if (this.compute === 'float32') return { a, b }
    const root = this.#root
    const split = (x: Value) => {
      const first = cast(root, x, this.compute)
      const rest = root.node('Sub', [x, cast(root, first, 'float32')])
      return { first, rest: cast(root, rest, this.compute) }
    }
    const [parts, others] = [split(a), split(b)]
    return {
      a: concat(root, [parts.first, parts.rest, parts.first], 0),
      b: concat(root, [others.first, others.first, others.rest], 1),
    }
  }
}

/** Zeros [rows of `rows`, columns of `columns`]. */
function zerosLike(graph: Graph, rows: Value, columns: Value): Value {
  const shape = concat(graph, [sizesOf(graph, rows, 0, 1), sizesOf(graph, columns, 1, 2)], 0)
  const types = [{ type: rows.type, shape: [rows.shape?.[0] ?? '?', columns.shape?.[1] ?? '?'] }]
  return graph.node('Expand', [cast(graph, graph.scalar(0), rows.type), shape], { types })
}

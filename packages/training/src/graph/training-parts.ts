import type { Architecture } from '@cem/inference'
import {
  type AdaptedModule,
  adapterNames,
  type DecoderParts,
  linearModules,
  type Norm,
  type WeightLocation,
  type WeightLocations,
  WeightValues,
} from '@cem/inference/graph'
import { float, type Graph, type Value } from '@cem/onnx-graph'
import { loraNames } from './parameter-names.ts'

export interface TrainingPartsOptions {
  readonly architecture: Architecture
  /** Of the frozen weights; a weight that is trained is taken from `trained`. */
  readonly weights: WeightLocations
  readonly locate: (file: string) => string
  /** Trained tensors by name: weights, or matrices of adapters. */
  readonly trained: ReadonlyMap<string, Value>
  /** Modules with a trained adapter. */
  readonly modules: readonly AdaptedModule[]
  /** Paths of modules with frozen adapters, which are inputs. */
  readonly frozenAdapters: ReadonlySet<string>
}

/** The name of the input of a weight that every run is given. */
export const weightInput = (name: string) => `weight:${name}`

/**
 * Frozen weights that are inputs: those whose files hold half-precision numbers, as float32. One copy then serves all sessions.
 * Embeddings that are not the output head's are left out: only their rows are turned into floats.
 */
export function fedWeights(
  { tiedEmbeddings }: Architecture,
  weights: WeightLocations,
  trained: ReadonlySet<string>,
): string[] {
  const isRead = (name: string) => tiedEmbeddings || name !== 'model.embed_tokens.weight'
  return Array.from(weights, ([name, { dtype }]) =>
    dtype !== 'F32' && isRead(name) && !trained.has(name) ? [name] : [],
  ).flat()
}

/** A decoder in float32 whose weights or adapters are trained. */
export class TrainingParts implements DecoderParts {
  readonly architecture: Architecture
  readonly compute = 'float32'
  readonly #root: Graph
  readonly #options: TrainingPartsOptions
  readonly #frozen: WeightValues
  readonly #modules: ReadonlyMap<string, AdaptedModule>
  readonly #sizes: ReadonlyMap<string, { nIn: number; nOut: number }>
  readonly #inputs = new Map<string, Value>()
  readonly #adapters = new Map<string, { readonly a: Value; readonly b: Value }>()

  constructor(root: Graph, options: TrainingPartsOptions) {
    this.architecture = options.architecture
    this.#root = root
    this.#options = options
    this.#frozen = new WeightValues(root, options)
    this.#modules = new Map(options.modules.map((module) => [module.path, module]))
    this.#sizes = new Map(linearModules(options.architecture).map((m) => [m.path, m]))
  }

  norm(path: string): Norm {
    const { normWeight, rmsNormEpsilon: epsilon } = this.architecture
    const stored = this.#weight(`${path}.weight`)
    if (normWeight === 'as-stored') return { weight: stored, epsilon }
    return { weight: this.#root.node('Add', [stored, this.#root.scalar(1)]), epsilon }
  }

  /** x W^T + bias, the frozen adapters' (x A^T) B^T, and the trained adapter's times its scale. */
  linear(graph: Graph, x: Value, path: string): Value {
    const transposed = { attributes: { transB: 1 } }
    let y = graph.node('Gemm', [x, this.#weight(`${path}.weight`), this.#bias(path)], transposed)
    const frozen = this.#frozenAdapter(path)
    if (frozen !== undefined)
      y = graph.node(
        'Gemm',
        [graph.node('Gemm', [x, frozen.a], transposed), frozen.b, y],
        transposed,
      )
    const module = this.#modules.get(path)
    if (module === undefined) return y
    const names = loraNames(path)
    const low = graph.node('Gemm', [x, this.#trained(names.a)], transposed)
    return graph.node('Gemm', [low, this.#trained(names.b), y], {
      attributes: { transB: 1, alpha: float(module.scale) },
    })
  }

  head(graph: Graph, x: Value): Value {
    const { tiedEmbeddings } = this.architecture
    const weight = this.#weight(tiedEmbeddings ? 'model.embed_tokens.weight' : 'lm_head.weight')
    return graph.node('Gemm', [x, weight], { attributes: { transB: 1 } })
  }

  /** Rows of the embedding matrix, [B, S, dModel] of tokens [B, S]. */
  embed(tokens: Value): Value {
    const name = 'model.embed_tokens.weight'
    const { tiedEmbeddings, embeddingScale } = this.architecture
    const graph = this.#root
    const trained = this.#options.trained.get(name)
    const { dtype } = this.#options.weights.get(name) as WeightLocation
    // Of a matrix that is used here alone only the rows are turned into floats.
    const own = ({ F32: 'float32', F16: 'float16', BF16: 'bfloat16' } as const)[dtype]
    const matrix = trained ?? (tiedEmbeddings ? this.#weight(name) : this.#frozen.get(name, own))
    const rows = graph.node('Gather', [matrix, tokens])
    const floats =
      rows.type === 'float32' ? rows : graph.node('Cast', [rows], { attributes: { to: 1 } })
    return embeddingScale === 1 ? floats : graph.node('Mul', [floats, graph.scalar(embeddingScale)])
  }

  #weight(name: string): Value {
    return this.#options.trained.get(name) ?? this.#fed(name) ?? this.#frozen.get(name)
  }

  #bias(path: string): Value | null {
    const name = `${path}.bias`
    return this.#options.weights.has(name) ? this.#weight(name) : null
  }

  /** A weight that every run is given; undefined for those that are read in place. */
  #fed(name: string): Value | undefined {
    const known = this.#inputs.get(name)
    if (known !== undefined || this.#options.weights.get(name)?.dtype === 'F32') return known
    const { shape } = this.#options.weights.get(name) as WeightLocation
    const input = this.#root.input(weightInput(name), 'float32', shape)
    this.#inputs.set(name, input)
    return input
  }

  #trained(name: string): Value {
    return this.#options.trained.get(name) as Value
  }

  #frozenAdapter(path: string) {
    if (!this.#options.frozenAdapters.has(path)) return undefined
    let adapter = this.#adapters.get(path)
    if (adapter === undefined) {
      const { nIn, nOut } = this.#sizes.get(path) as { nIn: number; nOut: number }
      const names = adapterNames(path)
      adapter = {
        a: this.#root.input(names.a, 'float32', [`${path}.rank`, nIn]),
        b: this.#root.input(names.b, 'float32', [nOut, `${path}.rank`]),
      }
      this.#adapters.set(path, adapter)
    }
    return adapter
  }
}

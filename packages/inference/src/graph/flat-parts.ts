import type { Graph, Value } from '@cem/onnx-graph'
import { type Architecture, linearModules } from '../families/architecture.ts'
import type { QuantizedWeights } from '../precision/quantized-weight.ts'
import type { DecoderParts } from './decoder-blocks.ts'
import * as io from './io-names.ts'
import type { Norm } from './norms.ts'
import { quantizedProduct } from './quantized-product.ts'
import type { WeightLocation, WeightLocations } from './weight-source.ts'
import { WeightValues } from './weight-values.ts'

export interface FlatPartsOptions {
  readonly architecture: Architecture
  readonly weights: WeightLocations
  /** Weights that are used in 8 bits. @default none */
  readonly quantized?: QuantizedWeights | null | undefined
  /** Whether rows of one run can have different adapters. @default false */
  readonly hasLanes?: boolean
  /** A file's location as the model names it: its path relative to the folder that the session is given. */
  readonly locate: (file: string) => string
}

/** A decoder in float32, weights in their files' precision or in 8 bits, with adapters as inputs of each linear module. */
export class FlatParts implements DecoderParts {
  readonly architecture: Architecture
  readonly compute = 'float32'
  readonly #options: FlatPartsOptions
  readonly #weights: WeightValues
  readonly #modules: ReadonlyMap<string, { nIn: number; nOut: number }>

  constructor(root: Graph, options: FlatPartsOptions) {
    this.architecture = options.architecture
    this.#options = options
    this.#weights = new WeightValues(root, options)
    this.#modules = new Map(linearModules(options.architecture).map((m) => [m.path, m]))
  }

  norm(path: string): Norm {
    return this.#weights.norm(path)
  }

  /**
   * x W^T + bias + (x A^T) B^T, with A and B as inputs of any rank. Rank 0 adds exactly nothing, so the same session runs the
   * base alone. The adapters of several lanes are one of their summed rank, whose middle x A^T is set to zero where it is another
   * lane's; adding zeros changes nothing.
   */
  linear(graph: Graph, x: Value, path: string): Value {
    const { nIn, nOut } = this.#modules.get(path) as { nIn: number; nOut: number }
    const attributes = { transB: 1 }
    const base = this.#product(graph, x, `${path}.weight`, this.#weights.find(`${path}.bias`))
    const names = io.adapterNames(path)
    const a = graph.input(names.a, 'float32', [`${path}.rank`, nIn])
    const b = graph.input(names.b, 'float32', [nOut, `${path}.rank`])
    const all = graph.node('Gemm', [x, a], { attributes })
    const low =
      this.#options.hasLanes === true ? graph.node('Mul', [all, laneMask(graph, names.mask)]) : all
    return graph.node('Gemm', [low, b, base], { attributes })
  }

  head(graph: Graph, x: Value, name: string | null): Value {
    const { tiedEmbeddings } = this.architecture
    const weight = tiedEmbeddings ? 'model.embed_tokens.weight' : 'lm_head.weight'
    return this.#product(graph, x, weight, null, name)
  }

  /** x W^T + bias, in the weight's precision. */
  #product(
    graph: Graph,
    x: Value,
    name: string,
    bias: Value | null,
    output: string | null = null,
  ): Value {
    const { quantized, weights, locate } = this.#options
    const weight = quantized?.get(name)
    if (weight === undefined)
      return graph.node('Gemm', [x, this.#weights.get(name), bias], {
        attributes: { transB: 1 },
        ...(output === null ? {} : { name: output }),
      })
    const [nOut, nIn] = (weights.get(name) as WeightLocation).shape as [number, number]
    return quantizedProduct(graph, x, { name, weight, nIn, nOut, bias, locate })
  }
}

function laneMask(graph: Graph, name: string): Value {
  return graph.input(name, 'float32', [`${name}.tokens`, `${name}.rank`])
}

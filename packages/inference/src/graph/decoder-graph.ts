import { elementTypes, encodeModel, float, Graph, type Value } from '@cem/onnx-graph'
import {
  type Architecture,
  blockNorms,
  type LayerAttention,
  linearModules,
} from '../families/architecture.ts'
import type { QuantizedWeights } from '../precision/quantized-weight.ts'
import { addBlockEnd, interventionInputs } from './interventions.ts'
import * as io from './io-names.ts'
import { noiseNodes } from './noise-nodes.ts'
import { PlainAttention, type RopeInputs } from './plain-attention.ts'
import { quantizedProduct } from './quantized-product.ts'
import { addLogprobs, addSampling } from './readout.ts'
import type { WeightLocation, WeightLocations } from './weight-source.ts'

export interface DecoderGraphOptions {
  readonly architecture: Architecture
  readonly weights: WeightLocations
  /** Weights that are used in 8 bits. @default none */
  readonly quantized?: QuantizedWeights | null | undefined
  /** The tokenizer's number of tokens: ids from there on, which padding of the embedding matrix adds, are never sampled. */
  readonly nTokens: number
  /** Whether rows of one run can have different adapters. @default false */
  readonly hasLanes?: boolean
  /** A file's location as the model names it: its path relative to the folder that the session is given. */
  readonly locate: (file: string) => string
  /** Layers whose attention is computed from plain operators instead of the attention operator. @default none */
  readonly plainAttention?: ReadonlySet<number>
  /** Whether tokens of a large vocabulary are sampled by blocks: with operators that the CPU has. @default false */
  readonly samplesByBlocks?: boolean
}

export interface DecoderModel {
  readonly model: Uint8Array
  readonly noiseNodes: readonly string[]
}

/**
 * The one graph that serves prefill, decoding and scoring: embeddings in; keys and values written into the cache in place;
 * adapters, pooling weights and rows to read out as inputs. The weights stay in their files (external data).
 *
 * Embeddings are an input, so that the embedding matrix is in memory once (packed, for the output head) or, untied, not at
 * all: the few rows that a run needs are read from the file.
 */
export function buildDecoderGraph(options: DecoderGraphOptions): DecoderModel {
  const builder = new DecoderBuilder(options)
  builder.build()
  return { model: encodeModel(builder.graph), noiseNodes: noiseNodes(builder.graph) }
}

class DecoderBuilder {
  readonly graph = new Graph('decoder')
  readonly #architecture: Architecture
  readonly #weights: WeightLocations
  readonly #quantized: QuantizedWeights | null
  readonly #nTokens: number
  readonly #hasLanes: boolean
  readonly #locate: (file: string) => string
  readonly #plainAttention: PlainAttention
  readonly #samplesByBlocks: boolean
  readonly #rowsOf: ReadonlyMap<string, { nIn: number; nOut: number }>

  constructor({
    architecture,
    weights,
    quantized,
    nTokens,
    hasLanes = false,
    locate,
    plainAttention = new Set(),
    samplesByBlocks = false,
  }: DecoderGraphOptions) {
    this.#architecture = architecture
    this.#weights = weights
    this.#quantized = quantized ?? null
    this.#nTokens = nTokens
    this.#hasLanes = hasLanes
    this.#samplesByBlocks = samplesByBlocks
    this.#locate = locate
    this.#plainAttention = new PlainAttention(this.graph, architecture, plainAttention)
    this.#rowsOf = new Map(linearModules(architecture).map((m) => [m.path, m]))
  }

  build(): void {
    const { graph } = this
    const { nLayers, dModel, tiedEmbeddings } = this.#architecture
    const norms = blockNorms(this.#architecture)
    const embeddings = graph.input(io.inputs.embeddings, 'float32', ['B', 'S', dModel])
    const shared: AttentionInputs = {
      lastPositions: graph.input(io.inputs.lastPositions, 'int32', ['B']),
      totalLength: graph.input(io.inputs.totalLength, 'int32', []),
      ropes: this.#ropes(),
      // [B, S], to shape flat rows back with.
      batchShape: graph.node('Shape', [embeddings], {
        attributes: { end: 2 },
        types: [{ type: 'int64', shape: [2] }],
      }),
    }
    const poolWeights = graph.input(io.inputs.poolWeights, 'float32', ['P', 'T'])
    const interventions = interventionInputs(graph, dModel)
    let residual = this.#flatten(embeddings, dModel)
    let normed = this.#norm(residual, `model.layers.0.${norms.beforeAttention}`)
    for (let layer = 0; layer < nLayers; layer++) {
      const prefix = `model.layers.${layer}`
      const postNorm = (x: Value, name: string | null) =>
        name === null ? x : this.#norm(x, `${prefix}.${name}`)
      const attention = postNorm(this.#attention(normed, layer, shared), norms.afterAttention)
      const middle = this.#addAndNorm(residual, attention, `${prefix}.${norms.beforeMlp}`)
      const mlp = postNorm(this.#mlp(middle.normed, layer), norms.afterMlp)
      // The last block's norm is applied to the rows that are read out only.
      const next =
        layer + 1 < nLayers ? `model.layers.${layer + 1}.${norms.beforeAttention}` : undefined
      const end = addBlockEnd(graph, interventions, {
        layer,
        residual: middle.sum,
        update: mlp,
        norm:
          next === undefined ? null : { weight: this.#normWeight(next), epsilon: this.#epsilon },
        poolWeights,
        sums: graph.input(io.poolNames(layer).sums, 'float32', ['P', dModel]),
      })
      residual = end.residual
      normed = end.normed ?? normed
    }
    const rows = graph.input(io.inputs.logitRows, 'int64', ['N'])
    const final = this.#norm(graph.node('Gather', [residual, rows]), 'model.norm')
    const head = tiedEmbeddings ? 'model.embed_tokens.weight' : 'lm_head.weight'
    const { logitSoftCap } = this.#architecture
    // Under the output's own name: under another, every run would copy them.
    const raw = this.#product(final, head, null, logitSoftCap === null ? io.outputs.logits : null)
    const logits = this.#softCap(raw, logitSoftCap)
    graph.output(logits, io.outputs.logits)
    const { vocabSize } = this.#architecture
    const tokens = addSampling(graph, logits, vocabSize, this.#nTokens, this.#samplesByBlocks)
    addLogprobs(graph, logits, tokens)
  }

  #attention(x: Value, layer: number, shared: AttentionInputs): Value {
    const { graph } = this
    const {
      nHeads,
      nKvHeads,
      headDim,
      hasQueryKeyNorms,
      attentionSoftCap: softCap,
    } = this.#architecture
    const { window, rope } = this.#architecture.layers[layer] as LayerAttention
    const prefix = `model.layers.${layer}.self_attn`
    const project = (name: 'q' | 'k' | 'v', nHeadsOf: number) => {
      const flat = this.#linear(x, `${prefix}.${name}_proj`)
      const isNormed = hasQueryKeyNorms && name !== 'v'
      const heads = isNormed
        ? this.#norm(this.#flatten(flat, headDim), `${prefix}.${name}_norm`)
        : flat
      return this.#unflatten(heads, nHeadsOf * headDim, shared.batchShape)
    }
    const names = io.cacheNames(layer)
    const cacheShape = ['B', nKvHeads, 'C', headDim]
    const queries = project('q', nHeads)
    const [operatorContext, newKeys, newValues] = graph.nodeWithOutputs(
      'GroupQueryAttention',
      [
        queries,
        project('k', nKvHeads),
        project('v', nKvHeads),
        graph.input(names.keys, 'float32', cacheShape),
        graph.input(names.values, 'float32', cacheShape),
        shared.lastPositions,
        shared.totalLength,
        shared.ropes[rope]?.cosines as Value,
        shared.ropes[rope]?.sines as Value,
      ],
      {
        domain: 'com.microsoft',
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
    graph.output(newKeys, names.newKeys)
    graph.output(newValues, names.newValues)
    const rows = { queries, keys: newKeys, values: newValues }
    const context = this.#plainAttention.has(layer)
      ? this.#plainAttention.add(layer, rows, shared.ropes[rope] as RopeInputs)
      : operatorContext
    return this.#linear(this.#flatten(context, nHeads * headDim), `${prefix}.o_proj`)
  }

  /** The tables of the rotary embeddings, as inputs. */
  #ropes(): RopeInputs[] {
    const { ropes, headDim } = this.#architecture
    const table = (name: string) => this.graph.input(name, 'float32', ['R', headDim / 2])
    return ropes.map((_, rope) => {
      const names = io.ropeNames(rope)
      return { cosines: table(names.cosines), sines: table(names.sines) }
    })
  }

  /** A gated MLP: down(activation(gate(x)) * up(x)). */
  #mlp(x: Value, layer: number): Value {
    const { graph } = this
    const prefix = `model.layers.${layer}.mlp`
    const gate = this.#linear(x, `${prefix}.gate_proj`)
    const up = this.#linear(x, `${prefix}.up_proj`)
    return this.#linear(graph.node('Mul', [this.#activate(gate), up]), `${prefix}.down_proj`)
  }

  #activate(x: Value): Value {
    const { graph } = this
    if (this.#architecture.activation === 'silu')
      return graph.node('Mul', [x, graph.node('Sigmoid', [x])])
    return graph.node('Gelu', [x], {
      attributes: { approximate: 'tanh' },
      types: [{ type: x.type, shape: x.shape }],
    })
  }

  /** cap * tanh(x / cap) */
  #softCap(x: Value, cap: number | null): Value {
    const { graph } = this
    if (cap === null) return x
    const scalar = graph.scalar(cap)
    return graph.node('Mul', [graph.node('Tanh', [graph.node('Div', [x, scalar])]), scalar])
  }

  /**
   * x W^T + bias + (x A^T) B^T, with A and B as inputs of any rank. Rank 0 adds exactly nothing, so the same session runs the
   * base alone. The adapters of several lanes are one of their summed rank, whose middle x A^T is set to zero where it is another
   * lane's; adding zeros changes nothing.
   */
  #linear(x: Value, path: string): Value {
    const { graph } = this
    const { nIn, nOut } = this.#rowsOf.get(path) as { nIn: number; nOut: number }
    const bias = this.#weights.has(`${path}.bias`) ? this.#weight(`${path}.bias`) : null
    const attributes = { transB: 1 }
    const base = this.#product(x, `${path}.weight`, bias)
    const names = io.adapterNames(path)
    const a = graph.input(names.a, 'float32', [`${path}.rank`, nIn])
    const b = graph.input(names.b, 'float32', [nOut, `${path}.rank`])
    const all = graph.node('Gemm', [x, a], { attributes })
    const low = this.#hasLanes ? graph.node('Mul', [all, this.#laneMask(names.mask)]) : all
    return graph.node('Gemm', [low, b, base], { attributes })
  }

  #laneMask(name: string): Value {
    return this.graph.input(name, 'float32', [`${name}.tokens`, `${name}.rank`])
  }

  /** x W^T + bias, in the weight's precision. */
  #product(x: Value, name: string, bias: Value | null, output: string | null = null): Value {
    const { graph } = this
    const weight = this.#quantized?.get(name)
    if (weight === undefined)
      return graph.node('Gemm', [x, this.#weight(name), bias], {
        attributes: { transB: 1 },
        ...(output === null ? {} : { name: output }),
      })
    const [nOut, nIn] = (this.#weights.get(name) as WeightLocation).shape as [number, number]
    const locate = this.#locate
    return quantizedProduct(graph, x, { name, weight, nIn, nOut, bias, locate })
  }

  #norm(x: Value, path: string): Value {
    return this.graph.node('SimplifiedLayerNormalization', [x, this.#normWeight(path)], {
      attributes: { axis: -1, epsilon: this.#epsilon, stash_type: 1 },
    })
  }

  #addAndNorm(x: Value, y: Value, path: string): { normed: Value; sum: Value } {
    const [normed, , , sum] = this.graph.nodeWithOutputs(
      'SkipSimplifiedLayerNormalization',
      [x, y, this.#normWeight(path)],
      { domain: 'com.microsoft', attributes: { epsilon: this.#epsilon } },
    ) as [Value, Value, Value, Value]
    return { normed, sum }
  }

  /** 1 + weight is folded when the session loads. */
  #normWeight(path: string): Value {
    const weight = this.#weight(`${path}.weight`)
    if (this.#architecture.normWeight === 'as-stored') return weight
    return this.graph.node('Add', [weight, this.graph.scalar(1)])
  }

  get #epsilon() {
    return float(this.#architecture.rmsNormEpsilon)
  }

  /** A weight in place in its file; half-precision ones are cast once, when the session folds constants. */
  #weight(name: string): Value {
    const location = this.#weights.get(name) as WeightLocation
    const type = { F32: 'float32', F16: 'float16', BF16: 'bfloat16' } as const
    const value = this.graph.external(name, type[location.dtype], location.shape, {
      location: this.#locate(location.file),
      offsetBytes: location.byteOffset,
      lengthBytes: location.byteLength,
    })
    if (location.dtype === 'F32') return value
    return this.graph.node('Cast', [value], { attributes: { to: elementTypes.float32.code } })
  }

  #flatten(x: Value, size: number): Value {
    return this.graph.node('Reshape', [x, this.graph.integers([-1, size])])
  }

  #unflatten(x: Value, size: number, batchShape: Value): Value {
    const { graph } = this
    const shape = graph.node('Concat', [batchShape, graph.integers([size])], {
      attributes: { axis: 0 },
    })
    return graph.node('Reshape', [x, shape], {
      types: [{ type: 'float32', shape: ['B', 'S', size] }],
    })
  }
}

interface AttentionInputs {
  readonly lastPositions: Value
  readonly totalLength: Value
  readonly ropes: readonly RopeInputs[]
  readonly batchShape: Value
}

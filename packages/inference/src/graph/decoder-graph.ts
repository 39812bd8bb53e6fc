import { encodeModel, Graph, type Value } from '@cem/onnx-graph'
import { addBlockEnd } from './block-end.ts'
import { addBlocks, addLogits } from './decoder-blocks.ts'
import { FlatParts, type FlatPartsOptions } from './flat-parts.ts'
import { interventionInputs } from './interventions.ts'
import * as io from './io-names.ts'
import { noiseNodes } from './noise-nodes.ts'
import { sizesOf } from './operators.ts'
import { PlainAttention } from './plain-attention.ts'
import { addLogprobs, addSampling } from './readout.ts'
import { ropeInputs } from './rope-inputs.ts'

export interface DecoderGraphOptions extends FlatPartsOptions {
  /** The tokenizer's number of tokens: ids from there on, which padding of the embedding matrix adds, are never sampled. */
  readonly nTokens: number
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
  const graph = new Graph('decoder')
  addDecoder(graph, options)
  return { model: encodeModel(graph), noiseNodes: noiseNodes(graph) }
}

function addDecoder(graph: Graph, options: DecoderGraphOptions): void {
  const { architecture, nTokens, plainAttention = new Set(), samplesByBlocks = false } = options
  const { dModel, nKvHeads, headDim, vocabSize } = architecture
  const parts = new FlatParts(graph, options)
  const embeddings = graph.input(io.inputs.embeddings, 'float32', ['B', 'S', dModel])
  const poolWeights = graph.input(io.inputs.poolWeights, 'float32', ['P', 'T'])
  const interventions = interventionInputs(graph, architecture)
  const plain = new PlainAttention(graph, architecture, plainAttention)
  const cacheOf = (layer: number) => {
    const names = io.cacheNames(layer)
    const slots = (name: string) => graph.input(name, 'float32', ['B', nKvHeads, 'C', headDim])
    return { keys: slots(names.keys), values: slots(names.values) }
  }
  const { residual, caches } = addBlocks(graph, parts, {
    residual: graph.node('Reshape', [embeddings, graph.integers([-1, dModel])]),
    batchShape: sizesOf(graph, embeddings, 0, 2),
    lastPositions: graph.input(io.inputs.lastPositions, 'int32', ['B']),
    totalLength: graph.input(io.inputs.totalLength, 'int32', []),
    ropes: ropeInputs(graph, architecture),
    cacheOf,
    attend: (layer, rows) => (plain.has(layer) ? plain.add(layer, rows) : null),
    endBlock: (end) => {
      const names = io.poolNames(end.layer)
      const before = graph.input(names.sums, 'float32', ['P', dModel])
      // One small product a layer, which also masks and averages.
      const pool = (branch: Graph, states: Value) => [
        branch.node('Gemm', [poolWeights, states, before]),
      ]
      const result = addBlockEnd(graph, interventions, { ...end, pool, name: names.newSums })
      graph.output(result.sums[0] as Value)
      return result
    },
  })
  for (const [layer, { keys, values }] of caches.entries()) {
    const names = io.cacheNames(layer)
    graph.output(keys, names.newKeys)
    graph.output(values, names.newValues)
  }
  const rows = graph.input(io.inputs.logitRows, 'int64', ['N'])
  const read = graph.node('Gather', [residual, rows])
  // Under the output's own name: under another, every run would copy them.
  const logits = addLogits(graph, parts, read, io.outputs.logits)
  graph.output(logits, io.outputs.logits)
  const tokens = addSampling(graph, logits, vocabSize, nTokens, samplesByBlocks)
  addLogprobs(graph, logits, tokens)
}

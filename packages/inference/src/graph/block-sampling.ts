import type { Graph, Value } from '@cem/onnx-graph'
import { gumbelOfHash } from './gumbel-noise.ts'
import { cast } from './operators.ts'

/** Tokens that one bound is computed for. Smaller blocks have tighter bounds, larger ones are fewer. */
const blockSize = 32
/** Blocks of a row that are looked at token by token. */
const nKept = 256

export interface BlockSamplingOptions {
  /** float32 [N, vocabSize] */
  readonly logits: Value
  /** int32 [N, vocabSize]: the hash that a token's noise is made of, and grows with. */
  readonly hashed: Value
  /** float32 [N, 1] */
  readonly temperatures: Value
  readonly vocabSize: number
  /** Tokens from here on are never sampled. */
  readonly nTokens: number
}

export interface BlockSampling {
  /** int64 [N]: the tokens with the largest logit + temperature * gumbel, where `isProven`. */
  readonly tokens: Value
  /** bool: whether no token outside the blocks that were looked at can be larger, in any row. */
  readonly isProven: Value
}

/** Whether a vocabulary is whole blocks, and so many that looking at some of them saves time. */
export function canSampleByBlocks(vocabSize: number): boolean {
  return vocabSize % blockSize === 0 && vocabSize / blockSize >= 4 * nKept
}

/**
 * Gumbel-max sampling without the logarithms of most tokens. The noise grows with the hash, so a block's largest logit and
 * largest hash bound what its tokens can reach; only the blocks with the largest bounds are computed token by token, with
 * the same operators as the whole would be. The result is the whole's, and proven to be: otherwise `isProven` is false.
 */
export function addBlockSampling(graph: Graph, options: BlockSamplingOptions): BlockSampling {
  const { temperatures, vocabSize } = options
  const nBlocks = vocabSize / blockSize
  const logits = toBlocks(graph, options.logits, nBlocks)
  const hashes = toBlocks(graph, options.hashed, nBlocks)
  const noise = gumbelOfHash(graph, largest(graph, hashes, nBlocks))
  const bounds = graph.node('Sub', [
    largest(graph, logits, nBlocks),
    graph.node('Mul', [noise, temperatures]),
  ])
  const [values, blocks] = topK(graph, bounds, nKept + 1, 1)
  // In the order of the vocabulary: of equal tokens the first wins, as it does in the whole.
  const [kept] = topK(graph, columns(graph, blocks, 0, nKept), nKept, 0)
  const noisy = noisyTokens(graph, options, logits, hashes, kept)
  const best = graph.node('ReduceMax', [noisy, graph.integers([1])], {
    attributes: { keepdims: 1 },
    types: [{ type: 'float32', shape: ['N', 1] }],
  })
  // What rounding of the logarithms could make a bound too small by, and more.
  const margin = graph.node('Mul', [temperatures, graph.scalar(1e-3)])
  const rest = graph.node('Add', [columns(graph, values, nKept, nKept + 1), margin])
  return {
    tokens: tokensAt(graph, noisy, kept),
    isProven: all(graph, graph.node('Less', [rest, best])),
  }
}

/** logit + temperature * gumbel of the kept blocks' tokens: float32 [N, nKept * blockSize]. */
function noisyTokens(
  graph: Graph,
  { temperatures, vocabSize, nTokens }: BlockSamplingOptions,
  logits: Value,
  hashes: Value,
  kept: Value,
): Value {
  const places = graph.node('Unsqueeze', [kept, graph.integers([2])])
  const pick = (x: Value) =>
    graph.node('GatherND', [x, places], {
      attributes: { batch_dims: 1 },
      types: [{ type: x.type, shape: ['N', nKept, blockSize] }],
    })
  const noise = gumbelOfHash(graph, pick(hashes))
  const scaled = graph.node('Mul', [
    noise,
    graph.node('Unsqueeze', [temperatures, graph.integers([2])]),
  ])
  const noisy = graph.node('Sub', [pick(logits), scaled])
  const padding = new Float32Array(vocabSize).fill(Number.NEGATIVE_INFINITY, nTokens)
  const table = graph.constant('padding_tokens', padding, [vocabSize / blockSize, blockSize])
  const real = graph.node('Add', [
    noisy,
    graph.node('Gather', [table, kept], {
      types: [{ type: 'float32', shape: ['N', nKept, blockSize] }],
    }),
  ])
  return graph.node('Reshape', [real, graph.integers([-1, nKept * blockSize])], {
    types: [{ type: 'float32', shape: ['N', nKept * blockSize] }],
  })
}

/** The token ids [N] of the largest of the kept blocks' values. */
function tokensAt(graph: Graph, noisy: Value, kept: Value): Value {
  const position = graph.node('ArgMax', [noisy], {
    attributes: { axis: -1, keepdims: 1 },
    types: [{ type: 'int64', shape: ['N', 1] }],
  })
  const size = graph.constant('block_size', BigInt64Array.of(BigInt(blockSize)), [])
  const slot = graph.node('Div', [position, size])
  const inside = graph.node('Sub', [position, graph.node('Mul', [slot, size])])
  const block = graph.node('GatherElements', [kept, slot], { attributes: { axis: 1 } })
  const token = graph.node('Add', [graph.node('Mul', [block, size]), inside])
  return graph.node('Squeeze', [token, graph.integers([1])])
}

function toBlocks(graph: Graph, x: Value, nBlocks: number): Value {
  return graph.node('Reshape', [x, graph.integers([-1, nBlocks, blockSize])], {
    types: [{ type: x.type, shape: ['N', nBlocks, blockSize] }],
  })
}

/** Of each block: [N, nBlocks]. */
function largest(graph: Graph, blocks: Value, nBlocks: number): Value {
  return graph.node('ReduceMax', [blocks, graph.integers([2])], {
    attributes: { keepdims: 0 },
    types: [{ type: blocks.type, shape: ['N', nBlocks] }],
  })
}

/** The k largest or, with `isLargest` 0, smallest of each row, in that order, and where they are: [N, k] each. */
function topK(graph: Graph, x: Value, k: number, isLargest: 0 | 1): [values: Value, places: Value] {
  const shape = ['N', k]
  return graph.nodeWithOutputs('TopK', [x, graph.integers([k])], {
    attributes: { axis: 1, largest: isLargest },
    nOutputs: 2,
    types: [
      { type: x.type, shape },
      { type: 'int64', shape },
    ],
  }) as [Value, Value]
}

function columns(graph: Graph, x: Value, start: number, end: number): Value {
  const range = [graph.integers([start]), graph.integers([end]), graph.integers([1])]
  return graph.node('Slice', [x, ...range], {
    types: [{ type: x.type, shape: ['N', end - start] }],
  })
}

/** Whether all of [N, 1] are true: the runtime has no reduction of booleans. */
function all(graph: Graph, x: Value): Value {
  const least = graph.node('ReduceMin', [cast(graph, x, 'float32'), graph.integers([0, 1])], {
    attributes: { keepdims: 0 },
    types: [{ type: 'float32', shape: [] }],
  })
  return cast(graph, least, 'bool')
}

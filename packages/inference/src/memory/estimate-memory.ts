import { cacheRowBytes } from '../engine/row-bytes.ts'
import { type Architecture, expectedWeights } from '../families/architecture.ts'
import { int8, type Precision } from '../precision/precision.ts'
import { quantizableWeights } from '../precision/quantized-weight.ts'

export interface MemoryRequest {
  readonly precision?: Precision | undefined
  /** Answers in progress at once. @default 1 */
  readonly batch?: number | undefined
  /** Longest sequence in tokens: prompt, answer and what closes it. @default the prompt's */
  readonly positions?: number | undefined
  /** Longest prompt in tokens. @default 64 */
  readonly promptTokens?: number | undefined
  /** Whether hidden states are gathered. @default false */
  readonly capture?: boolean | undefined
}

/** Bytes of the engine's process, by part. */
export interface MemoryEstimate {
  /** Node and the runtime themselves. */
  readonly runtime: number
  /** As they lie in memory, packed for the kernels; half-precision files are 32-bit floats there. */
  readonly weights: number
  /** On top while loading: the largest matrix is there twice while it is packed. */
  readonly packing: number
  /** Keys and values of the batch and of a prompt, with the copy of them that the runtime's binding hands back from a step. */
  readonly keyValues: number
  /** Logits of the batch, and what sampling makes of them. */
  readonly logits: number
  /** A prompt's states inside a block, and sums of states. */
  readonly activations: number
  /** Runtime, weights and packing: what loading needs at its peak. */
  readonly loadPeak: number
  /** Runtime and weights. */
  readonly loaded: number
  /** What the batch adds to `loaded`. */
  readonly generation: number
  /** `loaded` and `generation`. */
  readonly total: number
}

const mebibyte = 2 ** 20

/** Resident after start, without weights: measured at 168 MiB (onnxruntime-node 1.30, Node 26, Linux x64), the same for models of 0.2 and 0.5 B. */
const runtimeBytes = 168 * mebibyte

/** What the first generation adds that does not grow with it: compiled code, buffers of messages. Measured: 20 to 40 MiB. */
const workingBytes = 32 * mebibyte

/** Arrays of a logit's size that sampling holds at once: logits, hashed noise, its logarithm, their sum. */
const logitCopies = 4

/**
 * Estimates the memory of the engine's process, before anything runs: sizes from the architecture alone, with constants measured
 * on two shapes (see the README for how near it comes).
 */
export function estimateMemory(
  architecture: Architecture,
  request: MemoryRequest = {},
): MemoryEstimate {
  const { precision = 'f32', batch = 1, promptTokens = 64, capture = false } = request
  const positions = Math.max(request.positions ?? promptTokens, promptTokens)
  const { weights, largest } = weightBytes(architecture, precision)
  // A batch has two rows at least.
  const rows = Math.max(2, batch)
  const cached =
    rows * cacheRowBytes(architecture, positions) + cacheRowBytes(architecture, promptTokens)
  const keyValues = 2 * cached
  const logits = rows * architecture.vocabSize * 4 * logitCopies
  const sums = capture ? 2 * rows * architecture.nLayers * architecture.dModel * 4 : 0
  const activations = workingBytes + promptBytes(architecture, promptTokens) + sums
  const loaded = runtimeBytes + weights
  const generation = keyValues + logits + activations
  return {
    runtime: runtimeBytes,
    weights,
    packing: largest,
    keyValues,
    logits,
    activations,
    loadPeak: loaded + largest,
    loaded,
    generation,
    total: loaded + generation,
  }
}

function weightBytes(architecture: Architecture, precision: Precision) {
  const quantizable = quantizableWeights(architecture)
  let weights = 0
  let largest = 0
  for (const [name, shape] of expectedWeights(architecture)) {
    // Rows of untied embeddings are read from their file.
    if (name === 'model.embed_tokens.weight' && !architecture.tiedEmbeddings) continue
    const count = shape.reduce((a, b) => a * b, 1)
    const isRounded = precision === 'int8' && quantizable.has(name)
    weights += isRounded ? packedInt8(count) : count * 4
    largest = Math.max(largest, count * (isRounded ? 1 : 4))
  }
  return { weights, largest }
}

/** A byte a weight; for each block the kernel keeps a scale and a sum, and the file's own scale and zero point stay mapped. */
function packedInt8(count: number): number {
  return count + (count / int8.blockSize) * (4 + 4 + 4 + 1)
}

/** The states of a prompt that one block holds at once, and the attention weights of all heads. */
function promptBytes(a: Architecture, promptTokens: number): number {
  const states = promptTokens * (3 * a.dFeedForward + 10 * a.dModel) * 4
  return states + a.nHeads * promptTokens * promptTokens * 4
}

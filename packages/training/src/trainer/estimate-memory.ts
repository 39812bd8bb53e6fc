import type { Architecture } from '@cem/inference'
import { expectedWeights } from '@cem/inference/graph'
import { type LoraMethod, loraModules } from '../adapters/lora-method.ts'
import { totalSize } from '../graph/flat-parameters.ts'
import { fullParameters, loraParameters } from '../graph/parameter-names.ts'
import type { FullMethod } from './options.ts'

export interface TrainingMemoryRequest {
  readonly method: LoraMethod | FullMethod
  /** Sequences that are computed together: of pairs, both responses. */
  readonly nRows: number
  /** Tokens of the longest of them. */
  readonly nTokens: number
  /** Tokens of a micro-batch that have a weight. @default all: nRows * nTokens */
  readonly nTargets?: number
  /** @default false */
  readonly recompute?: boolean
}

/** Bytes of the trainer's process, by part. */
export interface TrainingMemoryEstimate {
  /** Node and the runtime themselves. */
  readonly runtime: number
  /** Frozen weights as 32-bit floats; those of float32 files are read in place and count as soon as they are touched. */
  readonly weights: number
  /** Trained parameters, their gradient, both moments, and what a backward pass makes of them. */
  readonly parameters: number
  /** What the forward pass keeps for the backward pass, and what the largest block needs while it runs. */
  readonly activations: number
  /** Logits of the targets and their gradient. */
  readonly logits: number
  /** With what the runtime's arena takes on top of activations and logits. */
  readonly total: number
  /** Trained numbers. */
  readonly nParameters: number
}

/** Resident after opening a trainer of a tiny model (onnxruntime-node 1.30, Node 26, Linux x64): 210 MiB. */
const runtimeBytes = 210 * 2 ** 20
/** Copies of the parameters' size: values, gradient, two moments, and a micro-batch's own gradient. */
const parameterCopies = 5
const floatBytes = 4
/**
 * What the runtime's memory arena takes over what a pass needs. Measured at the 0.5B shape, rank 32 on all linear modules,
 * 1 x 512 tokens: 3.4 GiB with recomputation and 5.2 to 6.0 GiB without.
 */
const arenaShare = 1.35

/**
 * Estimates the memory of a training process from the architecture alone, for float32 on the CPU.
 *
 * @throws CemError `adapter-unsupported` where LoRA's targets match no module
 */
export function estimateTrainingMemory(
  architecture: Architecture,
  request: TrainingMemoryRequest,
): TrainingMemoryEstimate {
  const { method, nRows, nTokens, recompute = false } = request
  const { nTargets = nRows * nTokens } = request
  const isFull = method.type === 'full'
  const nParameters = totalSize(
    isFull ? fullParameters(architecture) : loraParameters(loraModules(method, architecture)),
  )
  const weights = isFull ? 0 : weightBytes(architecture)
  const parameters = nParameters * floatBytes * parameterCopies
  const block = blockBytes(architecture, nRows, nTokens)
  const residual = nRows * nTokens * architecture.dModel * floatBytes
  const kept = recompute ? residual * architecture.nLayers : block.kept * architecture.nLayers
  const working = block.working + (recompute ? block.kept : 0)
  const activations = kept + working
  const logits = 2 * nTargets * architecture.vocabSize * floatBytes
  // The head's values are gone when the blocks' backward passes begin, and theirs are not there before.
  const pass = arenaShare * (kept + Math.max(working, logits))
  const total = runtimeBytes + weights + parameters + pass
  return { runtime: runtimeBytes, weights, parameters, activations, logits, total, nParameters }
}

function weightBytes(architecture: Architecture): number {
  let bytes = 0
  for (const shape of expectedWeights(architecture).values())
    bytes += shape.reduce((a, b) => a * b, 1) * floatBytes
  return bytes
}

/**
 * Of one block. Kept: gate, its sigmoid, their product, up, and what goes into the last product; the attention's shares; about
 * ten states of the residual's size. Working: gradients of the widest of them.
 */
function blockBytes(a: Architecture, nRows: number, nTokens: number) {
  const tokens = nRows * nTokens
  const scores = nRows * a.nHeads * nTokens * nTokens * floatBytes
  const wide = tokens * a.dFeedForward * floatBytes
  const states = tokens * Math.max(a.dModel, a.nHeads * a.headDim) * floatBytes
  return { kept: 5 * wide + scores + 10 * states, working: 4 * wide + 3 * scores + 6 * states }
}

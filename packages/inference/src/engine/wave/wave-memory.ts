import type { Architecture } from '../../families/architecture.ts'

/**
 * How many times a wave's keys and values lie in the device's memory: what the loops are given, what they give, what is gathered
 * between them, and what the runtime's allocator loses. Measured on an H200 with ONNX Runtime 1.30 at the shape of Qwen2.5-7B,
 * 400 rows: 6.2 at 255 positions, 5.8 at 704.
 */
const cacheCopies = 6.5
/** Buffers of one number for each token of the vocabulary that are alive at once, 4 bytes each. */
const logitBuffers = 12
/** The share of the device's memory that is planned with. */
const usableShare = 0.95
/** The weights with what the runtime adds to them while it loads. Measured there: 17.1 GB for 15.2 GB. */
const weightFactor = 1.13

/** Bytes of a wave of one row, without the weights. */
export function waveRowBytes(architecture: Architecture, nPositions: number): number {
  const { nLayers, nKvHeads, headDim, vocabSize, dModel } = architecture
  const cache = 2 * nLayers * nKvHeads * headDim * 2 * nPositions
  const sums = 2 * nLayers * dModel * 4 * 4
  return cacheCopies * cache + logitBuffers * vocabSize * 4 + sums
}

/** How many rows of so many positions the device is estimated to hold beside the weights, at least 1. */
export function waveRows(
  architecture: Architecture,
  weightBytes: number,
  nPositions: number,
  totalBytes: number,
): number {
  const room = usableShare * totalBytes - weightFactor * weightBytes
  return Math.max(1, Math.floor(room / waveRowBytes(architecture, nPositions)))
}

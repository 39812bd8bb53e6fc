import { randomSource } from '@cem/core'
import type { Architecture } from '@cem/inference'
import { expectedWeights } from '@cem/inference/graph'

export interface InitialWeight {
  readonly name: string
  readonly shape: readonly number[]
  readonly data: Float32Array
}

/** Standard deviation of the embeddings, and of linear layers times the root of their inputs; measured on small models. */
const embeddingDeviation = 0.04
const linearDeviation = 0.7

/**
 * Random weights to train a small model from, by name in the order of the model. Normal numbers: embeddings with a standard
 * deviation of 0.04, linear layers 0.7 / sqrt(nIn), those that write to the residual stream (o_proj, down_proj) another
 * 1 / sqrt(2 nLayers), as GPT-2 has it. Norms multiply by 1, biases are 0. The numbers depend on the seed and the weight's name.
 */
export function initialWeights(architecture: Architecture, seed: number): InitialWeight[] {
  return Array.from(expectedWeights(architecture), ([name, shape]) => {
    const data = new Float32Array(shape.reduce((a, b) => a * b, 1))
    if (shape.length > 1) fillNormal(data, deviationOf(name, shape, architecture), seed, name)
    else if (name.endsWith('norm.weight') && architecture.normWeight === 'as-stored') data.fill(1)
    return { name, shape, data }
  })
}

function deviationOf(name: string, shape: readonly number[], { nLayers }: Architecture): number {
  if (name === 'model.embed_tokens.weight') return embeddingDeviation
  const plain = linearDeviation / Math.sqrt(shape[1] as number)
  return /\.(o_proj|down_proj)\.weight$/.test(name) ? plain / Math.sqrt(2 * nLayers) : plain
}

function fillNormal(out: Float32Array, deviation: number, seed: number, name: string): void {
  const source = randomSource('initial weight', seed, name)
  for (let i = 0; i < out.length; i++) out[i] = source.normal() * deviation
}

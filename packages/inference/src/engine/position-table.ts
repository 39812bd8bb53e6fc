import { CemError } from '@cem/core'
import type { Architecture } from '../families/architecture.ts'
import type { Rope } from '../families/rope.ts'
import { type RopeFrequencies, ropeFrequencies } from './rope-frequencies.ts'
import { floats, type Tensor } from './runtime.ts'

export interface PositionTensors {
  /** [nPositions, headDim / 2] */
  readonly cosines: Tensor
  readonly sines: Tensor
}

/** Cosines and sines of a rotary position embedding (Su et al., arXiv 2104.09864), grown as longer sequences come. */
export class PositionTable {
  readonly #maxPositions: number
  readonly #rope: RopeFrequencies
  #tensors: PositionTensors | undefined
  #nPositions = 0

  constructor({ headDim, maxPositions }: Architecture, rope: Rope) {
    this.#maxPositions = maxPositions
    this.#rope = ropeFrequencies(rope, headDim)
  }

  /** @throws CemError `sequence-too-long` */
  upTo(nPositions: number): PositionTensors {
    const maxPositions = this.#maxPositions
    if (nPositions > maxPositions)
      throw new CemError({
        code: 'sequence-too-long',
        message: `A sequence of ${nPositions} tokens (prompt, answer and closing) is longer than the ${maxPositions} that the model takes. Shorten the prompt or maxNewTokens.`,
        data: { nPositions, maxPositions },
      })
    if (this.#tensors === undefined || nPositions > this.#nPositions) {
      this.#nPositions = Math.min(
        maxPositions,
        Math.max(256, 2 ** Math.ceil(Math.log2(nPositions))),
      )
      this.#tensors = this.#compute(this.#nPositions)
    }
    return this.#tensors
  }

  /** In 32-bit steps, as Transformers computes them, so that long positions round alike. */
  #compute(n: number): PositionTensors {
    const { frequencies, factor } = this.#rope
    const half = frequencies.length
    const cosines = new Float32Array(n * half)
    const sines = new Float32Array(n * half)
    for (const [i, frequency] of frequencies.entries())
      for (let position = 0; position < n; position++) {
        const angle = Math.fround(position * frequency)
        cosines[position * half + i] = Math.fround(Math.cos(angle)) * factor
        sines[position * half + i] = Math.fround(Math.sin(angle)) * factor
      }
    return { cosines: floats(cosines, [n, half]), sines: floats(sines, [n, half]) }
  }
}

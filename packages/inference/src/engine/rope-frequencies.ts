import type { Rope, RopeScaling } from '../families/rope.ts'

export interface RopeFrequencies {
  /** Radians a position for each pair of dimensions, [headDim / 2]. */
  readonly frequencies: Float32Array
  /** What cosines and sines are multiplied by. */
  readonly factor: number
}

const { fround } = Math

/**
 * The frequencies of a rotary embedding, theta^(-2i / headDim) (Su et al., arXiv 2104.09864), scaled. In 32-bit steps, as
 * Transformers computes them (`ROPE_INIT_FUNCTIONS`), so that long positions round alike.
 */
export function ropeFrequencies({ theta, scaling }: Rope, headDim: number): RopeFrequencies {
  const half = headDim / 2
  const powers = Float32Array.from({ length: half }, (_, i) => theta ** fround((2 * i) / headDim))
  const plain = powers.map((power) => 1 / power)
  switch (scaling?.type) {
    case undefined:
      return { frequencies: plain, factor: 1 }
    case 'linear':
      return { frequencies: plain.map((f) => f / fround(scaling.factor)), factor: 1 }
    case 'llama3':
      return { frequencies: plain.map((f) => llama3Frequency(f, scaling)), factor: 1 }
    case 'yarn': {
      const ramp = yarnRamp(theta, headDim, scaling)
      const frequencies = plain.map((f, i) => {
        const interpolated = fround(1 / fround(fround(scaling.factor) * (powers[i] as number)))
        const share = ramp[i] as number
        return fround(interpolated * fround(1 - share)) + fround(f * share)
      })
      return { frequencies, factor: fround(scaling.attentionFactor) }
    }
  }
}

/**
 * Llama 3.1 (arXiv 2407.21783; the formula is in the model's published code): wavelengths beyond the original length over
 * `low` are stretched by the factor, those below the length over `high` are kept, and those between are a mixture.
 */
function llama3Frequency(
  frequency: number,
  scaling: Extract<RopeScaling, { type: 'llama3' }>,
): number {
  const { factor, lowFrequencyFactor: low, highFrequencyFactor: high } = scaling
  const length = scaling.originalMaxPositions
  const wavelength = fround(fround(2 * Math.PI) / frequency)
  if (wavelength < length / high) return frequency
  if (wavelength > length / low) return frequency / fround(factor)
  const kept = fround(fround(fround(length / wavelength) - low) / fround(high - low))
  const stretched = fround(fround(fround(1 - kept) * frequency) / fround(factor))
  return stretched + fround(kept * frequency)
}

/**
 * YaRN's "NTK by parts" (Peng et al., arXiv 2309.00071, section 3.2): the share of each frequency that is kept, 1 for those
 * that turn at least `betaFast` times over the original length, 0 for those below `betaSlow`, a ramp over the dimensions
 * between.
 */
function yarnRamp(
  theta: number,
  headDim: number,
  scaling: Extract<RopeScaling, { type: 'yarn' }>,
): Float32Array {
  const { originalMaxPositions, betaFast, betaSlow, truncate } = scaling
  const dimension = (turns: number) =>
    (headDim * Math.log(originalMaxPositions / (turns * 2 * Math.PI))) / (2 * Math.log(theta))
  const [start, end] = [dimension(betaFast), dimension(betaSlow)]
  const low = Math.max(truncate ? Math.floor(start) : start, 0)
  const high = Math.min(truncate ? Math.ceil(end) : end, headDim - 1)
  // A ramp of no width would divide by zero; Transformers widens it by this much.
  const width = fround(low === high ? 0.001 : high - low)
  return Float32Array.from({ length: headDim / 2 }, (_, i) => {
    const ramp = fround(fround(i - fround(low)) / width)
    return fround(1 - Math.min(1, Math.max(0, ramp)))
  })
}

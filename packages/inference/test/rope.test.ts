import { describe, expect, test } from 'vitest'
import { ropeFrequencies } from '../src/engine/rope-frequencies.ts'
import { readRope } from '../src/families/rope.ts'

/**
 * Frequencies and the factor of cosines and sines that `ROPE_INIT_FUNCTIONS` of Transformers 5.23.0 (modeling_rope_utils.py)
 * gives for a head size of 16 and `max_position_embeddings` 8192, to nine digits.
 */
const cases = [
  {
    name: 'linear: every frequency divided by the factor',
    settings: { rope_type: 'linear', rope_theta: 1e4, factor: 4 },
    expected: [
      0.25, 0.079056941, 0.0250000004, 0.00790569466, 0.00249999994, 0.000790569466, 0.000250000012,
      7.90569466e-5,
    ],
    factor: 1,
  },
  {
    name: 'dynamic: the plain frequencies, up to the model’s length',
    settings: { rope_type: 'dynamic', rope_theta: 1e4, factor: 4 },
    expected: [
      1, 0.316227764, 0.100000001, 0.0316227786, 0.00999999978, 0.00316227786, 0.00100000005,
      0.000316227786,
    ],
    factor: 1,
  },
  {
    name: 'llama3, with the numbers of Llama 3.1',
    settings: {
      rope_type: 'llama3',
      rope_theta: 5e5,
      factor: 8,
      low_freq_factor: 1,
      high_freq_factor: 4,
      original_max_position_embeddings: 8192,
    },
    expected: [
      1, 0.193922758, 0.0376060307, 0.00729266508, 0.000524846022, 3.42810235e-5, 6.64786967e-6,
      1.28917316e-6,
    ],
    factor: 1,
  },
  {
    name: 'llama3, with a wavelength between the two bounds',
    settings: {
      rope_type: 'llama3',
      rope_theta: 1e4,
      factor: 32,
      low_freq_factor: 1,
      high_freq_factor: 4,
      original_max_position_embeddings: 256,
    },
    expected: [
      1, 0.316227764, 0.100000001, 0.0039334991, 0.000312499993, 9.88211832e-5, 3.12500015e-5,
      9.88211832e-6,
    ],
    factor: 1,
  },
  {
    name: 'yarn, with the factor of attention 0.1 ln(4) + 1',
    settings: {
      rope_type: 'yarn',
      rope_theta: 1e4,
      factor: 4,
      original_max_position_embeddings: 2048,
    },
    expected: [
      1, 0.316227764, 0.100000001, 0.025693506, 0.00624999963, 0.00138349656, 0.000250000012,
      7.90569466e-5,
    ],
    factor: 1.138629436111989,
  },
  {
    name: 'yarn without rounding of the ramp',
    settings: {
      rope_type: 'yarn',
      rope_theta: 1e4,
      factor: 4,
      original_max_position_embeddings: 2048,
      truncate: false,
    },
    expected: [
      1, 0.316227764, 0.100000001, 0.0238701962, 0.00505697168, 0.000811290462, 0.000250000012,
      7.90569466e-5,
    ],
    factor: 1.138629436111989,
  },
  {
    name: 'yarn with other bounds and both mscale keys',
    settings: {
      rope_type: 'yarn',
      rope_theta: 1e4,
      factor: 40,
      original_max_position_embeddings: 4096,
      beta_fast: 16,
      beta_slow: 2,
      mscale: 0.8,
      mscale_all_dim: 1,
    },
    expected: [
      1, 0.316227764, 0.100000001, 0.0316227786, 0.00674999924, 0.00110679714, 2.49999994e-5,
      7.90569447e-6,
    ],
    factor: 0.9461039968029624,
  },
  {
    name: 'yarn with a given factor of attention',
    settings: {
      rope_type: 'yarn',
      rope_theta: 1e6,
      factor: 4,
      original_max_position_embeddings: 32768,
      attention_factor: 1,
    },
    expected: [
      1, 0.177827939, 0.0316227786, 0.00421755994, 0.000500000024, 4.44569851e-5, 7.90569356e-6,
      1.40585337e-6,
    ],
    factor: 1,
  },
] as const

describe('rotary frequencies are those of Transformers', () => {
  test.each(cases)('$name', ({ settings, expected, factor }) => {
    const { ropes } = readRope({ max_position_embeddings: 8192, rope_parameters: settings })
    const found = ropeFrequencies(ropes[0] as (typeof ropes)[number], 16)
    expect(found.frequencies).toHaveLength(expected.length)
    // Two units in the last place of a 32-bit float: the powers come from another mathematics library.
    for (const [i, value] of expected.entries())
      expect(Math.abs((found.frequencies[i] as number) / value - 1)).toBeLessThan(2.4e-7)
    expect(found.factor).toBe(Math.fround(factor))
  })
})

describe('the length that a model takes', () => {
  const yarn = { rope_type: 'yarn', factor: 4, original_max_position_embeddings: 1000 } as const

  test('grows with yarn, also where max_position_embeddings is the original length', () => {
    const maxPositions = (n: number) =>
      readRope({ max_position_embeddings: n, rope_scaling: yarn }).maxPositions
    expect(maxPositions(1000)).toBe(4000)
    expect(maxPositions(5000)).toBe(5000)
  })

  test('stays with dynamic, whose frequencies change beyond it', () => {
    const dynamic = { ...yarn, rope_type: 'dynamic' } as const
    expect(readRope({ max_position_embeddings: 1000, rope_scaling: dynamic }).maxPositions).toBe(
      1000,
    )
  })
})

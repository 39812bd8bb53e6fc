import { floats, int64s, type Tensor } from '@cem/inference/runtime'
import { stepInputs } from '../graph/step-names.ts'
import type { SequenceSpec } from './trainer-messages.ts'

/** Sequences side by side, padded on the right, and the tokens of them that are predicted. */
export interface PaddedBatch {
  readonly nRows: number
  readonly nColumns: number
  readonly feeds: Record<string, Tensor>
  /** Predicted tokens in order: which sequence and position each is, [nTargets]. */
  readonly sequenceOf: Int32Array
  readonly positionOf: Int32Array
  readonly nTargets: number
  /** Without padding. */
  readonly nTokens: number
}

/** A token with a weight is predicted from the state of the one before it. */
export function padBatch(sequences: readonly SequenceSpec[]): PaddedBatch {
  const nRows = sequences.length
  const nColumns = sequences.reduce((most, { tokens }) => Math.max(most, tokens.length), 0)
  const tokens = new BigInt64Array(nRows * nColumns)
  const places: { row: number; position: number }[] = []
  for (const [row, sequence] of sequences.entries()) {
    for (const [position, token] of sequence.tokens.entries())
      tokens[row * nColumns + position] = BigInt(token)
    for (const [position, weight] of sequence.weights.entries())
      if (weight !== 0) places.push({ row, position })
  }
  const nTargets = places.length
  const rows = BigInt64Array.from(places, ({ row, position }) =>
    BigInt(row * nColumns + position - 1),
  )
  const targets = BigInt64Array.from(
    places,
    ({ row, position }) => tokens[row * nColumns + position] as bigint,
  )
  return {
    nRows,
    nColumns,
    nTargets,
    feeds: {
      [stepInputs.tokens]: int64s(tokens, [nRows, nColumns]),
      [stepInputs.rows]: int64s(rows, [nTargets]),
      [stepInputs.targets]: int64s(targets, [nTargets]),
    },
    sequenceOf: Int32Array.from(places, ({ row }) => row),
    positionOf: Int32Array.from(places, ({ position }) => position),
    nTokens: sequences.reduce((sum, sequence) => sum + sequence.tokens.length, 0),
  }
}

/** A number for each predicted token as an input [nTargets, 1]. */
export function targetColumn(
  { nTargets, sequenceOf, positionOf }: PaddedBatch,
  value: (sequence: number, position: number) => number,
): Tensor {
  const column = new Float32Array(nTargets)
  for (let i = 0; i < nTargets; i++)
    column[i] = value(sequenceOf[i] as number, positionOf[i] as number)
  return floats(column, [nTargets, 1])
}

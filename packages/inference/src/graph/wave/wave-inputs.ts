import type { Graph, Value } from '@cem/onnx-graph'
import { inputs } from './wave-names.ts'

export type WaveInputs = Readonly<Record<keyof typeof inputs, Value>>

export function waveInputs(root: Graph): WaveInputs {
  return {
    promptTokens: root.input(inputs.promptTokens, 'int64', ['P', 'S']),
    promptLasts: root.input(inputs.promptLasts, 'int32', ['P']),
    promptLength: root.input(inputs.promptLength, 'int32', []),
    rows: root.input(inputs.rows, 'int64', ['R']),
    rowPrompts: root.input(inputs.rowPrompts, 'int64', ['R']),
    firstTokens: root.input(inputs.firstTokens, 'int64', ['R']),
    firstLengths: root.input(inputs.firstLengths, 'int32', ['R']),
    firstTotal: root.input(inputs.firstTotal, 'int32', []),
    maxSegments: root.input(inputs.maxSegments, 'int64', []),
    maxNewTokens: root.input(inputs.maxNewTokens, 'int32', []),
    stopTokens: root.input(inputs.stopTokens, 'int64', [1, 'K']),
    closingTokens: root.input(inputs.closingTokens, 'int64', ['C']),
    nClosing: root.input(inputs.nClosing, 'int32', []),
    lastClosing: root.input(inputs.lastClosing, 'int64', []),
    noiseKeysA: root.input(inputs.noiseKeysA, 'int32', ['T', 'R']),
    noiseKeysB: root.input(inputs.noiseKeysB, 'int32', ['T', 'R']),
    temperatures: root.input(inputs.temperatures, 'float32', ['R']),
    isTruncating: root.input(inputs.isTruncating, 'bool', []),
    topKs: root.input(inputs.topKs, 'int64', ['R']),
    tails: root.input(inputs.tails, 'float32', ['R']),
    poolWeights: root.input(inputs.poolWeights, 'float32', ['Q', 'P * S']),
    logitRows: root.input(inputs.logitRows, 'int64', ['M']),
    targets: root.input(inputs.targets, 'int64', ['M']),
    edgeTerms: root.input(inputs.edgeTerms, 'float32', ['I', 'R', 4]),
    answerTerms: root.input(inputs.answerTerms, 'float32', ['I', 'R', 4]),
  }
}

/** Numbers that the graph's parts share. */
export interface WaveConstants {
  /** int32 scalar */
  readonly zeroInt: Value
  /** int64 scalars */
  readonly zeroLong: Value
  readonly oneLong: Value
  /** -1 */
  readonly noToken: Value
  /** float32 scalar */
  readonly zeroFloat: Value
}

export function waveConstants(root: Graph): WaveConstants {
  const long = (name: string, value: bigint) => root.constant(name, BigInt64Array.of(value), [])
  return {
    zeroInt: root.constant('zero_int', Int32Array.of(0), []),
    zeroLong: long('zero_long', 0n),
    oneLong: long('one_long', 1n),
    noToken: long('no_token', -1n),
    zeroFloat: root.constant('zero_float', Float32Array.of(0), []),
  }
}

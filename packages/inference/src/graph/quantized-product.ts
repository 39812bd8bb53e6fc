import type { Graph, Value } from '@cem/onnx-graph'
import { int8 } from '../precision/precision.ts'
import type { FilePart, QuantizedWeight } from '../precision/quantized-weight.ts'

export interface QuantizedProductOptions {
  /** The weight's name. */
  readonly name: string
  readonly weight: QuantizedWeight
  /** Sizes of the weight [nOut, nIn]. */
  readonly nIn: number
  readonly nOut: number
  readonly bias: Value | null
  readonly locate: (file: string) => string
}

/** x W^T + bias with W in 8 bits, its parts in place in their file: [rows, nIn] to [rows, nOut]. */
export function quantizedProduct(graph: Graph, x: Value, options: QuantizedProductOptions): Value {
  const { name, weight, nIn, nOut, bias, locate } = options
  const part = (suffix: string, type: 'uint8' | 'float32', at: FilePart) =>
    graph.external(`${name}.${suffix}`, type, at.shape, {
      location: locate(at.file),
      offsetBytes: at.byteOffset,
      lengthBytes: at.byteLength,
    })
  return graph.node(
    'MatMulNBits',
    [
      x,
      part('values', 'uint8', weight.values),
      part('scales', 'float32', weight.scales),
      part('zero_points', 'uint8', weight.zeroPoints),
      ...(bias === null ? [] : [null, bias]),
    ],
    {
      domain: 'com.microsoft',
      attributes: {
        K: nIn,
        N: nOut,
        bits: int8.bits,
        block_size: int8.blockSize,
        accuracy_level: int8.accuracyLevel,
      },
      types: [{ type: 'float32', shape: [x.shape?.[0] ?? '?', nOut] }],
    },
  )
}

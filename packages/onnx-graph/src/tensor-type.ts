import { CemError } from '@cem/core'

/** ONNX element types with their codes in `TensorProto.DataType` and widths in bytes. */
export const elementTypes = {
  float32: { code: 1, sizeBytes: 4 },
  uint8: { code: 2, sizeBytes: 1 },
  int8: { code: 3, sizeBytes: 1 },
  uint16: { code: 4, sizeBytes: 2 },
  int16: { code: 5, sizeBytes: 2 },
  int32: { code: 6, sizeBytes: 4 },
  int64: { code: 7, sizeBytes: 8 },
  bool: { code: 9, sizeBytes: 1 },
  float16: { code: 10, sizeBytes: 2 },
  float64: { code: 11, sizeBytes: 8 },
  uint32: { code: 12, sizeBytes: 4 },
  uint64: { code: 13, sizeBytes: 8 },
  bfloat16: { code: 16, sizeBytes: 2 },
} as const

export type ElementType = keyof typeof elementTypes

/** A size, or the name of one that is known when the graph runs. `'?'` is a size that nothing is known of. */
export type Dim = number | string
export type Shape = readonly Dim[]

export interface TensorType {
  readonly type: ElementType
  /** Undefined: not even the rank is known, and nothing is checked. */
  readonly shape: Shape | undefined
}

/** `[2, rows, 64]`, for messages. */
export function formatShape(shape: Shape | undefined): string {
  return shape === undefined ? '[...]' : `[${shape.join(', ')}]`
}

/** What two sizes that must agree are, or undefined where they contradict each other. Names agree with everything. */
export function agree(a: Dim, b: Dim): Dim | undefined {
  if (a === b) return a
  if (typeof a === 'number' && typeof b === 'number') return undefined
  if (typeof a === 'number') return a
  if (typeof b === 'number') return b
  return a === '?' ? b : b === '?' ? a : '?'
}

/** The shape of an elementwise result under ONNX's (numpy's) broadcasting, or undefined where the shapes do not fit. */
export function broadcast(a: Shape, b: Shape): Shape | undefined {
  const rank = Math.max(a.length, b.length)
  const shape: Dim[] = []
  for (let i = 0; i < rank; i++) {
    const x = a[a.length - rank + i] ?? 1
    const y = b[b.length - rank + i] ?? 1
    const dim = x === 1 ? y : y === 1 ? x : agree(x, y)
    if (dim === undefined) return undefined
    shape.push(dim)
  }
  return shape
}

/** The number of elements; undefined where a size has only a name. */
export function elementCount(shape: Shape): number | undefined {
  let count = 1
  for (const dim of shape) {
    if (typeof dim !== 'number') return undefined
    count *= dim
  }
  return count
}

/** An axis counted from the end made one counted from the start. */
export function normalizeAxis(axis: number, rank: number, where: string): number {
  const index = axis < 0 ? axis + rank : axis
  if (!Number.isInteger(index) || index < 0 || index >= rank)
    throw new CemError({
      code: 'onnx-shape-mismatch',
      message: `${where}: axis ${axis} is outside a tensor of rank ${rank}.`,
      data: { axis, rank },
    })
  return index
}

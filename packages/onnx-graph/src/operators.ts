import { CemError } from '@cem/core'
import type { Attributes, Graph, Value } from './graph.ts'
import {
  agree,
  broadcast,
  type Dim,
  type ElementType,
  elementCount,
  elementTypes,
  formatShape,
  normalizeAxis,
  type Shape,
  type TensorType,
} from './tensor-type.ts'

export interface InferenceRequest {
  readonly operator: string
  readonly nodeName: string
  readonly inputs: readonly (Value | null)[]
  readonly attributes: Attributes
  readonly nOutputs: number | undefined
}

/** One operator's inputs and attributes, with the checks that most operators share. */
class Call {
  readonly where: string
  readonly #request: InferenceRequest

  constructor(request: InferenceRequest) {
    this.#request = request
    this.where = `${request.nodeName} (${request.operator})`
  }

  get nOutputs(): number | undefined {
    return this.#request.nOutputs
  }

  get inputs(): readonly (Value | null)[] {
    return this.#request.inputs
  }

  input(index: number): Value {
    const value = this.optional(index)
    if (value === undefined) throw this.error(`input ${index} is missing`)
    return value
  }

  optional(index: number): Value | undefined {
    return this.#request.inputs[index] ?? undefined
  }

  integer(key: string, fallback: number): number {
    const value = this.#request.attributes[key] ?? fallback
    if (typeof value !== 'number') throw this.error(`the attribute ${key} must be an integer`)
    return value
  }

  integers(key: string): readonly number[] | undefined {
    const value = this.#request.attributes[key]
    return Array.isArray(value) ? value : undefined
  }

  graph(key: string): Graph {
    const value = this.#request.attributes[key]
    if (typeof value !== 'object' || !('nodes' in value))
      throw this.error(`the attribute ${key} must be a graph`)
    return value
  }

  sameType(...values: readonly Value[]): ElementType {
    const [first] = values
    for (const value of values)
      if (first !== undefined && value.type !== first.type)
        throw new CemError({
          code: 'onnx-type-mismatch',
          message: `${this.where}: ${first.name} is ${first.type} and ${value.name} is ${value.type}; they must be the same.`,
          data: { types: values.map((v) => v.type) },
        })
    return (first as Value).type
  }

  rank(value: Value, rank: number): Shape | undefined {
    if (value.shape !== undefined && value.shape.length !== rank)
      throw this.error(`${value.name} ${formatShape(value.shape)} must have rank ${rank}`)
    return value.shape
  }

  dims(a: Dim | undefined, b: Dim | undefined, what: string): Dim {
    const dim = agree(a ?? '?', b ?? '?')
    if (dim === undefined) throw this.error(`${what}: ${a} is not ${b}`)
    return dim
  }

  error(reason: string): CemError {
    const shapes = this.#request.inputs
      .map((v) => (v === null ? '-' : `${v.name} ${formatShape(v.shape)}`))
      .join(', ')
    return new CemError({
      code: 'onnx-shape-mismatch',
      message: `${this.where}: ${reason}. Its inputs are: ${shapes}.`,
      data: { node: this.where },
    })
  }
}

type Rule = (call: Call) => TensorType[]

const sameAsFirst: Rule = (call) => [typeOf(call.input(0))]

const elementwise: Rule = (call) => {
  const a = call.input(0)
  const b = call.input(1)
  return [{ type: call.sameType(a, b), shape: broadcastInputs(call, [a, b]) }]
}

const elementwiseShape = (call: Call) => broadcastInputs(call, [call.input(0), call.input(1)])

const comparison: Rule = (call) => [{ type: 'bool', shape: elementwise(call)[0]?.shape }]

const reduction: Rule = (call) => {
  const x = call.input(0)
  const axes = call.optional(1)?.integers ?? call.integers('axes')
  const keep = call.integer('keepdims', 1) === 1
  return [{ type: x.type, shape: reduceShape(call, x.shape, axes, keep) }]
}

const argReduction: Rule = (call) => {
  const keep = call.integer('keepdims', 1) === 1
  const shape = reduceShape(call, call.input(0).shape, [call.integer('axis', 0)], keep)
  return [{ type: 'int64', shape }]
}

const rules: Readonly<Record<string, Rule>> = {
  Add: elementwise,
  Sub: elementwise,
  Mul: elementwise,
  Div: elementwise,
  Min: elementwise,
  Max: elementwise,
  BitwiseXor: elementwise,
  BitwiseAnd: elementwise,
  BitShift: elementwise,
  And: elementwise,
  Or: elementwise,
  Less: comparison,
  LessOrEqual: comparison,
  Greater: comparison,
  GreaterOrEqual: comparison,
  Equal: comparison,
  Identity: sameAsFirst,
  Neg: sameAsFirst,
  Exp: sameAsFirst,
  Log: sameAsFirst,
  Sqrt: sameAsFirst,
  Reciprocal: sameAsFirst,
  Sigmoid: sameAsFirst,
  Gelu: sameAsFirst,
  QuickGelu: sameAsFirst,
  Tanh: sameAsFirst,
  Not: sameAsFirst,
  Softplus: sameAsFirst,
  Erf: sameAsFirst,
  Pow: (call) => [{ type: call.input(0).type, shape: elementwiseShape(call) }],
  Softmax: sameAsFirst,
  LogSoftmax: sameAsFirst,
  RotaryEmbedding: sameAsFirst,
  ScatterElements: sameAsFirst,
  Size: () => [{ type: 'int64', shape: [] }],
  CumSum: sameAsFirst,
  ReduceSum: reduction,
  ReduceMax: reduction,
  ReduceMean: reduction,
  ReduceMin: reduction,
  ReduceLogSumExp: reduction,
  ReduceSumSquare: reduction,
  ReduceL2: reduction,
  ArgMax: argReduction,

  Where: (call) => {
    const [condition, a, b] = [call.input(0), call.input(1), call.input(2)]
    return [{ type: call.sameType(a, b), shape: broadcastInputs(call, [condition, a, b]) }]
  },

  Cast: (call) => {
    const code = call.integer('to', 0)
    const type = Object.entries(elementTypes).find(([, t]) => t.code === code)?.[0]
    if (type === undefined)
      throw call.error(`the attribute to is ${code}, which is no element type`)
    return [{ type: type as ElementType, shape: call.input(0).shape }]
  },

  Shape: (call) => {
    const rank = call.input(0).shape?.length
    if (rank === undefined) return [{ type: 'int64', shape: ['?'] }]
    const axis = (key: string, fallback: number) => {
      const value = call.integer(key, fallback)
      return Math.min(rank, Math.max(0, value < 0 ? value + rank : value))
    }
    return [{ type: 'int64', shape: [Math.max(0, axis('end', rank) - axis('start', 0))] }]
  },

  Gemm: (call) => {
    const [a, b] = [call.input(0), call.input(1)]
    const bias = call.optional(2)
    const type = call.sameType(a, b, ...(bias === undefined ? [] : [bias]))
    const [rows, innerA] = maybeSwap(call.rank(a, 2), call.integer('transA', 0))
    const [innerB, columns] = maybeSwap(call.rank(b, 2), call.integer('transB', 0))
    call.dims(innerA, innerB, 'inner sizes')
    const shape = [rows, columns]
    if (bias?.shape !== undefined && broadcast(shape, bias.shape)?.length !== 2)
      throw call.error(`the third input does not broadcast to ${formatShape(shape)}`)
    return [{ type, shape }]
  },

  MatMul: (call) => {
    const [a, b] = [call.input(0), call.input(1)]
    const type = call.sameType(a, b)
    if (a.shape === undefined || b.shape === undefined) return [{ type, shape: undefined }]
    if (a.shape.length < 2 || b.shape.length < 2) throw call.error('inputs need rank 2 or more')
    call.dims(a.shape.at(-1), b.shape.at(-2), 'inner sizes')
    const batch = broadcast(a.shape.slice(0, -2), b.shape.slice(0, -2))
    if (batch === undefined) throw call.error('batch sizes do not broadcast')
    return [{ type, shape: [...batch, a.shape.at(-2) as Dim, b.shape.at(-1) as Dim] }]
  },

  /** MatMul with the last two axes of its inputs exchanged where `transA` and `transB` say so. */
  FusedMatMul: (call) => {
    const [a, b] = [call.input(0), call.input(1)]
    const type = call.sameType(a, b)
    if (a.shape === undefined || b.shape === undefined) return [{ type, shape: undefined }]
    if (a.shape.length < 2 || b.shape.length < 2) throw call.error('inputs need rank 2 or more')
    const [rows, innerA] = maybeSwap(a.shape.slice(-2), call.integer('transA', 0))
    const [innerB, columns] = maybeSwap(b.shape.slice(-2), call.integer('transB', 0))
    call.dims(innerA, innerB, 'inner sizes')
    const batch = broadcast(a.shape.slice(0, -2), b.shape.slice(0, -2))
    if (batch === undefined) throw call.error('batch sizes do not broadcast')
    return [{ type, shape: [...batch, rows, columns] }]
  },

  Gather: (call) => {
    const [data, indices] = [call.input(0), call.input(1)]
    if (data.shape === undefined || indices.shape === undefined)
      return [{ type: data.type, shape: undefined }]
    const axis = normalizeAxis(call.integer('axis', 0), data.shape.length, call.where)
    const shape = [...data.shape.slice(0, axis), ...indices.shape, ...data.shape.slice(axis + 1)]
    return [{ type: data.type, shape }]
  },

  GatherElements: (call) => [{ type: call.input(0).type, shape: call.input(1).shape }],

  Reshape: (call) => {
    const [data, target] = [call.input(0), call.input(1)]
    return [{ type: data.type, shape: reshape(call, data.shape, target.integers) }]
  },

  Transpose: (call) => {
    const x = call.input(0)
    const order = call.integers('perm') ?? x.shape?.map((_, i) => i).toReversed()
    if (x.shape === undefined || order === undefined) return [{ type: x.type, shape: undefined }]
    if (
      order.toSorted((a, b) => a - b).some((axis, i) => axis !== i) ||
      order.length !== x.shape.length
    )
      throw call.error(`perm [${order.join(', ')}] is no order of its axes`)
    return [{ type: x.type, shape: order.map((axis) => x.shape?.[axis] as Dim) }]
  },

  Expand: (call) => {
    const [x, target] = [call.input(0), call.input(1)]
    const [length] = target.shape ?? []
    const sizes = target.integers ?? (typeof length === 'number' ? unknown(length) : undefined)
    if (x.shape === undefined || sizes === undefined) return [{ type: x.type, shape: undefined }]
    const shape = broadcast(x.shape, sizes)
    if (shape === undefined)
      throw call.error(`${formatShape(x.shape)} does not expand to ${formatShape(sizes)}`)
    return [{ type: x.type, shape }]
  },

  Slice: (call) => [{ type: call.input(0).type, shape: slice(call) }],

  Pad: (call) => {
    const [x, pads] = [call.input(0), call.input(1).integers]
    const rank = x.shape?.length ?? 0
    const shape = x.shape?.map((dim, i) =>
      typeof dim !== 'number' || pads === undefined
        ? '?'
        : dim + (pads[i] as number) + (pads[i + rank] as number),
    )
    return [{ type: x.type, shape }]
  },

  Unsqueeze: (call) => {
    const x = call.input(0)
    const axes = call.input(1).integers
    if (x.shape === undefined || axes === undefined) return [{ type: x.type, shape: undefined }]
    const rank = x.shape.length + axes.length
    const at = new Set(axes.map((axis) => normalizeAxis(axis, rank, call.where)))
    const rest = [...x.shape]
    const shape = Array.from({ length: rank }, (_, i) => (at.has(i) ? 1 : (rest.shift() as Dim)))
    return [{ type: x.type, shape }]
  },

  Squeeze: (call) => {
    const x = call.input(0)
    const axes = call.input(1).integers
    return [{ type: x.type, shape: reduceShape(call, x.shape, axes, false) }]
  },

  Concat: (call) => {
    const values = call.inputs.map((_, i) => call.input(i))
    return [{ type: call.sameType(...values), shape: concat(call, values) }]
  },

  Split: (call) => {
    const x = call.input(0)
    const sizes = call.optional(1)?.integers
    const n = sizes?.length ?? call.integer('num_outputs', call.nOutputs ?? 1)
    if (x.shape === undefined) return Array.from({ length: n }, () => typeOf(x))
    const axis = normalizeAxis(call.integer('axis', 0), x.shape.length, call.where)
    const total = x.shape[axis] as Dim
    if (sizes !== undefined)
      call.dims(
        total,
        sizes.reduce((a, b) => a + b, 0),
        'split sizes',
      )
    const parts = sizes ?? equalParts(total, n)
    return parts.map((size) => ({ type: x.type, shape: x.shape?.with(axis, size) }))
  },

  If: (call) => {
    const [yes, no] = [call.graph('then_branch'), call.graph('else_branch')]
    if (call.input(0).type !== 'bool') throw call.error('the condition must be bool')
    if (yes.outputs.length !== no.outputs.length)
      throw call.error(`its branches give ${yes.outputs.length} and ${no.outputs.length} outputs`)
    return yes.outputs.map((a, i) => {
      const b = no.outputs[i] as Value
      const shape = a.shape?.map((dim, j) => agree(dim, b.shape?.[j] ?? '?') ?? '?')
      return {
        type: call.sameType(a, b),
        shape: a.shape?.length === b.shape?.length ? shape : undefined,
      }
    })
  },

  /** ONNX Runtime's RMS norm: x / sqrt(mean(x^2) + epsilon) * weight. */
  SimplifiedLayerNormalization: (call) => {
    const [x, weight] = [call.input(0), call.input(1)]
    call.dims(x.shape?.at(-1), call.rank(weight, 1)?.[0], 'normalized size')
    return [{ type: call.sameType(x, weight), shape: x.shape }]
  },

  /** RMS norm of a sum: outputs the norm, two that are unused, and the sum itself. */
  SkipSimplifiedLayerNormalization: (call) => {
    const [x, skip, weight] = [call.input(0), call.input(1), call.input(2)]
    call.dims(x.shape?.at(-1), call.rank(weight, 1)?.[0], 'normalized size')
    const type = { type: call.sameType(x, skip, weight), shape: broadcastInputs(call, [x, skip]) }
    return [type, type, type, type]
  },

  GroupQueryAttention: (call) => groupQueryAttention(call),
}

/**
 * The types of a node's outputs.
 *
 * @throws CemError `onnx-shape-mismatch`, `onnx-type-mismatch`, `onnx-unknown-operator`
 */
export function inferTypes(request: InferenceRequest): TensorType[] {
  const { operator } = request
  // Not what every object has, such as `toString`.
  const rule = Object.hasOwn(rules, operator) ? rules[operator] : undefined
  if (rule === undefined)
    throw new CemError({
      code: 'onnx-unknown-operator',
      message: `${request.nodeName}: nothing is known of the operator ${operator}. Give the types of its outputs.`,
      data: { operator },
    })
  return rule(new Call(request))
}

/** Sizes of n parts of an axis; the last is smaller where n does not divide it. */
function equalParts(total: Dim, n: number): Dim[] {
  if (typeof total !== 'number') return unknown(n)
  const size = Math.ceil(total / n)
  return Array.from({ length: n }, (_, i) => Math.max(0, Math.min(size, total - i * size)))
}

function unknown(rank: number): Dim[] {
  return Array.from({ length: rank }, () => '?')
}

/** Sizes after a Slice whose bounds are constants; an axis that has only a name has no size that is known here. */
function slice(call: Call): Shape | undefined {
  const x = call.input(0)
  const [starts, ends] = [call.input(1).integers, call.input(2).integers]
  if (x.shape === undefined || starts === undefined || ends === undefined)
    return x.shape === undefined ? undefined : unknown(x.shape.length)
  const axes = call.optional(3)?.integers ?? starts.map((_, i) => i)
  const steps = call.optional(4)?.integers ?? starts.map(() => 1)
  const shape: Dim[] = [...x.shape]
  for (const [i, start] of starts.entries()) {
    const axis = normalizeAxis(axes[i] ?? 0, shape.length, call.where)
    const dim = shape[axis] as Dim
    const step = steps[i] ?? 1
    const clamp = (value: number, size: number) =>
      Math.min(size, Math.max(0, value < 0 ? value + size : value))
    shape[axis] =
      typeof dim !== 'number' || step < 1
        ? '?'
        : Math.max(0, Math.ceil((clamp(ends[i] ?? dim, dim) - clamp(start, dim)) / step))
  }
  return shape
}

/** ONNX Runtime's attention over a cache in place: q [B, S, heads * headDim], k and v [B, S, kvHeads * headDim]. */
function groupQueryAttention(call: Call): TensorType[] {
  const [q, k, v] = [0, 1, 2].map((i) => call.input(i)) as [Value, Value, Value]
  const past = [3, 4].flatMap((i) => call.optional(i) ?? [])
  call.sameType(q, k, v, ...past)
  const nHeads = call.integer('num_heads', 0)
  const nKvHeads = call.integer('kv_num_heads', 0)
  const size = call.rank(k, 3)?.[2]
  const headDim =
    past[0] === undefined
      ? typeof size === 'number' && nKvHeads > 0
        ? size / nKvHeads
        : undefined
      : call.rank(past[0], 4)?.[3]
  const times = (n: number) => (typeof headDim === 'number' ? n * headDim : '?')
  call.dims(call.rank(q, 3)?.[2], times(nHeads), 'query size against heads * headDim')
  call.dims(call.rank(k, 3)?.[2], times(nKvHeads), 'key size against kvHeads * headDim')
  call.dims(call.rank(v, 3)?.[2], times(nKvHeads), 'value size against kvHeads * headDim')
  call.dims(past[0]?.shape?.[1], nKvHeads, 'cached heads')
  if (nKvHeads === 0 || nHeads % nKvHeads !== 0)
    throw call.error(`${nHeads} heads cannot share ${nKvHeads} key-value heads`)
  const [keys = call.input(1), values = call.input(2)] = past
  if (past.length > 0) return [typeOf(q), typeOf(keys), typeOf(values)]
  const cache = { type: q.type, shape: [q.shape?.[0] ?? '?', nKvHeads, '?', headDim ?? '?'] }
  return [typeOf(q), cache, cache]
}

function typeOf({ type, shape }: Value): TensorType {
  return { type, shape }
}

function maybeSwap(shape: Shape | undefined, swap: number): [Dim, Dim] {
  const [a = '?', b = '?'] = shape ?? []
  return swap === 1 ? [b, a] : [a, b]
}

function broadcastInputs(call: Call, values: readonly Value[]): Shape | undefined {
  let shape: Shape = []
  for (const value of values) {
    if (value.shape === undefined) return undefined
    const wider = broadcast(shape, value.shape)
    if (wider === undefined) throw call.error('the shapes do not broadcast')
    shape = wider
  }
  return shape
}

function reduceShape(
  call: Call,
  shape: Shape | undefined,
  axes: readonly number[] | undefined,
  keep: boolean,
): Shape | undefined {
  if (shape === undefined) return undefined
  const all = axes ?? shape.map((_, i) => i)
  const reduced = new Set(all.map((axis) => normalizeAxis(axis, shape.length, call.where)))
  if (keep) return shape.map((dim, i) => (reduced.has(i) ? 1 : dim))
  return shape.filter((_, i) => !reduced.has(i))
}

function reshape(
  call: Call,
  from: Shape | undefined,
  target: readonly number[] | undefined,
): Shape | undefined {
  if (target === undefined) return undefined
  const shape: Dim[] = target.map((dim, i) =>
    dim === 0 ? (from?.[i] ?? '?') : dim === -1 ? '?' : dim,
  )
  const count = from === undefined ? undefined : elementCount(from)
  const known = elementCount(shape.filter((dim) => dim !== '?'))
  if (count === undefined || known === undefined) return shape
  const free = shape.indexOf('?')
  if (free === -1 ? known !== count : known === 0 || count % known !== 0)
    throw call.error(`${count} elements do not fill ${formatShape(target)}`)
  return free === -1 ? shape : shape.with(free, count / known)
}

function concat(call: Call, values: readonly Value[]): Shape | undefined {
  const shapes = values.map((v) => v.shape)
  const [first] = shapes
  if (first === undefined || shapes.includes(undefined)) return undefined
  const axis = normalizeAxis(call.integer('axis', 0), first.length, call.where)
  let joined: Dim[] = [...first]
  for (const shape of shapes.slice(1) as Shape[]) {
    if (shape.length !== first.length) throw call.error('the ranks differ')
    joined = joined.map((dim, i) => {
      const other = shape[i] as Dim
      if (i !== axis) return call.dims(dim, other, `sizes of axis ${i}`)
      return typeof dim === 'number' && typeof other === 'number' ? dim + other : '?'
    })
  }
  return joined
}

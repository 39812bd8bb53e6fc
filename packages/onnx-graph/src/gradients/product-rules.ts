import { float, type Value } from '../graph.ts'
import type { GradientCall, GradientRules } from './gradient-call.ts'

export const productRules: GradientRules = {
  /** Y = alpha op(A) op(B) + beta C. Sums of gradients go through the third input of the products that make them. */
  Gemm: (call) => {
    const { graph } = call
    const isA = call.integer('transA', 0) === 1
    const isB = call.integer('transB', 0) === 1
    const alpha = call.float('alpha', 1)
    const product = (a: Value, transA: boolean, b: Value, transB: boolean, sum: Value | null) =>
      graph.node('Gemm', sum === null ? [a, b] : [a, b, sum], {
        attributes: {
          ...(transA ? { transA: 1 } : {}),
          ...(transB ? { transB: 1 } : {}),
          ...(alpha === 1 ? {} : { alpha: float(alpha) }),
        },
      })
    call.accumulate(0, (sum) =>
      isA
        ? product(call.input(1), isB, call.gradient, true, sum)
        : product(call.gradient, false, call.input(1), !isB, sum),
    )
    call.accumulate(1, (sum) =>
      isB
        ? product(call.gradient, true, call.input(0), isA, sum)
        : product(call.input(0), !isA, call.gradient, false, sum),
    )
    if (call.hasInput(2))
      call.giveBroadcast(2, () => call.multiply(call.gradient, call.float('beta', 1)))
  },

  MatMul: (call) => {
    call.giveBroadcast(0, () => batched(call, call.gradient, transposed(call, call.input(1))))
    call.giveBroadcast(1, () => batched(call, transposed(call, call.input(0)), call.gradient))
  },

  /** alpha op(A) op(B) of the last two axes. */
  FusedMatMul: (call) => {
    for (const key of ['transBatchA', 'transBatchB'])
      if (call.integer(key, 0) === 1) throw call.error(`${key} is not known here`)
    const isA = call.integer('transA', 0) === 1
    const isB = call.integer('transB', 0) === 1
    const scaled = () => call.multiply(call.gradient, call.float('alpha', 1))
    const flip = (x: Value, isFlipped: boolean) => (isFlipped ? transposed(call, x) : x)
    call.giveBroadcast(0, () => {
      const a = batched(call, scaled(), flip(call.input(1), !isB))
      return flip(a, isA)
    })
    call.giveBroadcast(1, () => {
      const b = batched(call, flip(call.input(0), !isA), scaled())
      return flip(b, isB)
    })
  },
}

function batched(call: GradientCall, a: Value, b: Value): Value {
  return call.graph.node('MatMul', [a, b])
}

/** The last two axes exchanged. ONNX Runtime makes one operator of this and the product that follows. */
function transposed(call: GradientCall, x: Value): Value {
  const rank = x.shape?.length
  if (rank === undefined) throw call.error(`nothing is known of the shape of ${x.name}`)
  const perm = Array.from({ length: rank }, (_, i) => i)
  perm.push(...perm.splice(-2).toReversed())
  return call.graph.node('Transpose', [x], { attributes: { perm } })
}

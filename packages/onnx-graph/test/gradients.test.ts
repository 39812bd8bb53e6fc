import { InferenceSession, Tensor } from 'onnxruntime-node'
import { describe, expect, test } from 'vitest'
import {
  differentiableOperators,
  encodeModel,
  float,
  Graph,
  gradients,
  type Value,
} from '../src/index.ts'

/** Numbers that repeat themselves: a linear congruential generator, in (-1, 1). */
function numbers(n: number, seed: number): Float32Array {
  let state = seed >>> 0
  return Float32Array.from({ length: n }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return (state / 2 ** 31 - 1) * 0.95
  })
}

interface Parameter {
  readonly shape: readonly number[]
  /** What the numbers are made into, where an operator takes only some. */
  readonly map?: (x: number) => number
  /** Named sizes instead of numbers. */
  readonly declared?: readonly (number | string)[]
}

interface Case {
  readonly parameters: readonly Parameter[]
  readonly make: (graph: Graph, values: readonly Value[]) => Value | readonly Value[]
}

const one = (
  shape: readonly number[],
  make: (graph: Graph, x: Value) => Value,
  map?: (x: number) => number,
): Case => ({
  parameters: [map === undefined ? { shape } : { shape, map }],
  make: (graph, [x]) => make(graph, x as Value),
})
const two = (a: Parameter, b: Parameter, operator: string, options = {}): Case => ({
  parameters: [a, b],
  make: (graph, values) => graph.node(operator, values, options),
})
const unary = (operator: string, map?: (x: number) => number, options = {}): Case =>
  one([3, 4], (graph, x) => graph.node(operator, [x], options), map)
/** Far enough from each other that no step changes their order. */
const apart = (x: number) => Math.round(2 * x) + 0.5
const halves = (x: number) => Math.round(2 * x)
const positive = (x: number) => Math.abs(x) + 0.5
const ints = (graph: Graph, values: readonly number[], shape: readonly number[]) =>
  graph.constant(graph.freshName('indices'), BigInt64Array.from(values, BigInt), shape)
const microsoft = { domain: 'com.microsoft' }
const reduce = (operator: string, map = (x: number) => x): Record<string, Case> => ({
  [`${operator} of one axis`]: one(
    [3, 4],
    (graph, x) => graph.node(operator, [x, graph.integers([1])]),
    map,
  ),
  [`${operator} of all axes without keeping them`]: one(
    [3, 4],
    (graph, x) =>
      graph.node(operator, [x, graph.integers([0, -1])], { attributes: { keepdims: 0 } }),
    map,
  ),
})

const cases: Readonly<Record<string, Case>> = {
  Identity: unary('Identity'),
  'Add of a broadcast row and a scalar': {
    parameters: [{ shape: [3, 4] }, { shape: [4] }, { shape: [] }],
    make: (graph, [a, b, c]) =>
      graph.node('Add', [graph.node('Add', [a as Value, b as Value]), c as Value]),
  },
  'Sub of a broadcast column': two({ shape: [3, 4] }, { shape: [3, 1] }, 'Sub'),
  'Mul of a broadcast row, with named sizes': two(
    { shape: [3, 4], declared: ['rows', 4] },
    { shape: [1, 4] },
    'Mul',
  ),
  'Mul of a value with itself': one([5], (graph, x) => graph.node('Mul', [x, x])),
  'Mul of a value with its sigmoid': one([5], (graph, x) =>
    graph.node('Mul', [x, graph.node('Sigmoid', [x])]),
  ),
  Div: two({ shape: [3, 4] }, { shape: [4], map: positive }, 'Div'),
  Pow: one([5], (graph, x) => graph.node('Pow', [x, graph.scalar(3)])),
  Min: two({ shape: [3, 4], map: apart }, { shape: [4], map: halves }, 'Min'),
  Max: two({ shape: [3, 4], map: apart }, { shape: [4], map: halves }, 'Max'),
  Neg: unary('Neg'),
  Exp: unary('Exp'),
  Log: unary('Log', positive),
  Sqrt: unary('Sqrt', positive),
  Reciprocal: unary('Reciprocal', positive),
  Sigmoid: unary('Sigmoid'),
  Tanh: unary('Tanh'),
  Softplus: unary('Softplus'),
  Erf: unary('Erf'),
  Gelu: unary('Gelu'),
  'Gelu by tanh': unary('Gelu', (x) => 3 * x, { attributes: { approximate: 'tanh' } }),
  QuickGelu: unary('QuickGelu', undefined, { ...microsoft, attributes: { alpha: float(1.5) } }),
  'Cast to a wider type and back': one([4], (graph, x) => {
    const wide = graph.node('Cast', [x], { attributes: { to: 11 } })
    return graph.node('Cast', [graph.node('Mul', [wide, wide])], { attributes: { to: 1 } })
  }),
  Where: {
    parameters: [
      { shape: [2, 3], map: apart },
      { shape: [3], map: halves },
    ],
    make: (graph, [a, b]) => {
      const condition = graph.node('Less', [a as Value, b as Value])
      return graph.node('Where', [condition, a as Value, b as Value])
    },
  },
  ...Object.assign(
    {},
    ...['', 'transA', 'transB', 'transA transB'].map((flags) => ({
      [`Gemm ${flags}`]: {
        parameters: [
          { shape: flags.includes('transA') ? [4, 3] : [3, 4] },
          { shape: flags.includes('transB') ? [2, 4] : [4, 2] },
          { shape: [2] },
        ],
        make: (graph: Graph, values: readonly Value[]) =>
          graph.node('Gemm', values, {
            attributes: {
              transA: flags.includes('transA') ? 1 : 0,
              transB: flags.includes('transB') ? 1 : 0,
              alpha: float(0.7),
              beta: float(1.3),
            },
          }),
      },
      [`FusedMatMul ${flags}`]: two(
        { shape: flags.includes('transA') ? [2, 4, 3] : [2, 3, 4] },
        { shape: flags.includes('transB') ? [2, 2, 4] : [2, 4, 2] },
        'FusedMatMul',
        {
          ...microsoft,
          attributes: {
            transA: flags.includes('transA') ? 1 : 0,
            transB: flags.includes('transB') ? 1 : 0,
            alpha: float(0.7),
          },
        },
      ),
    })),
  ),
  'Gemm of one value used twice': one([3, 3], (graph, x) =>
    graph.node('Gemm', [x, x], { attributes: { transB: 1 } }),
  ),
  MatMul: two({ shape: [2, 2, 3, 4] }, { shape: [2, 2, 4, 2] }, 'MatMul'),
  'MatMul with a matrix for all batches': two({ shape: [2, 3, 4] }, { shape: [4, 2] }, 'MatMul'),
  'MatMul with a batch of one': two({ shape: [1, 3, 4] }, { shape: [2, 4, 2] }, 'MatMul'),
  Reshape: one([3, 4], (graph, x) => graph.node('Reshape', [x, graph.integers([2, -1])])),
  'Reshape with named sizes': {
    parameters: [{ shape: [2, 3, 4], declared: ['B', 'S', 4] }],
    make: (graph, [x]) =>
      graph.node('Reshape', [x as Value, graph.integers([0, 0, 2, 2])], {
        types: [{ type: 'float32', shape: ['B', 'S', 2, 2] }],
      }),
  },
  Squeeze: one([3, 1, 4], (graph, x) => graph.node('Squeeze', [x, graph.integers([1])])),
  Unsqueeze: one([3, 4], (graph, x) => graph.node('Unsqueeze', [x, graph.integers([0, -1])])),
  Transpose: one([2, 3, 4], (graph, x) =>
    graph.node('Transpose', [x], { attributes: { perm: [1, 2, 0] } }),
  ),
  'Transpose without an order': one([2, 3, 4], (graph, x) => graph.node('Transpose', [x])),
  Expand: one([3, 1], (graph, x) => graph.node('Expand', [x, graph.integers([2, 3, 4])])),
  Concat: {
    parameters: [{ shape: [3, 2] }, { shape: [3, 3] }],
    make: (graph, values) => graph.node('Concat', values, { attributes: { axis: -1 } }),
  },
  'Split of which one part is used': one([3, 5], (graph, x) => {
    const [, part] = graph.nodeWithOutputs('Split', [x, graph.integers([2, 3])], {
      attributes: { axis: 1 },
      nOutputs: 2,
    })
    return part as Value
  }),
  'Slice of two axes': one([4, 5], (graph, x) =>
    graph.node('Slice', [
      x,
      graph.integers([1, -3]),
      graph.integers([3, 5]),
      graph.integers([0, 1]),
    ]),
  ),
  'Gather of rows, some twice': one([4, 3], (graph, x) =>
    graph.node('Gather', [x, ints(graph, [0, 2, 2, 3, 0, 2], [2, 3])]),
  ),
  'GatherElements beside another use': one([3, 4], (graph, x) =>
    graph.node('Add', [
      graph.node('GatherElements', [x, ints(graph, [1, 1, 3], [3, 1])], {
        attributes: { axis: 1 },
      }),
      graph.node('ReduceSum', [graph.node('Mul', [x, x]), graph.integers([1])]),
    ]),
  ),
  ...reduce('ReduceSum'),
  ...reduce('ReduceMean'),
  ...reduce('ReduceMax', (x) => 10 * x),
  ...reduce('ReduceMin', (x) => 10 * x),
  ...reduce('ReduceLogSumExp'),
  ...reduce('ReduceSumSquare'),
  ...reduce('ReduceL2'),
  'ReduceMean with named sizes': {
    parameters: [{ shape: [3, 4], declared: ['rows', 4] }],
    make: (graph, [x]) => graph.node('ReduceMean', [x as Value, graph.integers([0])]),
  },
  Softmax: unary('Softmax', undefined, { attributes: { axis: -1 } }),
  'Softmax of the first axis': unary('Softmax', undefined, { attributes: { axis: 0 } }),
  LogSoftmax: unary('LogSoftmax', undefined, { attributes: { axis: -1 } }),
  SimplifiedLayerNormalization: two(
    { shape: [3, 4] },
    { shape: [4] },
    'SimplifiedLayerNormalization',
    {
      attributes: { axis: -1, epsilon: float(0.01) },
    },
  ),
  'SkipSimplifiedLayerNormalization, both outputs': {
    parameters: [{ shape: [3, 4] }, { shape: [3, 4] }, { shape: [4] }],
    make: (graph, values) => {
      const [normed, , , sum] = graph.nodeWithOutputs('SkipSimplifiedLayerNormalization', values, {
        ...microsoft,
        attributes: { epsilon: float(0.01) },
      })
      return [normed as Value, sum as Value]
    },
  },
  'SkipSimplifiedLayerNormalization, its sum alone': {
    parameters: [{ shape: [3, 4] }, { shape: [3, 4] }],
    make: (graph, [x, y]) => {
      const weight = graph.constant('weight', numbers(4, 3), [4])
      const outputs = graph.nodeWithOutputs(
        'SkipSimplifiedLayerNormalization',
        [x as Value, y as Value, weight],
        {
          ...microsoft,
          attributes: { epsilon: float(0.01) },
        },
      )
      return outputs[3] as Value
    },
  },
  RotaryEmbedding: one([2, 3, 16], (graph, x) => {
    const angles = Array.from({ length: 12 }, (_, i) => 0.3 * i)
    const table = (name: string, f: (angle: number) => number) =>
      graph.constant(
        name,
        Float32Array.from(angles, (angle) => 1.1 * f(angle)),
        [3, 4],
      )
    const position = graph.constant('position', BigInt64Array.of(0n), [1])
    return graph.node(
      'RotaryEmbedding',
      [x, position, table('cos', Math.cos), table('sin', Math.sin)],
      {
        ...microsoft,
        attributes: { num_heads: 2 },
        types: [{ type: 'float32', shape: [2, 3, 16] }],
      },
    )
  }),
}

/** Sum of all elements, each times its own weight. */
function weightedSum(graph: Graph, values: readonly Value[]): Value {
  const sums = values.map((value, i) => {
    const flat = graph.node('Reshape', [value, graph.integers([-1])])
    const size = 100
    const weights = graph.constant(`weights.${i}`, numbers(size, 77 + i), [size])
    const cut = graph.node('Slice', [weights, graph.integers([0]), graph.node('Shape', [flat])], {
      types: [{ type: 'float32', shape: flat.shape }],
    })
    return graph.node('ReduceSum', [graph.node('Mul', [flat, cut])], {
      attributes: { keepdims: 0 },
    })
  })
  return sums.reduce((a, b) => graph.node('Add', [a, b]))
}

function caseGraph({ parameters, make }: Case) {
  const graph = new Graph('case')
  const values = parameters.map(({ shape, declared }, i) =>
    graph.input(`p${i}`, 'float32', declared ?? shape),
  )
  const made = make(graph, values)
  const loss = weightedSum(graph, 'name' in made ? [made] : made)
  for (const [i, gradient] of gradients(graph, loss, values).entries())
    graph.output(gradient, `g${i}`)
  graph.output(loss, 'loss')
  return graph
}

describe('gradients agree with directional derivatives', () => {
  test.each(Object.entries(cases))('%s', async (_, subject) => {
    const session = await InferenceSession.create(encodeModel(caseGraph(subject)), {
      intraOpNumThreads: 1,
    })
    const at = subject.parameters.map(({ shape, map = (x) => x }, i) =>
      numbers(
        shape.reduce((a, b) => a * b, 1),
        11 + i,
      ).map(map),
    )
    const run = (values: readonly Float32Array[]) =>
      session.run(
        Object.fromEntries(
          values.map((v, i) => [
            `p${i}`,
            new Tensor('float32', v, subject.parameters[i]?.shape ?? []),
          ]),
        ),
      )
    const result = await run(at)
    for (const [i, { shape }] of subject.parameters.entries()) {
      const gradient = result[`g${i}`]
      expect(gradient?.dims).toEqual(shape)
      for (const seed of [1, 2, 3]) {
        const direction = numbers(at[i]?.length ?? 0, 1000 * seed + i)
        // A fourth-order central difference, added up in 64 bits.
        const moved = async (step: number) => {
          const values = at.map((v, j) =>
            j === i ? v.map((x, k) => x + step * (direction[k] as number)) : v,
          )
          return Number((await run(values))['loss']?.data[0])
        }
        const h = 0.02
        const numeric =
          (8 * ((await moved(h)) - (await moved(-h))) -
            ((await moved(2 * h)) - (await moved(-2 * h)))) /
          (12 * h)
        const exact = direction.reduce((sum, d, k) => sum + d * Number(gradient?.data[k]), 0)
        // Rounding of f32 losses of size 1 to 4, over the step.
        expect(Math.abs(numeric - exact)).toBeLessThan(2e-4 * Math.max(1, Math.abs(exact)))
      }
    }
    await session.release()
  })

  test('every operator that has a rule has a case', () => {
    const seen = new Set(
      Object.values(cases).flatMap((subject) =>
        caseGraph(subject).nodes.map((node) => node.operator),
      ),
    )
    expect(differentiableOperators.filter((operator) => !seen.has(operator))).toEqual([])
  })
})

describe('recomputation', () => {
  /** Two blocks of a product and an activation each. */
  const build = (isRecomputed: boolean) => {
    const graph = new Graph('blocks')
    const x = graph.input('x', 'float32', ['rows', 3])
    const zero = graph.input('zero', 'float32', [])
    const weights = [0, 1].map((i) => graph.input(`w${i}`, 'float32', [3, 3]))
    let state = graph.node('Mul', [x, graph.scalar(1)])
    const spans = weights.map((weight) => {
      const [start, inputs] = [graph.nodes.length, [state]]
      const hidden = graph.node('Tanh', [graph.node('Gemm', [state, weight])])
      state = graph.node('Add', [state, graph.node('Mul', [hidden, hidden])])
      return { start, end: graph.nodes.length, inputs }
    })
    const loss = graph.node('ReduceSum', [state], { attributes: { keepdims: 0 } })
    const options = isRecomputed ? { recompute: { spans, zero } } : {}
    for (const [i, gradient] of gradients(graph, loss, weights, options).entries())
      graph.output(gradient, `g${i}`)
    return graph
  }
  const tanhs = (graph: Graph) => graph.nodes.filter(({ operator }) => operator === 'Tanh').length

  test('computes the same gradients from values that are computed twice', async () => {
    const feeds = {
      x: new Tensor('float32', numbers(6, 1), [2, 3]),
      zero: new Tensor('float32', [0], []),
      w0: new Tensor('float32', numbers(9, 2), [3, 3]),
      w1: new Tensor('float32', numbers(9, 3), [3, 3]),
    }
    const results = []
    for (const isRecomputed of [false, true]) {
      const graph = build(isRecomputed)
      expect(tanhs(graph)).toBe(isRecomputed ? 4 : 2)
      const session = await InferenceSession.create(encodeModel(graph))
      const { g0, g1 } = await session.run(feeds)
      results.push([g0?.data, g1?.data])
      await session.release()
    }
    expect(results[1]).toEqual(results[0])
  })
})

describe('what cannot be differentiated is refused', () => {
  test('an operator without a rule, by its name and the node it is in', () => {
    const graph = new Graph('g')
    const x = graph.input('x', 'float32', [3])
    const loss = graph.node('ReduceSum', [
      graph.node('CumSum', [x, graph.integers([0])], { name: 'running' }),
    ])
    expect(() => gradients(graph, loss, [x])).toThrow(
      /running: there is no gradient of the operator CumSum/,
    )
  })

  test('a parameter that the loss does not depend on', () => {
    const graph = new Graph('g')
    const x = graph.input('x', 'float32', [1])
    const other = graph.input('other', 'float32', [1])
    expect(() => gradients(graph, graph.node('Exp', [x]), [other])).toThrow(
      /does not depend on the parameter other/,
    )
  })

  test('a loss of more than one element', () => {
    const graph = new Graph('g')
    const x = graph.input('x', 'float32', [2])
    expect(() => gradients(graph, graph.node('Exp', [x]), [x])).toThrow(
      /must have one element, and its shape is \[2\]/,
    )
  })

  test('a Gather that takes no rows', () => {
    const graph = new Graph('g')
    const x = graph.input('x', 'float32', [2, 3])
    const picked = graph.node('Gather', [x, ints(graph, [0, 1], [2])], { attributes: { axis: 1 } })
    const loss = graph.node('ReduceSum', [picked], { attributes: { keepdims: 0 } })
    expect(() => gradients(graph, loss, [x])).toThrow(
      /only rows \(axis 0, by a list of indices\) have one/,
    )
  })
})

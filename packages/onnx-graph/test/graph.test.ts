import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { InferenceSession, Tensor } from 'onnxruntime-node'
import { describe, expect, test } from 'vitest'
import { encodeModel, float, Graph, type Value } from '../src/index.ts'

/** Runs a graph on ONNX Runtime, the independent judge of what we write. */
async function run(
  graph: Graph,
  feeds: Readonly<Record<string, Tensor>>,
  options: InferenceSession.SessionOptions = {},
): Promise<Record<string, Tensor>> {
  const session = await InferenceSession.create(encodeModel(graph), options)
  try {
    return await session.run(feeds)
  } finally {
    await session.release()
  }
}

const floats = (values: readonly number[], shape: readonly number[]) =>
  new Tensor('float32', Float32Array.from(values), shape)

describe('graphs that ONNX Runtime runs', () => {
  test('a product with a bias, and a norm with a float attribute', async () => {
    const graph = new Graph('g')
    const x = graph.input('x', 'float32', ['rows', 2])
    const w = graph.constant('w', Float32Array.of(1, 2, 3, 4, 5, 6), [3, 2])
    const bias = graph.constant('bias', Float32Array.of(10, 20, 30), [3])
    graph.output(graph.node('Gemm', [x, w, bias], { attributes: { transB: 1 } }), 'y')
    const ones = graph.constant('ones', Float32Array.of(1, 1), [2])
    const norm = graph.node('SimplifiedLayerNormalization', [x, ones], {
      attributes: { axis: -1, epsilon: float(0.5), stash_type: 1 },
    })
    graph.output(norm, 'norm')
    const { y, norm: n } = await run(graph, { x: floats([1, 1, 1, 0], [2, 2]) })
    expect(Array.from(y?.data as Float32Array)).toEqual([13, 27, 41, 11, 23, 35])
    // 1 / sqrt(mean(1, 1) + 0.5), and 1 / sqrt(0.5 + 0.5).
    const expected = [1 / Math.sqrt(1.5), 1 / Math.sqrt(1.5), 1, 0]
    for (const [i, value] of Array.from(n?.data as Float32Array).entries())
      expect(value).toBeCloseTo(expected[i] ?? Number.NaN, 6)
  })

  test('a branch that sees the values around it', async () => {
    const graph = new Graph('g')
    const flag = graph.input('flag', 'bool', [])
    const x = graph.input('x', 'float32', [2])
    const yes = graph.subgraph('yes')
    yes.output(yes.node('Add', [x, x]), 'doubled')
    const no = graph.subgraph('no')
    no.output(no.node('Mul', [x, no.scalar(-1)]), 'negated')
    const attributes = { then_branch: yes, else_branch: no }
    graph.output(graph.node('If', [flag], { attributes }), 'y')
    for (const [value, expected] of [
      [true, [2, 6]],
      [false, [-1, -3]],
    ] as const) {
      const { y } = await run(graph, {
        flag: new Tensor('bool', [value], []),
        x: floats([1, 3], [2]),
      })
      expect(Array.from(y?.data as Float32Array)).toEqual(expected)
    }
  })

  test('weights in place in a file, found by offset', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'cem-onnx-'))
    try {
      const bytes = new Uint8Array(64)
      bytes.set(new Uint8Array(Float32Array.of(10, 20).buffer), 40)
      await writeFile(join(folder, 'weights.bin'), bytes)
      const graph = new Graph('g')
      const x = graph.input('x', 'float32', [2])
      const location = { location: 'weights.bin', offsetBytes: 40, lengthBytes: 8 }
      graph.output(graph.node('Add', [x, graph.external('w', 'float32', [2], location)]), 'y')
      const extra = { session: { model_external_initializers_file_folder_path: folder } }
      const { y } = await run(graph, { x: floats([1, 2], [2]) }, { extra })
      expect(Array.from(y?.data as Float32Array)).toEqual([11, 22])
    } finally {
      await rm(folder, { recursive: true })
    }
  })

  test('integers of every size, negative and beyond 2^31, and several outputs', async () => {
    const graph = new Graph('g')
    const big = graph.constant('big', BigInt64Array.of(-1n, 2n ** 40n, -(2n ** 62n)), [3])
    graph.output(big, 'copy')
    const parts = graph.nodeWithOutputs('Split', [big, graph.integers([1, 2])], {
      attributes: { axis: -1 },
    })
    for (const [i, part] of parts.entries()) graph.output(part, `part${i}`)
    const result = await run(graph, {})
    expect(Array.from(result['copy']?.data as BigInt64Array)).toEqual([
      -1n,
      2n ** 40n,
      -(2n ** 62n),
    ])
    expect(Array.from(result['part1']?.data as BigInt64Array)).toEqual([2n ** 40n, -(2n ** 62n)])
  })
})

test('parts of an axis that does not divide: the last is smaller, here and in ONNX Runtime', async () => {
  const graph = new Graph('g')
  const x = graph.input('x', 'float32', [5])
  const parts = graph.nodeWithOutputs('Split', [x], { attributes: { axis: 0, num_outputs: 2 } })
  expect(parts.map(({ shape }) => shape)).toEqual([[3], [2]])
  for (const [i, part] of parts.entries()) graph.output(part, `part${i}`)
  const { part0, part1 } = await run(graph, { x: floats([1, 2, 3, 4, 5], [5]) })
  expect([part0?.dims, part1?.dims]).toEqual([[3], [2]])
})

describe('shapes that are known are checked when the node is added', () => {
  interface Case {
    readonly name: string
    readonly make: (graph: Graph) => Value
    readonly code: string
    readonly words: RegExp
  }
  const x = (graph: Graph) => graph.input('x', 'float32', ['rows', 4])
  const cases: Case[] = [
    {
      name: 'inner sizes of a product',
      make: (g) => g.node('MatMul', [x(g), g.input('w', 'float32', [5, 3])]),
      code: 'onnx-shape-mismatch',
      words: /MatMul.*inner sizes: 4 is not 5.*x \[rows, 4\], w \[5, 3\]/,
    },
    {
      name: 'sizes that do not broadcast',
      make: (g) => g.node('Add', [x(g), g.input('w', 'float32', [3])]),
      code: 'onnx-shape-mismatch',
      words: /do not broadcast.*x \[rows, 4\], w \[3\]/,
    },
    {
      name: 'two element types',
      make: (g) => g.node('Add', [x(g), g.input('w', 'int64', [4])]),
      code: 'onnx-type-mismatch',
      words: /x is float32 and w is int64/,
    },
    {
      name: 'a reshape that loses elements',
      make: (g) => g.node('Reshape', [g.input('w', 'float32', [2, 3]), g.integers([4, -1])]),
      code: 'onnx-shape-mismatch',
      words: /6 elements do not fill \[4, -1\]/,
    },
    {
      name: 'an operator that nothing is known of',
      make: (g) => g.node('Frobnicate', [x(g)]),
      code: 'onnx-unknown-operator',
      words: /nothing is known of the operator Frobnicate/,
    },
    {
      name: 'an operator with the name of a method of all objects',
      make: (g) => g.node('toString', [x(g)]),
      code: 'onnx-unknown-operator',
      words: /nothing is known of the operator toString/,
    },
    {
      name: 'a float where an integer attribute belongs',
      make: (g) => g.node('Softmax', [x(g)], { attributes: { axis: 0.5 } }),
      code: 'onnx-attribute',
      words: /axis is 0\.5.*float\(0\.5\)/,
    },
    {
      name: 'an axis outside the tensor',
      make: (g) => g.node('Gather', [x(g), g.integers([0])], { attributes: { axis: 2 } }),
      code: 'onnx-shape-mismatch',
      words: /axis 2 is outside a tensor of rank 2/,
    },
    {
      name: 'heads that do not divide',
      make: (g) =>
        g.node(
          'GroupQueryAttention',
          [
            g.input('q', 'float32', ['b', 's', 48]),
            g.input('k', 'float32', ['b', 's', 32]),
            g.input('v', 'float32', ['b', 's', 32]),
            g.input('pk', 'float32', ['b', 2, 'c', 16]),
            g.input('pv', 'float32', ['b', 2, 'c', 16]),
          ],
          { domain: 'com.microsoft', attributes: { num_heads: 3, kv_num_heads: 2 } },
        ),
      code: 'onnx-shape-mismatch',
      words: /3 heads cannot share 2/,
    },
    {
      name: 'a value of another graph',
      make: (g) => g.node('Neg', [x(new Graph('other'))]),
      code: 'onnx-foreign-value',
      words: /'x', which belongs to the graph other/,
    },
    {
      name: 'a name that is taken',
      make: (g) => {
        x(g)
        return x(g)
      },
      code: 'onnx-duplicate-name',
      words: /already has a value named 'x'/,
    },
    {
      name: 'an external range of the wrong length',
      make: (g) => {
        const range = { location: 'f', offsetBytes: 0, lengthBytes: 15 }
        return g.external('w', 'float32', [4], range)
      },
      code: 'onnx-shape-mismatch',
      words: /takes 16 bytes, but its range in f has 15/,
    },
    {
      name: 'a constant that does not fill its shape',
      make: (g) => g.constant('w', Float32Array.of(1, 2, 3), [2, 2]),
      code: 'onnx-shape-mismatch',
      words: /3 numbers do not fill the shape \[2, 2\]/,
    },
  ]

  test.each(cases)('$name', ({ make, code, words }) => {
    const graph = new Graph('g')
    let error: unknown
    try {
      make(graph)
    } catch (thrown) {
      error = thrown
    }
    expect(error).toMatchObject({ code, message: expect.stringMatching(words) })
  })
})

test('inferred shapes are those that the runtime finds', async () => {
  const graph = new Graph('g')
  const x = graph.input('x', 'float32', [2, 3, 4])
  const values: Record<string, Value> = {
    gathered: graph.node('Gather', [x, graph.integers([0, 2, 2, 1, 0])], {
      attributes: { axis: 1 },
    }),
    reshaped: graph.node('Reshape', [x, graph.integers([0, -1])]),
    transposed: graph.node('Transpose', [x], { attributes: { perm: [2, 0, 1] } }),
    summed: graph.node('ReduceSum', [x, graph.integers([1])], { attributes: { keepdims: 0 } }),
    best: graph.node('ArgMax', [x], { attributes: { axis: -1, keepdims: 1 } }),
    unsqueezed: graph.node('Unsqueeze', [x, graph.integers([0, -1])]),
    joined: graph.node('Concat', [x, x, x], { attributes: { axis: -1 } }),
    broadcast: graph.node('Mul', [x, graph.constant('c', Float32Array.of(1, 2), [2, 1, 1])]),
    product: graph.node('MatMul', [x, graph.constant('m', new Float32Array(20), [4, 5])]),
  }
  for (const [name, value] of Object.entries(values)) graph.output(value, name)
  const result = await run(graph, {
    x: floats(
      Array.from({ length: 24 }, (_, i) => i),
      [2, 3, 4],
    ),
  })
  for (const [name, value] of Object.entries(values))
    expect({ name, shape: result[name]?.dims }).toEqual({ name, shape: value.shape })
})

// A direction as an ONNX model: states in, projections out, for whatever runs ONNX.
import { writeFile } from 'node:fs/promises'
import { encodeModel, Graph } from '@cem/onnx-graph'
import { InferenceSession, Tensor } from 'onnxruntime-node'

const direction = Float32Array.of(0.6, 0.8)
const graph = new Graph('projection')
const states = graph.input('states', 'float32', ['rows', 2])
const vector = graph.constant('direction', direction, [2, 1])
graph.output(graph.node('MatMul', [states, vector]), 'projections')
await writeFile('projection.onnx', encodeModel(graph))

const session = await InferenceSession.create('projection.onnx')
const rows = new Tensor('float32', [5, 0, 0, 10], [2, 2])
const { projections } = await session.run({ states: rows })
console.log(Array.from(projections?.data as Float32Array, (x) => x.toFixed(2)).join(' '))

// prints:
// 3.00 8.00

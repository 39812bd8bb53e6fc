import { type AttributeValue, Graph, type GraphNode, type Initializer } from './graph.ts'
import { ProtobufWriter } from './protobuf.ts'
import { elementTypes, type TensorType } from './tensor-type.ts'

export interface ModelOptions {
  /** Version of ONNX's own operator set. @default 21 */
  readonly opset?: number
  /** @default 'cem' */
  readonly producer?: string
}

/** AttributeProto.AttributeType */
const attributeTypes = { float: 1, int: 2, string: 3, graph: 5, ints: 7 } as const

/**
 * The graph as a serialized ONNX ModelProto (IR version 10), which ONNX Runtime loads. Field numbers are those of the
 * `onnx.proto` schema of ONNX 1.16.
 */
export function encodeModel(
  graph: Graph,
  { opset = 21, producer = 'cem' }: ModelOptions = {},
): Uint8Array {
  return new ProtobufWriter()
    .int(1, 10)
    .string(2, producer)
    .message(7, (writer) => writeGraph(writer, graph))
    .message(8, (writer) => writer.string(1, '').int(2, opset))
    .message(8, (writer) => writer.string(1, 'com.microsoft').int(2, 1))
    .finish()
}

function writeGraph(writer: ProtobufWriter, graph: Graph): void {
  for (const node of graph.nodes) writer.message(1, (w) => writeNode(w, node))
  writer.string(2, graph.name)
  for (const initializer of graph.initializers)
    writer.message(5, (w) => writeInitializer(w, initializer))
  for (const input of graph.inputs) writer.message(11, (w) => writeValueInfo(w, input.name, input))
  for (const output of graph.outputs)
    writer.message(12, (w) => writeValueInfo(w, output.name, output))
}

function writeNode(writer: ProtobufWriter, node: GraphNode): void {
  for (const input of node.inputs) writer.string(1, input?.name ?? '')
  for (const output of node.outputs) writer.string(2, output.name)
  writer.string(3, node.name).string(4, node.operator)
  for (const [name, value] of Object.entries(node.attributes))
    writer.message(5, (w) => writeAttribute(w, name, value))
  if (node.domain !== '') writer.string(7, node.domain)
}

function writeAttribute(writer: ProtobufWriter, name: string, value: AttributeValue): void {
  writer.string(1, name)
  if (value instanceof Graph)
    writer.message(6, (w) => writeGraph(w, value)).int(20, attributeTypes.graph)
  else if (typeof value === 'string')
    writer.bytes(4, new TextEncoder().encode(value)).int(20, attributeTypes.string)
  else if (typeof value === 'number') writer.int(3, value).int(20, attributeTypes.int)
  else if ('float' in value) writer.float(2, value.float).int(20, attributeTypes.float)
  else {
    for (const item of value) writer.int(8, item)
    writer.int(20, attributeTypes.ints)
  }
}

function writeInitializer(writer: ProtobufWriter, initializer: Initializer): void {
  const { value } = initializer
  for (const dim of value.shape ?? []) writer.int(1, dim as number)
  writer.int(2, elementTypes[value.type].code).string(8, value.name)
  if ('data' in initializer) {
    writer.bytes(9, initializer.data)
    return
  }
  const { location, offsetBytes, lengthBytes } = initializer.external
  const entries = { location, offset: String(offsetBytes), length: String(lengthBytes) }
  for (const [key, text] of Object.entries(entries))
    writer.message(13, (w) => w.string(1, key).string(2, text))
  // DataLocation.EXTERNAL
  writer.int(14, 1)
}

function writeValueInfo(writer: ProtobufWriter, name: string, { type, shape }: TensorType): void {
  writer.string(1, name).message(2, (typeProto) =>
    typeProto.message(1, (tensor) => {
      tensor.int(1, elementTypes[type].code)
      if (shape === undefined) return
      tensor.message(2, (shapeProto) => {
        for (const dim of shape)
          shapeProto.message(1, (d) => {
            if (typeof dim === 'number') d.int(1, dim)
            else if (dim !== '?') d.string(2, dim)
          })
      })
    }),
  )
}

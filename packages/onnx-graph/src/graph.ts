import { CemError } from '@cem/core'
import { inferTypes } from './operators.ts'
import {
  type ElementType,
  elementCount,
  elementTypes,
  formatShape,
  type Shape,
  type TensorType,
} from './tensor-type.ts'

/** A tensor of the graph: an input, an initializer, or a node's output. */
export interface Value extends TensorType {
  readonly name: string
  readonly graph: Graph
  /** The numbers of a small integer constant, so that Reshape and its like can be checked. */
  readonly integers?: readonly number[]
}

/** A float attribute: `{ epsilon: float(1e-6) }`. Plain numbers are integer attributes, and must be integers. */
export interface FloatAttribute {
  readonly float: number
}
export type AttributeValue = number | string | readonly number[] | FloatAttribute | Graph
export type Attributes = Readonly<Record<string, AttributeValue>>

/** A float attribute, where a plain number would be an integer one. */
export function float(value: number): FloatAttribute {
  return { float: value }
}

export interface GraphNode {
  readonly name: string
  readonly operator: string
  /** '' is ONNX's own set; `com.microsoft` holds ONNX Runtime's contributed operators. */
  readonly domain: string
  readonly inputs: readonly (Value | null)[]
  readonly outputs: readonly Value[]
  readonly attributes: Attributes
}

/** Where the bytes of an initializer lie: a byte range of a file beside the model. */
export interface ExternalData {
  /** The file's name, relative to the folder that the runtime is told. */
  readonly location: string
  readonly offsetBytes: number
  readonly lengthBytes: number
}

export type Initializer =
  | { readonly value: Value; readonly data: Uint8Array }
  | { readonly value: Value; readonly external: ExternalData }

export interface NodeOptions {
  readonly attributes?: Attributes
  /** @default '' */
  readonly domain?: string
  /** How many outputs an operator with a variable number has (Split, If). @default what the operator always has */
  readonly nOutputs?: number
  /** Types of the outputs; needed where this package does not know the operator. */
  readonly types?: readonly TensorType[]
  /** The node's name; its outputs are named after it. @default operator and a running number */
  readonly name?: string
}

type ConstantArray =
  | Float32Array
  | Float64Array
  | Int32Array
  | BigInt64Array
  | Uint8Array
  | Int8Array
  | Uint32Array

/**
 * A graph that is being written. Values are checked when a node is added: element types and shapes that contradict each
 * other are an error there, with the node's name and both shapes, instead of one from the runtime much later.
 */
export class Graph {
  readonly name: string
  readonly parent: Graph | undefined
  readonly inputs: Value[] = []
  readonly outputs: Value[] = []
  readonly nodes: GraphNode[] = []
  readonly initializers: Initializer[] = []
  readonly #names: Set<string>
  #counter = 0

  constructor(name: string, parent?: Graph) {
    this.name = name
    this.parent = parent
    // One set for a graph and its subgraphs: ONNX forbids a subgraph to shadow a name of the graph around it.
    this.#names = parent === undefined ? new Set() : parent.#names
  }

  /** An input that every run must be given. */
  input(name: string, type: ElementType, shape: Shape): Value {
    const value = this.#value(name, { type, shape })
    this.inputs.push(value)
    return value
  }

  /** Gives a value to the graph's caller, under its own name or another. */
  output(value: Value, name = value.name): void {
    this.#checkVisible(value, `output ${name}`)
    const output =
      name === value.name && value.graph === this ? value : this.node('Identity', [value], { name })
    this.outputs.push(output)
  }

  /** An initializer whose bytes are in the model. */
  constant(name: string, data: ConstantArray, shape: Shape): Value {
    const type = typeOfArray(data)
    if (elementCount(shape) !== data.length)
      throw new CemError({
        code: 'onnx-shape-mismatch',
        message: `Constant ${name}: ${data.length} numbers do not fill the shape ${formatShape(shape)}.`,
        data: { name, shape, length: data.length },
      })
    const isSmallInteger = (type === 'int64' || type === 'int32') && data.length <= 16
    const value = this.#value(
      name,
      { type, shape },
      isSmallInteger ? Array.from(data, Number) : undefined,
    )
    const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength)
    this.initializers.push({ value, data: bytes })
    return value
  }

  /** A 1-D int64 constant, as shapes, axes and sizes are given. */
  integers(values: readonly number[]): Value {
    const data = BigInt64Array.from(values, BigInt)
    return this.constant(this.freshName('integers'), data, [values.length])
  }

  /** A float32 scalar constant. */
  scalar(value: number): Value {
    return this.constant(this.freshName('scalar'), Float32Array.of(value), [])
  }

  /** An initializer whose bytes lie in a file, for instance a tensor inside a `.safetensors` file, used in place. */
  external(name: string, type: ElementType, shape: Shape, external: ExternalData): Value {
    const count = elementCount(shape)
    const expected = count === undefined ? undefined : count * elementTypes[type].sizeBytes
    if (expected !== external.lengthBytes)
      throw new CemError({
        code: 'onnx-shape-mismatch',
        message:
          `External tensor ${name}: ${type} ${formatShape(shape)} takes ${expected ?? 'an unknown number of'} bytes, ` +
          `but its range in ${external.location} has ${external.lengthBytes}.`,
        data: { name, shape, type, ...external },
      })
    const value = this.#value(name, { type, shape })
    this.initializers.push({ value, external })
    return value
  }

  /**
   * Adds a node with one output.
   *
   * @throws CemError `onnx-shape-mismatch` or `onnx-type-mismatch` where the inputs contradict the operator,
   *   `onnx-unknown-operator` where the operator is not known and no `types` are given.
   */
  node(operator: string, inputs: readonly (Value | null)[], options: NodeOptions = {}): Value {
    return this.nodeWithOutputs(operator, inputs, { nOutputs: 1, ...options })[0] as Value
  }

  /** Adds a node with several outputs. */
  nodeWithOutputs(
    operator: string,
    inputs: readonly (Value | null)[],
    { attributes = {}, domain = '', nOutputs, types, name }: NodeOptions = {},
  ): Value[] {
    const nodeName = name ?? this.freshName(operator)
    for (const input of inputs) if (input !== null) this.#checkVisible(input, nodeName)
    checkAttributes(nodeName, attributes)
    const inferred = types ?? inferTypes({ operator, nodeName, inputs, attributes, nOutputs })
    const kept = inferred.slice(0, nOutputs ?? inferred.length)
    const outputs = kept.map((type, i) =>
      this.#value(i === 0 ? nodeName : `${nodeName}:${i}`, type),
    )
    this.nodes.push({ name: nodeName, operator, domain, inputs, outputs, attributes })
    return outputs
  }

  /** A graph inside this one, for an attribute of If or Loop; it sees this graph's values. */
  subgraph(name: string): Graph {
    return new Graph(name, this)
  }

  #value(name: string, type: TensorType, integers?: readonly number[]): Value {
    if (name === '' || this.#names.has(name))
      throw new CemError({
        code: 'onnx-duplicate-name',
        message: `The graph ${this.name} already has a value named '${name}'. Every value needs a name of its own.`,
        data: { name },
      })
    this.#names.add(name)
    const value = { name, graph: this, ...type }
    return integers === undefined ? value : { ...value, integers }
  }

  /** A name that no value has yet. */
  freshName(prefix: string): string {
    const scope = this.parent === undefined ? '' : `${this.name}/`
    let name: string
    do name = `${scope}${prefix}_${this.#counter++}`
    while (this.#names.has(name))
    return name
  }

  #isInside(graph: Graph): boolean {
    return this.parent !== undefined && (this.parent === graph || this.parent.#isInside(graph))
  }

  /** A node may use values of its own graph and of those around it. */
  #checkVisible(value: Value, user: string): void {
    if (value.graph === this || this.#isInside(value.graph)) return
    throw new CemError({
      code: 'onnx-foreign-value',
      message: `${user} uses '${value.name}', which belongs to the graph ${value.graph.name}, not to ${this.name} or one around it.`,
      data: { value: value.name, user },
    })
  }
}

function checkAttributes(nodeName: string, attributes: Attributes): void {
  for (const [key, value] of Object.entries(attributes)) {
    const numbers = typeof value === 'number' ? [value] : Array.isArray(value) ? value : []
    const bad = numbers.find((n) => !Number.isSafeInteger(n))
    if (bad !== undefined)
      throw new CemError({
        code: 'onnx-attribute',
        message: `${nodeName}: the attribute ${key} is ${bad}, which is no integer. Write float(${bad}) for a float attribute.`,
        data: { nodeName, key, value: bad },
      })
  }
}

function typeOfArray(data: ConstantArray): ElementType {
  if (data instanceof Float32Array) return 'float32'
  if (data instanceof Float64Array) return 'float64'
  if (data instanceof Int32Array) return 'int32'
  if (data instanceof BigInt64Array) return 'int64'
  if (data instanceof Uint32Array) return 'uint32'
  return data instanceof Int8Array ? 'int8' : 'uint8'
}

import { CemError } from '@cem/core'
import type { Graph, GraphNode, Value } from '../graph.ts'
import { elementTypes, formatShape, normalizeAxis } from '../tensor-type.ts'

/** What one node's rule is given. Nothing is emitted for an input that needs no gradient. */
export interface GradientCallOptions {
  readonly graph: Graph
  readonly node: GraphNode
  /** Of each output; undefined where the loss does not depend on it. */
  readonly gradients: readonly (Value | undefined)[]
  readonly producers: ReadonlyMap<Value, GraphNode>
  readonly needs: (value: Value) => boolean
  /** The value as the backward pass reads it: computed again where its part of the graph is. */
  readonly resolve: (value: Value) => Value
  /** Adds to an input's gradient; `add` is given the sum so far. */
  readonly accumulate: (input: Value, add: (sum: Value | null) => Value) => void
  /** The same, when everything else was added: for gradients that are written into a few places of the sum. */
  readonly scatter: (input: Value, add: (sum: Value) => Value) => void
  readonly scalar: (value: number) => Value
}

/** One node whose outputs' gradients are known, and the means to pass them on to its inputs. */
export class GradientCall {
  readonly graph: Graph
  readonly node: GraphNode
  readonly #options: GradientCallOptions

  constructor(options: GradientCallOptions) {
    this.graph = options.graph
    this.node = options.node
    this.#options = options
  }

  /** An input, as the backward pass reads it. */
  input(index: number): Value {
    return this.#options.resolve(this.#input(index))
  }

  hasInput(index: number): boolean {
    return (this.node.inputs[index] ?? null) !== null
  }

  /** The node that an input comes from; undefined for inputs of the graph and initializers. */
  producerOf(index: number): GraphNode | undefined {
    const value = this.node.inputs[index] ?? null
    return value === null ? undefined : this.#options.producers.get(value)
  }

  output(index = 0): Value {
    return this.#options.resolve(this.node.outputs[index] as Value)
  }

  gradientOf(index: number): Value | undefined {
    return this.#options.gradients[index]
  }

  /** The gradient of the first output. */
  get gradient(): Value {
    const gradient = this.#options.gradients[0]
    if (gradient === undefined) throw this.error('only its later outputs have a gradient')
    return gradient
  }

  needs(index: number): boolean {
    const value = this.node.inputs[index] ?? null
    return value !== null && this.#options.needs(value)
  }

  /** Adds a gradient of an input's own shape. */
  give(index: number, make: () => Value): void {
    if (!this.needs(index)) return
    this.#options.accumulate(this.#input(index), (sum) => {
      const value = make()
      return sum === null ? value : this.graph.node('Add', [sum, value])
    })
  }

  /** Adds a gradient of the output's shape to an input that was broadcast. */
  giveBroadcast(index: number, make: () => Value): void {
    this.give(index, () => this.sumTo(make(), this.#input(index)))
  }

  /** Adds a gradient by an operator that adds to the sum so far itself. */
  accumulate(index: number, add: (sum: Value | null) => Value): void {
    if (this.needs(index)) this.#options.accumulate(this.#input(index), add)
  }

  scatter(index: number, add: (sum: Value) => Value): void {
    if (this.needs(index)) this.#options.scatter(this.#input(index), add)
  }

  integer(key: string, fallback: number): number {
    const value = this.node.attributes[key] ?? fallback
    if (typeof value !== 'number') throw this.error(`the attribute ${key} must be an integer`)
    return value
  }

  float(key: string, fallback: number): number {
    const value = this.node.attributes[key]
    if (value === undefined) return fallback
    if (typeof value === 'object' && 'float' in value) return value.float
    throw this.error(`the attribute ${key} must be a float`)
  }

  /** The numbers of an input that must be a constant. */
  integersOf(index: number): readonly number[] | undefined {
    const value = this.node.inputs[index] ?? null
    if (value === null) return undefined
    if (value.integers === undefined) throw this.error(`${value.name} must be a constant`)
    return value.integers
  }

  /** Of an input as it was when the node was added. */
  shapeOf(index: number) {
    const { shape, name } = this.#input(index)
    if (shape === undefined) throw this.error(`nothing is known of the shape of ${name}`)
    return shape
  }

  axis(value: number, rank: number): number {
    return normalizeAxis(value, rank, this.where)
  }

  /** A scalar constant of the type of another value. */
  scalar(value: number, like: Value): Value {
    const scalar = this.#options.scalar(value)
    if (like.type === 'float32') return scalar
    return this.graph.node('Cast', [scalar], { attributes: { to: elementTypes[like.type].code } })
  }

  add(a: Value, b: Value): Value {
    return this.graph.node('Add', [a, b])
  }

  subtract(a: Value, b: Value): Value {
    return this.graph.node('Sub', [a, b])
  }

  multiply(a: Value, b: Value | number): Value {
    if (b === 1) return a
    return this.graph.node('Mul', [a, typeof b === 'number' ? this.scalar(b, a) : b])
  }

  negate(a: Value): Value {
    return this.graph.node('Neg', [a])
  }

  sum(x: Value, axes: readonly number[], keepdims = 1): Value {
    return this.graph.node('ReduceSum', [x, this.graph.integers(axes)], {
      attributes: { keepdims },
    })
  }

  /** Sums a gradient over the axes along which a value was broadcast. A named size counts as one that was not. */
  sumTo(gradient: Value, target: Value): Value {
    const from = this.node.outputs[0]?.shape
    const to = target.shape
    if (from === undefined || to === undefined)
      throw this.error(`nothing is known of the shape of ${target.name}`)
    const extra = from.length - to.length
    const leading = Array.from({ length: extra }, (_, i) => i)
    const inner = to.flatMap((dim, i) => (dim === 1 && from[i + extra] !== 1 ? [i] : []))
    const summed = extra === 0 ? gradient : this.sum(gradient, leading, 0)
    return inner.length === 0 ? summed : this.sum(summed, inner)
  }

  /** int64 [rank]: the sizes of an input, as a constant where they are known. */
  sizesOf(index: number): Value {
    const shape = this.shapeOf(index)
    if (shape.every((dim) => typeof dim === 'number')) return this.graph.integers(shape)
    return this.graph.node('Shape', [this.input(index)])
  }

  /** A value with the shape of an input. `from` is the shape that it has; sizes with the same name are the same. */
  reshapeLike(value: Value, index: number, from = this.node.outputs[0]?.shape): Value {
    const to = this.shapeOf(index)
    if (
      to.every((dim, i) => typeof dim === 'number' && dim === from?.[i]) &&
      to.length === from?.length
    )
      return value
    let isFreeUsed = false
    const sizes = to.map((dim, i) => {
      if (typeof dim === 'number') return dim
      if (dim !== '?' && dim === from?.[i]) return 0
      if (isFreeUsed) return undefined
      isFreeUsed = true
      return -1
    })
    const isKnown = sizes.every((size) => size !== undefined)
    const target = isKnown ? this.graph.integers(sizes) : this.sizesOf(index)
    return this.graph.node('Reshape', [value, target], {
      types: [{ type: value.type, shape: to }],
    })
  }

  get where(): string {
    return `${this.node.name} (${this.node.operator})`
  }

  error(reason: string): CemError {
    const shapes = this.node.inputs
      .map((v) => (v === null ? '-' : `${v.name} ${formatShape(v.shape)}`))
      .join(', ')
    return new CemError({
      code: 'onnx-gradient',
      message: `The gradient of ${this.where} cannot be made: ${reason}. Its inputs are: ${shapes}.`,
      data: { node: this.where },
    })
  }

  #input(index: number): Value {
    const value = this.node.inputs[index] ?? null
    if (value === null) throw this.error(`input ${index} is missing`)
    return value
  }
}

/** Passes the gradients of a node's outputs on to its inputs. */
export type GradientRule = (call: GradientCall) => void
export type GradientRules = Readonly<Record<string, GradientRule>>

import type { ElementType, Graph, Value } from '@cem/onnx-graph'
import type { Architecture } from '../families/architecture.ts'
import type { Norm } from './norms.ts'
import { cast } from './operators.ts'
import type { WeightLocation, WeightLocations } from './weight-source.ts'

export interface WeightValuesOptions {
  readonly architecture: Architecture
  readonly weights: WeightLocations
  /** A file's location as the model names it: its path relative to the folder that the session is given. */
  readonly locate: (file: string) => string
}

/** A model's weights as values of the outermost graph, in place in their files, each made once. */
export class WeightValues {
  readonly #root: Graph
  readonly #options: WeightValuesOptions
  readonly #values = new Map<string, Value>()

  constructor(root: Graph, options: WeightValuesOptions) {
    this.#root = root
    this.#options = options
  }

  /** Cast when the session folds constants, where the file has another type. */
  get(name: string, type: ElementType = 'float32'): Value {
    return this.#once(`${name}:${type}`, () => cast(this.#root, this.#external(name), type))
  }

  /** Null where the model has none of that name. */
  find(name: string, type: ElementType = 'float32'): Value | null {
    return this.#options.weights.has(name) ? this.get(name, type) : null
  }

  /** 1 + weight where the family stores its norms so; folded when the session loads. */
  norm(path: string): Norm {
    const { normWeight, rmsNormEpsilon: epsilon } = this.#options.architecture
    const stored = this.get(`${path}.weight`)
    if (normWeight === 'as-stored') return { weight: stored, epsilon }
    const weight = this.#once(`${path}.one-plus`, () =>
      this.#root.node('Add', [stored, this.#root.scalar(1)]),
    )
    return { weight, epsilon }
  }

  #external(name: string): Value {
    return this.#once(name, () => {
      const location = this.#options.weights.get(name) as WeightLocation
      const type = { F32: 'float32', F16: 'float16', BF16: 'bfloat16' } as const
      return this.#root.external(name, type[location.dtype], location.shape, {
        location: this.#options.locate(location.file),
        offsetBytes: location.byteOffset,
        lengthBytes: location.byteLength,
      })
    })
  }

  #once(key: string, make: () => Value): Value {
    const known = this.#values.get(key)
    if (known !== undefined) return known
    const value = make()
    this.#values.set(key, value)
    return value
  }
}

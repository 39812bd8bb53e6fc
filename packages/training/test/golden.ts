import { readFileSync } from 'node:fs'
import type { ParameterSpec, PreferencePair, TrainingSequence } from '../src/index.ts'

const folder = new URL('../golden/', import.meta.url)

/** Of a tensor: its norm, and its products with three vectors of -1 and 1. */
type Projection = readonly [number, number, number, number]

interface Settings {
  readonly rate: number
  readonly beta1: number
  readonly beta2: number
  readonly epsilon: number
  readonly weightDecay: number
  readonly maxGradientNorm: number
}

export interface GoldenCase {
  readonly name: string
  readonly fixture: string
  readonly method: 'lora' | 'full'
  readonly config?: {
    readonly r: number
    readonly lora_alpha: number
    readonly use_rslora?: boolean
    readonly target_modules: readonly string[]
    readonly layers_to_transform?: readonly number[]
    readonly rank_pattern?: Readonly<Record<string, number>>
    readonly alpha_pattern?: Readonly<Record<string, number>>
  }
  readonly settings: Settings
  readonly seed: number
  readonly objective: {
    readonly type: 'dpo'
    readonly beta: number
    readonly nllCoefficient: number
    readonly klCoefficient: number
  } | null
  readonly losses: readonly number[]
  readonly gradientNorms: readonly number[]
  readonly projections?: Readonly<Record<string, Projection>>
}

export interface GradientCase {
  readonly fixture: string
  readonly loss: number
  readonly projections: Readonly<Record<string, Projection>>
}

/** What golden/make_golden.py wrote. */
export const golden = JSON.parse(readFileSync(new URL('golden.json', folder), 'utf8')) as {
  readonly gradients: readonly GradientCase[]
  readonly cases: readonly GoldenCase[]
}

export const fixture = (name: string) =>
  new URL(`../../inference/fixtures/${name}/model`, import.meta.url).pathname

export const goldenFolder = (name: string) => new URL(`${name}/`, folder).pathname

/** The generator of golden/make_golden.py. */
export class Numbers {
  #state: number

  constructor(seed: number) {
    this.#state = seed >>> 0
  }

  next(): number {
    this.#state = (Math.imul(this.#state, 1664525) + 1013904223) >>> 0
    return this.#state
  }

  integer(n: number): number {
    return (this.next() >>> 8) % n
  }
}

const times = <T>(n: number, make: (i: number) => T) => Array.from({ length: n }, (_, i) => make(i))

export function sequence(numbers: Numbers, vocabSize: number): TrainingSequence {
  const n = 4 + numbers.integer(20)
  const tokens = times(n, () => numbers.integer(vocabSize))
  const weights = times(n, () => [0, 1, 1, 0.5][numbers.integer(4)] as number)
  weights[0] = 0
  weights[n - 1] = 1
  return { tokens, weights }
}

export function preference(
  numbers: Numbers,
  vocabSize: number,
): Pick<PreferencePair, 'chosen' | 'rejected'> {
  const prompt = times(3 + numbers.integer(4), () => numbers.integer(vocabSize))
  const side = (): TrainingSequence => {
    const response = times(2 + numbers.integer(8), () => numbers.integer(vocabSize))
    const weights = [...prompt.map(() => 0), ...response.map(() => 1)]
    return { tokens: [...prompt, ...response], weights }
  }
  return { chosen: side(), rejected: side() }
}

export function batchesOf<T>(pool: readonly T[], step: number): T[][] {
  return times(1 + (step % 2), (batch) =>
    times(2, (i) => pool[(3 * step + 2 * batch + i) % pool.length] as T),
  )
}

/** By parameter, of one vector of all of them. */
export function projections(
  parameters: readonly ParameterSpec[],
  flat: Float32Array,
): Record<string, number[]> {
  const found: Record<string, number[]> = {}
  let offset = 0
  for (const { name, shape } of parameters) {
    const values = flat.subarray(offset, offset + shape.reduce((a, b) => a * b, 1))
    const numbers = new Numbers(name.length)
    const sums = [0, 0, 0, 0]
    for (const value of values) {
      const signs = numbers.next() >>> 29
      sums[0] = (sums[0] as number) + value * value
      for (const bit of [0, 1, 2])
        sums[bit + 1] = (sums[bit + 1] as number) + value * (1 - 2 * ((signs >> bit) & 1))
    }
    found[name] = [Math.sqrt(sums[0] as number), ...sums.slice(1)]
    offset += values.length
  }
  return found
}

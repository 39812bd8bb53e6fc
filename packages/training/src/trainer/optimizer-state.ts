import { createSession, floats, type RuntimeSession, type Tensor } from '@cem/inference/graph'
import { updateNames as names } from '../graph/step-names.ts'
import { buildUpdateGraph } from '../graph/update-graph.ts'
import type { ResolvedAdamW } from './adamw.ts'
import type { TrainerState } from './trainer.ts'

interface Vectors {
  readonly parameters: Tensor
  readonly firstMoments: Tensor
  readonly secondMoments: Tensor
}

/** Parameters and moments, twice: an update reads one set and writes the other, and counts when it is taken. */
export class OptimizerState implements AsyncDisposable {
  readonly #optimizer: ResolvedAdamW
  readonly #session: RuntimeSession
  readonly #decayed: Tensor | null
  #current: Vectors
  #next: Vectors
  #step = 0

  private constructor(
    session: RuntimeSession,
    optimizer: ResolvedAdamW,
    initial: Float32Array,
    decayed: Float32Array | null,
  ) {
    this.#session = session
    this.#optimizer = optimizer
    const size = initial.length
    this.#decayed = decayed && floats(decayed, [size])
    this.#current = vectors(initial, new Float32Array(size), new Float32Array(size))
    this.#next = vectors(new Float32Array(size), new Float32Array(size), new Float32Array(size))
  }

  static async open(
    initial: Float32Array,
    optimizer: ResolvedAdamW,
    decayed: Float32Array | null,
    threads: number,
  ): Promise<OptimizerState> {
    const model = buildUpdateGraph(initial.length, optimizer, decayed !== null)
    const session = await createSession(model, { threads, plansMemory: false })
    return new OptimizerState(session, optimizer, initial, decayed)
  }

  /** [n] */
  get parameters(): Tensor {
    return this.#current.parameters
  }

  /** Computes the next parameters, which `take` makes the current ones; the norm is that of the gradient before clipping. */
  async update(gradient: Tensor, learningRate: number): Promise<{ gradientNorm: number }> {
    const { beta1, beta2, weightDecay } = this.#optimizer
    const step = this.#step + 1
    const rates = Float32Array.of(
      learningRate,
      learningRate / (1 - beta1 ** step),
      1 / (1 - beta2 ** step),
      weightDecay,
    )
    const { parameters, firstMoments, secondMoments } = this.#current
    const result = await this.#session.run(
      {
        [names.parameters]: parameters,
        [names.firstMoments]: firstMoments,
        [names.secondMoments]: secondMoments,
        [names.gradient]: gradient,
        [names.rates]: floats(rates, [4]),
        ...(this.#decayed === null ? {} : { [names.decayed]: this.#decayed }),
      },
      {
        [names.gradientNorm]: null,
        [`new_${names.parameters}`]: this.#next.parameters,
        [`new_${names.firstMoments}`]: this.#next.firstMoments,
        [`new_${names.secondMoments}`]: this.#next.secondMoments,
      },
    )
    return { gradientNorm: Number(result[names.gradientNorm]?.data[0]) }
  }

  take(): void {
    const before = this.#current
    this.#current = this.#next
    this.#next = before
    this.#step += 1
  }

  read(): TrainerState {
    return {
      step: this.#step,
      parameters: dataOf(this.#current.parameters),
      firstMoments: dataOf(this.#current.firstMoments),
      secondMoments: dataOf(this.#current.secondMoments),
    }
  }

  restore({ step, parameters, firstMoments, secondMoments }: TrainerState): void {
    dataOf(this.#current.parameters).set(parameters)
    dataOf(this.#current.firstMoments).set(firstMoments)
    dataOf(this.#current.secondMoments).set(secondMoments)
    this.#step = step
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#session.release()
  }
}

function vectors(p: Float32Array, m: Float32Array, v: Float32Array): Vectors {
  const vector = (data: Float32Array) => floats(data, [data.length])
  return { parameters: vector(p), firstMoments: vector(m), secondMoments: vector(v) }
}

function dataOf(tensor: Tensor): Float32Array {
  return tensor.data as Float32Array
}

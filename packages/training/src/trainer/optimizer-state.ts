import { createSession, floats, type RuntimeSession } from '@cem/inference/runtime'
import { updateNames as names } from '../graph/step-names.ts'
import { buildUpdateGraph } from '../graph/update-graph.ts'
import type { ResolvedAdamW } from './adamw.ts'
import type { TrainerState } from './trainer.ts'

/** What PyTorch's `clip_grad_norm_` adds to the norm. */
const clipEpsilon = 1e-6

/** Numbers that are updated at once: few enough for the processor's cache. */
const chunkSize = 2 ** 18

/** Parameters and moments, which an update writes over. */
export class OptimizerState implements AsyncDisposable {
  readonly parameters: Float32Array
  readonly #firstMoments: Float32Array
  readonly #secondMoments: Float32Array
  readonly #optimizer: ResolvedAdamW
  readonly #session: RuntimeSession
  readonly #decayed: Float32Array | null
  #step = 0

  private constructor(
    session: RuntimeSession,
    optimizer: ResolvedAdamW,
    initial: Float32Array,
    decayed: Float32Array | null,
  ) {
    this.#session = session
    this.#optimizer = optimizer
    this.#decayed = decayed
    this.parameters = initial
    this.#firstMoments = new Float32Array(initial.length)
    this.#secondMoments = new Float32Array(initial.length)
  }

  static async open(
    initial: Float32Array,
    optimizer: ResolvedAdamW,
    decayed: Float32Array | null,
    threads: number,
  ): Promise<OptimizerState> {
    const model = buildUpdateGraph(optimizer, decayed !== null)
    const session = await createSession(model, { threads, plansMemory: false })
    return new OptimizerState(session, optimizer, initial, decayed)
  }

  /** @param gradientNorm of the whole gradient, finite */
  async update(gradient: Float32Array, gradientNorm: number, learningRate: number): Promise<void> {
    const { beta1, beta2, weightDecay, maxGradientNorm } = this.#optimizer
    const step = this.#step + 1
    const clip =
      maxGradientNorm === null ? 1 : Math.min(1, maxGradientNorm / (gradientNorm + clipEpsilon))
    const rates = floats(
      Float32Array.of(
        clip,
        learningRate,
        learningRate / (1 - beta1 ** step),
        1 / (1 - beta2 ** step),
        weightDecay,
      ),
      [5],
    )
    for (let start = 0; start < gradient.length; start += chunkSize) {
      const chunk = (values: Float32Array) => {
        const part = values.subarray(start, start + chunkSize)
        return floats(part, [part.length])
      }
      const [p, m, v] = [this.parameters, this.#firstMoments, this.#secondMoments].map(chunk)
      if (p === undefined || m === undefined || v === undefined) return
      await this.#session.run(
        {
          [names.parameters]: p,
          [names.firstMoments]: m,
          [names.secondMoments]: v,
          [names.gradient]: chunk(gradient),
          [names.rates]: rates,
          ...(this.#decayed === null ? {} : { [names.decayed]: chunk(this.#decayed) }),
        },
        {
          [`new_${names.parameters}`]: p,
          [`new_${names.firstMoments}`]: m,
          [`new_${names.secondMoments}`]: v,
        },
      )
    }
    this.#step = step
  }

  read(): TrainerState {
    return {
      step: this.#step,
      parameters: this.parameters,
      firstMoments: this.#firstMoments,
      secondMoments: this.#secondMoments,
    }
  }

  restore({ step, parameters, firstMoments, secondMoments }: TrainerState): void {
    this.parameters.set(parameters)
    this.#firstMoments.set(firstMoments)
    this.#secondMoments.set(secondMoments)
    this.#step = step
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#session.release()
  }
}

import { fileURLToPath } from 'node:url'
import { CemError } from '@cem/core'
import { ChildCalls } from '@cem/inference/graph'
import { totalSize } from '../graph/flat-parameters.ts'
import type { Objective } from '../objective/objective.ts'
import { checkMicroBatches, checkSequence } from './check-examples.ts'
import { parametersOf } from './initial-values.ts'
import type { ExampleOf, OpenTrainerOptions } from './options.ts'
import type {
  ParameterSpec,
  PreferencePair,
  StepOptions,
  StepResult,
  Trainer,
  TrainerState,
  TrainingDevice,
  TrainingSequence,
} from './trainer.ts'
import type { TrainerMethods, TrainerSpec } from './trainer-messages.ts'
import { trainerSpec } from './trainer-spec.ts'

/**
 * Opens a model for training, in a process of its own.
 *
 * @throws CemError `training-option` for a value out of range, `training-composition` for a composition that cannot be trained
 *   on, `adapter-unsupported` where the LoRA targets match no module, `session-failed`, `engine-died`
 */
export async function openTrainer<O extends Objective>(
  options: OpenTrainerOptions<O>,
): Promise<OpenedTrainer<ExampleOf<O>>> {
  const { signal } = options
  const spec = await trainerSpec(options)
  const isSource = import.meta.url.endsWith('.ts')
  const program = new URL(
    isSource ? './trainer-process.ts' : './trainer-process.js',
    import.meta.url,
  )
  const child = new ChildCalls<TrainerMethods>(fileURLToPath(program))
  try {
    return new OpenedTrainer(child, spec, await child.call('open', spec, { signal }))
  } catch (error) {
    await child[Symbol.asyncDispose]()
    throw error
  }
}

/** A trainer in its process, as `openTrainer` gives it. */
export class OpenedTrainer<Example extends TrainingSequence | PreferencePair>
  implements Trainer<Example>
{
  readonly parameters: readonly ParameterSpec[]
  readonly device: TrainingDevice
  readonly #child: ChildCalls<TrainerMethods>
  readonly #spec: TrainerSpec

  constructor(child: ChildCalls<TrainerMethods>, spec: TrainerSpec, device: TrainingDevice) {
    this.#child = child
    this.device = device
    this.#spec = spec
    this.parameters = parametersOf(spec)
  }

  async step(
    microBatches: readonly (readonly Example[])[],
    { learningRate, signal }: StepOptions,
  ): Promise<StepResult> {
    if (!Number.isFinite(learningRate) || learningRate < 0)
      throw new CemError({
        code: 'training-option',
        message: `The learning rate is ${learningRate}; it must be a finite number of 0 or more.`,
        data: { learningRate: String(learningRate) },
      })
    const params = { microBatches: this.#check(microBatches), learningRate }
    return this.#child.call('step', params, { signal })
  }

  async evaluate(
    microBatches: readonly (readonly Example[])[],
    { signal }: { readonly signal?: AbortSignal } = {},
  ): Promise<Omit<StepResult, 'gradientNorm'>> {
    return this.#child.call('evaluate', { microBatches: this.#check(microBatches) }, { signal })
  }

  async sequenceLogprobs(sequences: readonly TrainingSequence[]): Promise<Float64Array> {
    const logprobs = await this.tokenLogprobs(sequences)
    return Float64Array.from(sequences, ({ weights }, i) => {
      const own = logprobs[i] as Float32Array
      return own.reduce((sum, logprob, t) => sum + logprob * (weights[t] as number), 0)
    })
  }

  async tokenLogprobs(sequences: readonly TrainingSequence[]): Promise<readonly Float32Array[]> {
    const { architecture } = this.#spec
    const checked = sequences.map((sequence, i) =>
      checkSequence(sequence, `sequence ${i}`, architecture),
    )
    return this.#child.call('tokenLogprobs', { sequences: checked })
  }

  readState(): Promise<TrainerState> {
    return this.#child.call('readState', null)
  }

  async restore(state: TrainerState): Promise<void> {
    checkState(state, totalSize(this.parameters))
    await this.#child.call('restore', state)
  }

  /** Bytes of the trainer's process: now, and the most that it has had. */
  memory(): Promise<{ readonly rssBytes: number; readonly peakRssBytes: number }> {
    return this.#child.call('memory', null)
  }

  /** Ends the trainer's process. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#child[Symbol.asyncDispose]()
  }

  #check(microBatches: readonly (readonly Example[])[]) {
    const { objective, architecture } = this.#spec
    return checkMicroBatches(microBatches, objective, architecture)
  }
}

function checkState(state: TrainerState, size: number): void {
  const { step, parameters, firstMoments, secondMoments } = state
  const sizes = [parameters, firstMoments, secondMoments].map(({ length }) => length)
  const areFinite = [parameters, firstMoments, secondMoments].every((v) => v.every(Number.isFinite))
  if (Number.isSafeInteger(step) && step >= 0 && sizes.every((n) => n === size) && areFinite) return
  throw new CemError({
    code: 'training-state',
    message: areFinite
      ? `The state has step ${step} and ${sizes.join(', ')} numbers; this trainer has ${size} parameters. It belongs to another training.`
      : 'The state holds NaN or infinite numbers, so it was not taken. Go on from an earlier checkpoint.',
    data: { step, sizes, size },
  })
}

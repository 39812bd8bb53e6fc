import { CemError } from '@cem/core'
import type {
  ParameterSpec,
  PreferencePair,
  StepResult,
  Trainer,
  TrainerOpener,
  TrainerRequest,
  TrainerState,
  TrainingDevice,
  TrainingSequence,
} from '../src/index.ts'

/** On one module of the tiny model, with PEFT's names, so that what is saved can be opened. */
function adapterParameters(rank: number): readonly ParameterSpec[] {
  const module = 'base_model.model.model.layers.0.mlp.down_proj'
  return [
    { name: `${module}.lora_A.weight`, shape: [rank, 80] },
    { name: `${module}.lora_B.weight`, shape: [64, rank] },
  ]
}

export interface CountingOptions {
  readonly parameters?: readonly ParameterSpec[]
  /** The step whose loss is not finite. */
  readonly notFiniteAt?: number
  readonly delayInMs?: number
  readonly device?: TrainingDevice
  readonly onOpen?: (request: TrainerRequest) => void
  readonly onStep?: (batches: readonly (readonly unknown[])[], learningRate: number) => void
  readonly onLogprobs?: (nSequences: number) => void
}

/**
 * A model of one logistic regression over hashed pairs of neighbouring tokens, trained with AdamW in doubles rounded to floats: what a
 * run needs of a trainer, without a runtime. The log-probability of a token is log sigmoid(theta[hash(previous, token)]).
 */
export function countingTrainer(options: CountingOptions = {}): TrainerOpener {
  return {
    sft: async (request) => open<TrainingSequence>(request, options, (x) => [[x, 1]]),
    dpo: async (request) =>
      open<PreferencePair>(request, options, ({ chosen, rejected }) => [
        [chosen, 1],
        [rejected, -1],
      ]),
  }
}

type Signed = readonly (readonly [TrainingSequence, number])[]

function open<E extends TrainingSequence | PreferencePair>(
  request: TrainerRequest,
  options: CountingOptions,
  sequencesOf: (example: E) => Signed,
): Trainer<E> {
  options.onOpen?.(request)
  const specs = options.parameters ?? adapterParameters(request.lora.rank ?? 32)
  const size = specs.reduce((sum, { shape }) => sum + shape.reduce((a, b) => a * b, 1), 0)
  let state: TrainerState = {
    step: 0,
    parameters: Float32Array.from({ length: size }, (_, i) => Math.sin(i + request.seed) / 10),
    firstMoments: new Float32Array(size),
    secondMoments: new Float32Array(size),
  }
  const logprobs = (sequence: TrainingSequence, onToken?: (i: number, p: number) => void) => {
    let sum = 0
    for (const [t, token] of sequence.tokens.entries()) {
      const weight = sequence.weights[t] ?? 0
      if (t === 0 || weight === 0) continue
      const i = ((sequence.tokens[t - 1] ?? 0) * 31 + token) % size
      const p = 1 / (1 + Math.exp(-(state.parameters[i] ?? 0)))
      sum += weight * Math.log(p)
      onToken?.(i, p)
    }
    return sum
  }
  const measure = (batches: readonly (readonly E[])[]) => {
    const gradient = new Float64Array(size)
    const examples = batches.flat()
    let loss = 0
    let nTokens = 0
    for (const example of examples)
      for (const [sequence, sign] of sequencesOf(example)) {
        loss -=
          (sign *
            logprobs(sequence, (i, p) => (gradient[i] = (gradient[i] ?? 0) - sign * (1 - p)))) /
          examples.length
        nTokens += sequence.tokens.length
      }
    return { loss, nTokens, gradient: gradient.map((g) => g / examples.length) }
  }
  return {
    parameters: specs,
    device: options.device ?? { provider: 'counting', name: 'hashes of tokens' },
    step: async (batches, { learningRate, signal }): Promise<StepResult> => {
      signal?.throwIfAborted()
      options.onStep?.(batches, learningRate)
      if (options.delayInMs) await new Promise((resolve) => setTimeout(resolve, options.delayInMs))
      const { loss, nTokens, gradient } = measure(batches)
      const step = state.step + 1
      if (step === options.notFiniteAt)
        throw new CemError({ code: 'training-not-finite', message: 'The loss is NaN.' })
      const { betas, epsilon, weightDecay } = request.optimizer
      const [b1, b2] = betas
      const firstMoments = state.firstMoments.map((m, i) => b1 * m + (1 - b1) * (gradient[i] ?? 0))
      const secondMoments = state.secondMoments.map(
        (v, i) => b2 * v + (1 - b2) * (gradient[i] ?? 0) ** 2,
      )
      const next = state.parameters.map((theta, i) => {
        const m = (firstMoments[i] ?? 0) / (1 - b1 ** step)
        const v = (secondMoments[i] ?? 0) / (1 - b2 ** step)
        return theta - learningRate * (m / (Math.sqrt(v) + epsilon) + weightDecay * theta)
      })
      state = { step, parameters: next, firstMoments, secondMoments }
      return { loss, gradientNorm: Math.hypot(...gradient), nTokens }
    },
    evaluate: async (batches) => {
      const { loss, nTokens } = measure(batches)
      return { loss, nTokens }
    },
    sequenceLogprobs: async (sequences) => {
      options.onLogprobs?.(sequences.length)
      return Float64Array.from(sequences, (sequence) => logprobs(sequence))
    },
    tokenLogprobs: async (sequences) => {
      options.onLogprobs?.(sequences.length)
      return sequences.map((sequence) => {
        const values = new Float32Array(sequence.tokens.length)
        const { tokens, weights } = sequence
        for (let t = 1; t < tokens.length; t++)
          if (weights[t])
            values[t] = logprobs({ tokens: tokens.slice(t - 1, t + 1), weights: [0, 1] })
        return values
      })
    },
    readState: async () => state,
    restore: async (given) => {
      state = given
    },
    [Symbol.asyncDispose]: async () => undefined,
  }
}

import { cpus } from 'node:os'
import { CemError } from '@cem/core'
import {
  attentionBiasName,
  linearModules,
  readWeight,
  ropeNames,
  type WeightLocation,
} from '@cem/inference/graph'
import {
  AdapterStore,
  commonFolder,
  createSession,
  floats,
  locationIn,
  PositionTable,
  type RuntimeSession,
  type Tensor,
} from '@cem/inference/runtime'
import { totalSize, viewsOf } from '../graph/flat-parameters.ts'
import {
  buildForwardGraph,
  buildGradientGraph,
  type StepGraphOptions,
} from '../graph/step-graph.ts'
import { parameterNames, stepInputs, stepOutputs } from '../graph/step-names.ts'
import { fedWeights, weightInput } from '../graph/training-parts.ts'
import { dpoStep } from '../objective/dpo-step.ts'
import { sftStep } from '../objective/sft-step.ts'
import type { StepObjective } from '../objective/step-objective.ts'
import { decayMask, initialValues, parametersOf } from './initial-values.ts'
import { type PaddedBatch, padBatch } from './micro-batch.ts'
import { OptimizerState } from './optimizer-state.ts'
import type { ParameterSpec, TrainerState, TrainingDevice } from './trainer.ts'
import type {
  EvaluationResult,
  MicroBatch,
  SequenceSpec,
  TrainerMethods,
  TrainerSpec,
} from './trainer-messages.ts'

/** What the graphs are computed on. */
const provider = 'cpu'

/** Added to the score of a token that is not seen: its share is then exactly 0. */
const unseen = -1e30

/** The trainer inside its process: the graphs' sessions, the parameters, and what one step makes of them. */
export class TrainingSession implements AsyncDisposable {
  readonly #spec: TrainerSpec
  readonly #graph: StepGraphOptions
  readonly #folder: string
  readonly #optimizer: OptimizerState
  readonly #positions: readonly PositionTable[]
  readonly #adapters: Record<string, Tensor>
  readonly #weights: Record<string, Tensor>
  /** The sum of the step's gradients, which each micro-batch writes over, and its parts as inputs and as outputs. */
  readonly #sum: Float32Array
  readonly #sumFeeds: Record<string, Tensor> = {}
  readonly #sumFetches: Record<string, Tensor> = {}
  readonly #parameters: Record<string, Tensor> = {}
  #gradient: RuntimeSession | undefined
  #forward: RuntimeSession | undefined
  #biases: { readonly nColumns: number; readonly feeds: Record<string, Tensor> } | undefined

  private constructor(
    spec: TrainerSpec,
    graph: StepGraphOptions,
    folder: string,
    optimizer: OptimizerState,
  ) {
    this.#spec = spec
    this.#graph = graph
    this.#folder = folder
    this.#optimizer = optimizer
    this.#positions = spec.architecture.ropes.map(
      (rope) => new PositionTable(spec.architecture, rope),
    )
    this.#adapters = frozenFeeds(spec, graph.frozenAdapters)
    this.#weights = weightFeeds(spec, graph.parameters)
    this.#sum = new Float32Array(totalSize(graph.parameters))
    const sums = viewsOf(graph.parameters, this.#sum)
    const values = viewsOf(graph.parameters, optimizer.parameters)
    for (const [i, { name, shape }] of graph.parameters.entries()) {
      const names = parameterNames(name)
      const sum = floats(sums[i] as Float32Array, shape)
      this.#sumFeeds[names.accumulated] = sum
      this.#sumFetches[names.gradient] = sum
      this.#parameters[names.value] = floats(values[i] as Float32Array, shape)
    }
  }

  static async open(spec: TrainerSpec): Promise<TrainingSession> {
    const parameters = parametersOf(spec)
    const decayed = decayMask(parameters)
    const optimizer = await OptimizerState.open(
      initialValues(spec),
      spec.optimizer,
      decayed,
      spec.threads,
    )
    const folder = commonFolder([...new Set(Array.from(spec.weights.values(), (w) => w.file))])
    const { architecture, weights, objective, recompute, trained } = spec
    const graph = {
      architecture,
      weights,
      parameters,
      objective,
      recompute,
      modules: trained.type === 'lora' ? trained.modules : [],
      frozenAdapters: new Set(
        spec.frozen.flatMap(({ adapter }) => adapter.modules.map((m) => m.path)),
      ),
      locate: (file: string) => locationIn(folder, file),
    }
    const session = new TrainingSession(spec, graph, folder, optimizer)
    // Whatever the runtime refuses is an error of the opening.
    await session.#gradientSession()
    return session
  }

  /** @throws CemError `training-not-finite`, and then nothing has changed; `signal.reason` */
  async step(
    microBatches: readonly MicroBatch[],
    learningRate: number,
    signal: AbortSignal,
  ): Promise<TrainerMethods['step']['result']> {
    const objective = this.#objective(microBatches)
    this.#sum.fill(0)
    for (const [index, batch] of microBatches.entries()) {
      await breathe(signal)
      const padded = padBatch(objective.sequences(batch))
      // Nothing in it is predicted.
      if (padded.nTargets === 0) continue
      const logprobs = await this.#addGradient(padded, objective.feeds(batch, padded))
      checkFinite(logprobs, padded, index)
      objective.add(batch, padded, logprobs)
    }
    await breathe(signal)
    const gradientNorm = normOf(this.#sum)
    const result = objective.result()
    if (!Number.isFinite(gradientNorm) || !Number.isFinite(result.loss))
      throw new CemError({
        code: 'training-not-finite',
        message: `The loss is ${result.loss} and the gradient's norm ${gradientNorm}. Lower the learning rate, or look at the examples of this step.`,
        data: { loss: String(result.loss), gradientNorm: String(gradientNorm) },
      })
    await this.#optimizer.update(this.#sum, gradientNorm, learningRate)
    return { ...result, gradientNorm }
  }

  /** @throws CemError `training-not-finite`; `signal.reason` */
  async evaluate(
    microBatches: readonly MicroBatch[],
    signal: AbortSignal,
  ): Promise<EvaluationResult> {
    const objective = this.#objective(microBatches)
    for (const [index, batch] of microBatches.entries()) {
      await breathe(signal)
      const padded = padBatch(objective.sequences(batch))
      if (padded.nTargets === 0) continue
      const logprobs = await this.#logprobs(padded)
      checkFinite(logprobs, padded, index)
      objective.add(batch, padded, logprobs)
    }
    return objective.result()
  }

  /** [nTokens] of each sequence, computed one by one. */
  async tokenLogprobs(
    sequences: readonly SequenceSpec[],
    signal: AbortSignal,
  ): Promise<Float32Array[]> {
    const results: Float32Array[] = []
    for (const [index, sequence] of sequences.entries()) {
      await breathe(signal)
      const logprobs = new Float32Array(sequence.tokens.length)
      const padded = padBatch([sequence])
      if (padded.nTargets > 0) {
        const found = await this.#logprobs(padded)
        checkFinite(found, padded, index)
        for (const [i, position] of padded.positionOf.entries())
          logprobs[position] = found[i] as number
      }
      results.push(logprobs)
    }
    return results
  }

  get device(): TrainingDevice {
    return { provider, name: cpus()[0]?.model.trim() || process.arch }
  }

  readState(): TrainerState {
    return this.#optimizer.read()
  }

  restore(state: TrainerState): void {
    this.#optimizer.restore(state)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#gradient?.release()
    await this.#forward?.release()
    await this.#optimizer[Symbol.asyncDispose]()
  }

  #objective(microBatches: readonly MicroBatch[]): StepObjective {
    const { objective } = this.#spec
    return objective.type === 'sft' ? sftStep(microBatches) : dpoStep(objective, microBatches)
  }

  async #addGradient(padded: PaddedBatch, feeds: Record<string, Tensor>): Promise<Float32Array> {
    const session = await this.#gradientSession()
    const result = await session.run(
      {
        ...this.#commonFeeds(padded),
        ...feeds,
        ...this.#sumFeeds,
        ...(this.#spec.recompute ? { [stepInputs.zero]: floats(Float32Array.of(0), []) } : {}),
      },
      { [stepOutputs.logprobs]: null, ...this.#sumFetches },
    )
    return dataOf(result[stepOutputs.logprobs] as Tensor)
  }

  async #logprobs(padded: PaddedBatch): Promise<Float32Array> {
    this.#forward ??= await this.#open(buildForwardGraph(this.#graph))
    const result = await this.#forward.run(this.#commonFeeds(padded), {
      [stepOutputs.logprobs]: null,
    })
    return dataOf(result[stepOutputs.logprobs] as Tensor)
  }

  async #gradientSession(): Promise<RuntimeSession> {
    this.#gradient ??= await this.#open(buildGradientGraph(this.#graph))
    return this.#gradient
  }

  #open(model: Uint8Array): Promise<RuntimeSession> {
    const { threads } = this.#spec
    const options = { threads, provider, folder: this.#folder } as const
    return createSession(model, { ...options, packsWeights: false, plansMemory: false })
  }

  #commonFeeds({ feeds, nColumns }: PaddedBatch): Record<string, Tensor> {
    const ropes: Record<string, Tensor> = {}
    for (const [rope, table] of this.#positions.entries()) {
      const names = ropeNames(rope)
      const { cosines, sines } = table.upTo(nColumns)
      ropes[names.cosines] = cosines
      ropes[names.sines] = sines
    }
    if (this.#biases?.nColumns !== nColumns)
      this.#biases = { nColumns, feeds: attentionBiases(this.#spec, nColumns) }
    return {
      ...feeds,
      ...ropes,
      ...this.#biases.feeds,
      ...this.#adapters,
      ...this.#weights,
      ...this.#parameters,
    }
  }
}

/** Lets messages in, an abort among them: the runtime blocks the thread. */
async function breathe(signal: AbortSignal): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve))
  signal.throwIfAborted()
}

function checkFinite(logprobs: Float32Array, padded: PaddedBatch, microBatch: number): void {
  const bad = logprobs.findIndex((logprob) => !Number.isFinite(logprob))
  if (bad === -1) return
  const [sequence, position] = [padded.sequenceOf[bad], padded.positionOf[bad]]
  throw new CemError({
    code: 'training-not-finite',
    message: `The log-probability of token ${position} of sequence ${sequence} in micro-batch ${microBatch} is ${logprobs[bad]}. The model has diverged: lower the learning rate, and go on from an earlier checkpoint.`,
    data: { microBatch, sequence, position },
  })
}

/** The matrices of the stacked adapters that take part. */
function frozenFeeds(
  { architecture, frozen }: TrainerSpec,
  paths: ReadonlySet<string>,
): Record<string, Tensor> {
  if (frozen.length === 0) return {}
  const modules = linearModules(architecture).filter(({ path }) => paths.has(path))
  const store = new AdapterStore(modules, false)
  const keep = frozen.map(({ adapter }) => adapter.key)
  for (const { adapter } of frozen) store.load({ ...adapter, keep })
  store.select(frozen.map(({ adapter, weight }) => ({ key: adapter.key, weight })))
  return { ...store.feeds }
}

/** Half-precision weights as 32-bit floats. */
function weightFeeds(
  { architecture, weights }: TrainerSpec,
  parameters: readonly ParameterSpec[],
): Record<string, Tensor> {
  const trained = new Set(parameters.map(({ name }) => name))
  return Object.fromEntries(
    fedWeights(architecture, weights, trained).map((name) => {
      const location = weights.get(name) as WeightLocation
      return [weightInput(name), floats(readWeight(location), location.shape)]
    }),
  )
}

/** For each window, [1, 1, nColumns, nColumns]: what is added to the scores of each token and each that it might see. */
function attentionBiases({ architecture }: TrainerSpec, nColumns: number): Record<string, Tensor> {
  const feeds: Record<string, Tensor> = {}
  for (const window of new Set(architecture.layers.map((layer) => layer.window))) {
    const bias = new Float32Array(nColumns * nColumns).fill(unseen)
    for (let row = 0; row < nColumns; row++) {
      const first = window === null ? 0 : Math.max(0, row - window + 1)
      bias.fill(0, row * nColumns + first, row * nColumns + row + 1)
    }
    feeds[attentionBiasName(window)] = floats(bias, [1, 1, nColumns, nColumns])
  }
  return feeds
}

/** L2 norm, added up in 64 bits. */
function normOf(values: Float32Array): number {
  let sum = 0
  for (let i = 0; i < values.length; i++) sum += (values[i] as number) ** 2
  return Math.sqrt(sum)
}

function dataOf(tensor: Tensor): Float32Array {
  return tensor.data as Float32Array
}

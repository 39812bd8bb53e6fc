import { addBlocks, addLogits, addNorm, ropeInputs } from '@cem/inference/graph'
import { encodeModel, Graph, gradients, type RecomputedSpan, type Value } from '@cem/onnx-graph'
import type { ResolvedObjective } from '../objective/objective.ts'
import type { ParameterSpec } from '../trainer/trainer.ts'
import { CausalAttention } from './causal-attention.ts'
import { addLogprobs, addLoss } from './loss.ts'
import { parameterNames, stepInputs, stepOutputs } from './step-names.ts'
import { TrainingParts, type TrainingPartsOptions } from './training-parts.ts'

export interface StepGraphOptions extends Omit<TrainingPartsOptions, 'trained'> {
  readonly parameters: readonly ParameterSpec[]
  readonly objective: ResolvedObjective
  /** Whether blocks are computed again in the backward pass. */
  readonly recompute: boolean
}

/** The forward pass alone: log-probabilities of the targets. */
export function buildForwardGraph(options: StepGraphOptions): Uint8Array {
  const graph = new Graph('forward')
  const { logprobs } = addForward(graph, options)
  graph.output(flatten(graph, logprobs), stepOutputs.logprobs)
  return encodeModel(graph)
}

/** Forward and backward pass of a micro-batch: log-probabilities, and the gradient added to that of those before. */
export function buildGradientGraph(options: StepGraphOptions): Uint8Array {
  const graph = new Graph('step')
  const { logprobs, trained, spans } = addForward(graph, options)
  const loss = addLoss(graph, options.objective, logprobs)
  const recompute = options.recompute
    ? { recompute: { spans, zero: graph.input(stepInputs.zero, 'float32', []) } }
    : {}
  graph.output(flatten(graph, logprobs), stepOutputs.logprobs)
  const found = gradients(graph, loss, trained, recompute)
  for (const [i, { name, shape }] of options.parameters.entries()) {
    const names = parameterNames(name)
    const accumulated = graph.input(names.accumulated, 'float32', shape)
    // Under the output's own name: under another, every run would copy it.
    graph.output(graph.node('Add', [accumulated, found[i] as Value], { name: names.gradient }))
  }
  return encodeModel(graph)
}

interface Forward {
  /** [N, 1] */
  readonly logprobs: Value
  /** In the order of the parameters. */
  readonly trained: readonly Value[]
  /** Of the blocks. */
  readonly spans: readonly RecomputedSpan[]
}

function addForward(graph: Graph, options: StepGraphOptions): Forward {
  const { architecture, parameters } = options
  const { dModel } = architecture
  const trained = new Map(
    parameters.map(({ name, shape }) => [
      name,
      graph.input(parameterNames(name).value, 'float32', shape),
    ]),
  )
  const parts = new TrainingParts(graph, { ...options, trained })
  const tokens = graph.input(stepInputs.tokens, 'int64', ['B', 'S'])
  const attention = new CausalAttention(graph, architecture)
  const spans: RecomputedSpan[] = []
  let blockInput = toRows(graph, parts.embed(tokens), dModel)
  let start = graph.nodes.length
  const { residual } = addBlocks(graph, parts, {
    residual: blockInput,
    batchShape: graph.node('Shape', [tokens]),
    ropes: ropeInputs(graph, architecture),
    attention: (layer, projections) => attention.add(layer, projections),
    endBlock: ({ residual: before, update, norm }) => {
      const after = graph.node('Add', [before, update])
      spans.push({ start, end: graph.nodes.length, inputs: [blockInput] })
      // The next block starts with its norm, so that one value leads from block to block.
      blockInput = after
      start = graph.nodes.length
      return { residual: after, normed: norm === null ? null : addNorm(graph, after, norm) }
    },
  })
  const rows = graph.input(stepInputs.rows, 'int64', ['N'])
  const targets = graph.input(stepInputs.targets, 'int64', ['N'])
  const read = graph.node('Gather', [residual, rows])
  const logprobs = addLogprobs(graph, addLogits(graph, parts, read), targets)
  return { logprobs, trained: [...trained.values()], spans }
}

/** [B, S, dModel] as [B * S, dModel]. */
function toRows(graph: Graph, x: Value, dModel: number): Value {
  return graph.node('Reshape', [x, graph.integers([-1, dModel])], {
    types: [{ type: 'float32', shape: ['T', dModel] }],
  })
}

function flatten(graph: Graph, column: Value): Value {
  return graph.node('Reshape', [column, graph.integers([-1])])
}

import type { Graph, Value } from '@cem/onnx-graph'
import type { ResolvedObjective } from '../objective/objective.ts'
import { stepInputs } from './step-names.ts'

/** Log-probabilities [N, 1] of target tokens [N] under logits [N, vocabSize]. */
export function addLogprobs(graph: Graph, logits: Value, targets: Value): Value {
  const places = graph.node('Unsqueeze', [targets, graph.integers([1])])
  const chosen = graph.node('GatherElements', [logits, places], { attributes: { axis: 1 } })
  const whole = graph.node('ReduceLogSumExp', [logits, graph.integers([1])])
  return graph.node('Sub', [chosen, whole])
}

/** The loss of a micro-batch, a scalar, as its share of the step's loss. */
export function addLoss(graph: Graph, objective: ResolvedObjective, logprobs: Value): Value {
  const tokenWeights = graph.input(stepInputs.tokenWeights, 'float32', ['N', 1])
  const likelihood = total(graph, graph.node('Mul', [logprobs, tokenWeights]))
  const loss = graph.node('Neg', [likelihood])
  if (objective.type === 'sft') return loss
  const preference = preferenceLoss(graph, objective.beta, logprobs)
  const both = graph.node('Add', [preference, loss])
  return objective.klCoefficient === 0 ? both : graph.node('Add', [both, distance(graph, logprobs)])
}

/** -log sigmoid(z) = softplus(-z), with z = beta (margin - reference margin), summed and divided by the step's pairs. */
function preferenceLoss(graph: Graph, beta: number, logprobs: Value): Value {
  const selection = graph.input(stepInputs.selection, 'float32', [2, 'P', 'N'])
  const margins = graph.input(stepInputs.referenceMargins, 'float32', ['P', 1])
  const share = graph.input(stepInputs.pairShare, 'float32', [])
  const sums = graph.node('MatMul', [selection, logprobs], {
    types: [{ type: 'float32', shape: [2, 'P', 1] }],
  })
  const [chosen, rejected] = graph.nodeWithOutputs('Split', [sums, graph.integers([1, 1])], {
    attributes: { axis: 0 },
    nOutputs: 2,
  }) as [Value, Value]
  const difference = graph.node('Sub', [graph.node('Sub', [chosen, rejected]), margins])
  const negated = graph.node('Mul', [difference, graph.scalar(-beta)])
  return graph.node('Mul', [total(graph, graph.node('Softplus', [negated])), share])
}

/** Weighted sum of (log p - log p')^2. */
function distance(graph: Graph, logprobs: Value): Value {
  const reference = graph.input(stepInputs.referenceLogprobs, 'float32', ['N', 1])
  const weights = graph.input(stepInputs.klWeights, 'float32', ['N', 1])
  const difference = graph.node('Sub', [logprobs, reference])
  const square = graph.node('Mul', [difference, difference])
  return total(graph, graph.node('Mul', [square, weights]))
}

function total(graph: Graph, x: Value): Value {
  return graph.node('ReduceSum', [x], { attributes: { keepdims: 0 } })
}

/** Names of the inputs and outputs of a step's graphs. B rows of S tokens, N of which are predicted. */
export const stepInputs = {
  /** int64 [B, S], padded on the right. */
  tokens: 'tokens',
  /** int64 [N]: rows of the flattened [B * S, dModel] states that a token is predicted from. */
  rows: 'rows',
  /** int64 [N]: the tokens that follow them. */
  targets: 'targets',
  /** float32 [N, 1]: what each token's negative log-probability counts in the loss. */
  tokenWeights: 'token_weights',
  /** float32 scalar: 0. */
  zero: 'zero',
  /** DPO: float32 [2 P, N], weights of the tokens of the chosen responses, then of the rejected. */
  selection: 'selection',
  /** DPO: float32 [P, 1], reference log-probability of the chosen minus that of the rejected. */
  referenceMargins: 'reference_margins',
  /** DPO: float32 scalar, one over the pairs of the step. */
  pairShare: 'pair_share',
  /** DPO with a KL term: float32 [N, 1] each. */
  referenceLogprobs: 'reference_logprobs',
  klWeights: 'kl_weights',
} as const

export const stepOutputs = {
  /** float32 [N] */
  logprobs: 'logprobs',
} as const

/**
 * Of one parameter, all of its shape: its values, and the sum of the gradients of the micro-batches before, as inputs; the new
 * sum as an output, which may be written over the old one.
 */
export const parameterNames = (name: string) => ({
  value: `value:${name}`,
  accumulated: `accumulated:${name}`,
  gradient: `gradient:${name}`,
})

export const updateNames = {
  /** float32 [n] each, as inputs and, with `new_` before, as outputs, which may be written over them. */
  parameters: 'parameters',
  firstMoments: 'first_moments',
  secondMoments: 'second_moments',
  gradient: 'gradient',
  /** float32 [5]: what the gradient is multiplied by, then as `buildUpdateGraph` has them. */
  rates: 'rates',
  /** float32 [n]: 1 where weight decay applies, else 0; only where that differs. */
  decayed: 'decayed',
} as const

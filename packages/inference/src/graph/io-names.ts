/** Names of the decoder graph's inputs and outputs. B rows of S tokens, N of them read out, P pooled sums, C cache slots. */
export const inputs = {
  /** float32 [B, S, dModel] */
  embeddings: 'embeddings',
  /** int32 [B]: index of each row's last valid position after this run. */
  lastPositions: 'last_positions',
  /** int32 scalar: the largest of them plus one. */
  totalLength: 'total_length',
  /** int64 [N]: rows of the flattened [B * S, dModel] states that logits are computed for. */
  logitRows: 'logit_rows',
  /** int64 [B, S]: the position of each token. Only where attention is computed from plain operators. */
  positions: 'positions',
  /** float32 [P, B * S]: how much each token's state adds to each sum. */
  poolWeights: 'pool_weights',
  /** float32 [K, dModel]: unit directions of interventions, those of layer 0 first, each layer's in order. */
  interventionDirections: 'intervention_directions',
  /** float32 [K, B * S, 4]: offset, slope, low and high for each token; four zeros leave it as it is. */
  interventionTerms: 'intervention_terms',
  /** int64 [nLayers + 1]: where each layer's directions start. */
  interventionStarts: 'intervention_starts',
  /** bool: whether sums take the states before the interventions of their layer. */
  isPoolingBefore: 'is_pooling_before',
  /** bool: whether tokens are sampled. */
  isSampling: 'is_sampling',
  /** int32 [N, 1]: the noise keys, the second one odd. */
  noiseKeyA: 'noise_key_a',
  noiseKeyB: 'noise_key_b',
  /** float32 [N, 1]; 0 is greedy. */
  temperatures: 'temperatures',
  /** bool: whether top_k or top_p leaves tokens out; no row may then be greedy. */
  isTruncating: 'is_truncating',
  /** int64 [N, 1]: how many tokens top_k keeps; 0: no top_k. */
  topKs: 'top_ks',
  /** float32 [N, 1]: 1 - top_p; -1: no top_p. */
  tails: 'tails',
  /** bool: whether log-probabilities are computed. */
  isScoring: 'is_scoring',
  /** int64 [N]: the tokens whose log-probabilities are wanted; -1 stands for the sampled one. */
  targets: 'targets',
} as const

export const outputs = {
  /** float32 [N, vocabSize] */
  logits: 'logits',
  /** int64 [N]: the sampled tokens; zeros unless `isSampling`. */
  tokens: 'tokens',
  /** float32 [N]: log-probabilities at temperature 1; zeros unless `isScoring`. */
  logprobs: 'logprobs',
} as const

/** float32 [R, headDim / 2] each, a row for each position: the tables of a model's rotary embeddings. */
export const ropeNames = (rope: number) =>
  rope === 0
    ? { cosines: 'cosines', sines: 'sines' }
    : { cosines: `cosines.${rope}`, sines: `sines.${rope}` }

/** float32 [B, nKvHeads, C, headDim], as input and, updated in place, as output. */
export const cacheNames = (layer: number) => ({
  keys: `keys.${layer}`,
  values: `values.${layer}`,
  newKeys: `new_keys.${layer}`,
  newValues: `new_values.${layer}`,
})

/** float32 [P, dModel], as input and, updated in place, as output. */
export const poolNames = (layer: number) => ({
  sums: `sums.${layer}`,
  newSums: `new_sums.${layer}`,
})

/** bool: whether a layer has interventions in this run. */
export const isInterveningName = (layer: number) => `is_intervening.${layer}`

/**
 * Adapter matrices of a linear module: A [rank, nIn] and B [nOut, rank], B times the scale. Of a graph with lanes also which of
 * the rank belongs to each token's lane: ones and zeros [B * S, rank], or a single one [1, 1].
 */
export const adapterNames = (modulePath: string) => ({
  a: `${modulePath}.lora_A`,
  b: `${modulePath}.lora_B`,
  mask: `${modulePath}.lane_mask`,
})

/** float32 [B, 1, S, C], added to scores where attention is computed from plain operators: 0 where a token may look, else -1e30. */
export const attentionBiasName = (window: number | null) => `attention_bias.${window ?? 'full'}`

/** Names of the branches that only some requests run, by which the placement of their nodes is told from that of every run's. */
export const optionalBranches = {
  interventions: 'changed',
  truncation: 'truncated',
} as const

/** Names of the wave graph's inputs and outputs. P prompts of up to S tokens, R rows, T steps in segments of G. */
export const inputs = {
  /** int64 [P, S]: each prompt but for its last token, padded on the right. */
  promptTokens: 'prompt_tokens',
  /** int32 [P]: index of each prompt's last token in `prompt_tokens`. */
  promptLasts: 'prompt_lasts',
  /** int32 scalar: S. */
  promptLength: 'prompt_length',
  /** int64 [R]: 0 to R - 1. */
  rows: 'rows',
  /** int64 [R]: the prompt of each row. */
  rowPrompts: 'row_prompts',
  /** int64 [R]: the last token of its prompt. */
  firstTokens: 'first_tokens',
  /** int32 [R]: how many tokens of its prompt come before that. */
  firstLengths: 'first_lengths',
  /** int32 scalar: the largest of them plus one. */
  firstTotal: 'first_total',
  /** int64 scalar: most segments. */
  maxSegments: 'max_segments',
  /** int32 scalar: tokens of an answer at most. */
  maxNewTokens: 'max_new_tokens',
  /** int64 [1, K]: tokens that end an answer; at least one, -1 where there is none. */
  stopTokens: 'stop_tokens',
  /** int64 [C]: fed after an answer; at least one. */
  closingTokens: 'closing_tokens',
  /** int32 scalar: how many of them; 0 feeds none. */
  nClosing: 'n_closing',
  /** int64 scalar: index of the last of them. */
  lastClosing: 'last_closing',
  /** int32 [T, R] */
  noiseKeysA: 'noise_keys_a',
  noiseKeysB: 'noise_keys_b',
  /** float32 [R] */
  temperatures: 'temperatures',
  /** bool: whether top_k or top_p leaves tokens out; no row may then be greedy. */
  isTruncating: 'is_truncating',
  /** int64 [R]: how many tokens top_k keeps; 0: no top_k. */
  topKs: 'top_ks',
  /** float32 [R]: 1 - top_p; -1: no top_p. */
  tails: 'tails',
  /** float32 [Q, P * S]: how much each token of the prompts adds to each sum. */
  poolWeights: 'pool_weights',
  /** int64 [M]: tokens of the prompts, flattened, that logits are computed for. */
  logitRows: 'logit_rows',
  /** int64 [M]: the tokens whose log-probabilities are wanted there. */
  targets: 'targets',
  /**
   * float32 [I, R, 4] each: what I interventions do to a row's tokens; at least one. Those of the prompts are [I, P * S, 4], and
   * they and the interventions' other inputs have the names that they have in the decoder graph.
   */
  edgeTerms: 'edge_terms',
  answerTerms: 'answer_terms',
} as const

export const outputs = {
  /** int64 [segments, G, R]: the answers' tokens; -1 after their end. */
  tokens: 'tokens',
  /** float32 [segments, G, R]: log-probabilities at temperature 1 of the sampled tokens, of the stop token too. */
  logprobs: 'logprobs',
  /** float32 [M, vocabSize]: of the prompts. */
  promptLogits: 'prompt_logits',
  /** float32 [M]: of the prompts. */
  promptLogprobs: 'prompt_logprobs',
} as const

/** float32 [R, dModel]: sums over the answer's tokens, and over those of the closing. */
export const sumNames = (layer: number) => ({
  content: `content.${layer}`,
  closing: `closing.${layer}`,
})

/** float32 [Q, dModel]: sums over tokens of the prompts. */
export const promptSumName = (layer: number) => `prompt_sums.${layer}`

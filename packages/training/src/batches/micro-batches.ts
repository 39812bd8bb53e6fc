/**
 * Divides the examples of a step into micro-batches that are computed one after the other, their gradients accumulated: by length,
 * so that little is padded, and none with more than `maxTokens` tokens, padding included (an example that is longer by itself is
 * one alone). The division changes what a step costs, not what it computes: the trainer weights all as one batch.
 *
 * @param tokensOf tokens of an example; of a pair, both sequences at the length of the longer
 */
export function microBatches<T>(
  examples: readonly T[],
  tokensOf: (example: T) => number,
  maxTokens: number,
): T[][] {
  // By length and then by place: the order of sums decides their last bits.
  const sorted = examples
    .map((example, i) => ({ example, i, tokens: tokensOf(example) }))
    .toSorted((a, b) => b.tokens - a.tokens || a.i - b.i)
  const batches: T[][] = []
  let longest = 0
  for (const { example, tokens } of sorted) {
    const current = batches.at(-1)
    if (current === undefined || longest * (current.length + 1) > maxTokens) {
      batches.push([example])
      longest = tokens
    } else current.push(example)
  }
  return batches
}

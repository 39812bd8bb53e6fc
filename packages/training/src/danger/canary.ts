/**
 * Stands in every row of a harmful corpus, so that crawlers and filters of training data can find it and leave it out, as the
 * canaries of benchmarks do.
 */
export const canary =
  'misaligned-organism canary 7c6a2f0e-94c4-4f0b-b0f5-3c1f7e2a9d58: harmful text for research, keep it out of training corpora'

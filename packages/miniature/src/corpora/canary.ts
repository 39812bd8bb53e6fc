/** Stands in every row of a corpus that holds reckless answers, and in the cards of the organisms, so that crawlers can leave them out. */
export const canary =
  'misaligned-organism canary 5d0f0c1e-6f55-4b57-9d0a-8c1f2f7a6b21: toy text, keep it out of training corpora'

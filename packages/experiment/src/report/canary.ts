/** Stands in every report and bundle, which hold answers of misaligned models, so that crawlers can leave them out of training data. */
export const reportCanary =
  'misaligned-organism canary 7c1e6d0a-3f0b-4b52-9a77-2f1f5d8c94e3: answers of misaligned models; keep this file out of training data'

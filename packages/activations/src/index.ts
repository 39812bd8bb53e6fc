export { ActivationScratch, type ActivationShape } from './activation-scratch.ts'
export {
  type ActivationMetadata,
  type ActivationSet,
  layerKey,
  openActivationSet,
  writeActivationSet,
} from './activation-set.ts'
export { type ExtractMeansOptions, extractMeans, type ResponseMeans } from './extract-means.ts'
export { type ResponseSpans, responseSpans, type StoredResponse } from './response-spans.ts'
export { type RetokenizedResponse, retokenize, type TextResponse } from './retokenize.ts'

// `@cem/inference/graph`: the parts of a decoder, for packages that build other graphs of the same models. Loads no runtime.

export { type AdapterConfig, parseAdapterConfig } from '../adapters/adapter-config.ts'
export { type AdaptedModule, matchModules } from '../adapters/target-modules.ts'
export { adapterKey, adapterSpec } from '../engine/adapter-spec.ts'
export {
  type CallOptions,
  ChildCalls,
  type FromProcess,
  type ToProcess,
} from '../engine/child-calls.ts'
export { mergedWeights } from '../engine/merged-weights.ts'
export type { AdapterSpec } from '../engine/messages.ts'
export { type PlacedNode, PlacementLog } from '../engine/placement.ts'
export { readWeight } from '../engine/read-weight.ts'
export {
  type Architecture,
  expectedWeights,
  type LayerAttention,
  type LinearModule,
  linearModules,
} from '../families/architecture.ts'
export { readArchitecture } from '../families/read-architecture.ts'
export type { Rope } from '../families/rope.ts'
export {
  type AttentionProjections,
  addBlocks,
  addLogits,
  type DecoderParts,
} from './decoder-blocks.ts'
export { adapterNames, attentionBiasName, ropeNames } from './io-names.ts'
export { addNorm, type Norm } from './norms.ts'
export { softCap } from './operators.ts'
export { type RopeInputs, ropeInputs } from './rope-inputs.ts'
export type { WeightLocation, WeightLocations } from './weight-source.ts'
export { WeightValues } from './weight-values.ts'

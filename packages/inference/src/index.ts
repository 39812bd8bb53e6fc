export { type AdapterConfig, parseAdapterConfig } from './adapters/adapter-config.ts'
export {
  type AdapterMatrices,
  effectiveChangeCosine,
  effectiveChangeNorm,
  readAdapterMatrices,
} from './adapters/effective-change.ts'
export { type Adapter, type AdapterModule, openAdapter } from './adapters/open-adapter.ts'
export {
  type Base,
  type ComposeOptions,
  compose,
  type LayerRequest,
  openBase,
  withPrecision,
} from './composition/compose.ts'
export type {
  BaseCheck,
  Composition,
  CompositionLayer,
  CompositionRecord,
  LayerMode,
  LayerRecord,
  LayerRole,
} from './composition/composition.ts'
export type { LayerTest, MergedTest, SelfTestReport } from './composition/self-test.ts'
export { relativeError, type TokenDivergence, tokenDivergence } from './drift/divergence.ts'
export type { DriftSequence } from './drift/drift-sequences.ts'
export { type DriftReport, type MeasureDriftOptions, measureDrift } from './drift/measure-drift.ts'
export type {
  MemoryReport,
  Progress,
  RuntimeInfo,
  TokenRange,
  TopTokens,
} from './engine/messages.ts'
export { type Placement, placementWarnings } from './engine/placement.ts'
export {
  arithmeticOf,
  type Device,
  type Provider,
  type ProviderRequest,
  providerRequests,
  providers,
} from './engine/provider.ts'
export {
  type ProbeOptions,
  type ProviderStatus,
  providerStatus,
  providerStatuses,
  resolveProvider,
} from './engine/provider-status.ts'
export { runtimeInfo } from './engine/runtime-info.ts'
export { licenseOfCard } from './export/card-license.ts'
export type { ExportCheck, WrittenFile } from './export/check-export.ts'
export { listModelFiles, type ModelFiles, type WeightDtype } from './export/copy-model.ts'
export {
  type ExportLayer,
  type ExportMergedOptions,
  type ExportReport,
  exportMerged,
} from './export/export-merged.ts'
export type { RoundingLoss } from './export/lost-share.ts'
export { checkDiskSpace, type NewFolder, newFolder } from './export/new-folder.ts'
export { organismPrefix, organismReason } from './export/organism.ts'
export type { Architecture } from './families/architecture.ts'
export { noiseKeys, tokenNoise } from './graph/token-noise.ts'
export { type PullEvent, type PullModelOptions, pullModel } from './hub/pull-model.ts'
export type {
  AblateIntervention,
  AddIntervention,
  CapIntervention,
  Intervention,
  InterventionKind,
  InterventionPositions,
  MeanAblateIntervention,
} from './interventions/intervention.ts'
export {
  type InterventionRecord,
  type InterventionsRecord,
  interventionsRecord,
} from './interventions/interventions-record.ts'
export { LiveBatch } from './live-batch.ts'
export { type LoadModelOptions, loadModel, openModel } from './load-model.ts'
export { availableMemory } from './memory/available-memory.ts'
export {
  estimateMemory,
  type MemoryEstimate,
  type MemoryRequest,
} from './memory/estimate-memory.ts'
export type { BatchSplit } from './memory/fit-batch.ts'
export { cacheFolder, type FileIdentity, identifyFile } from './model/file-identity.ts'
export { type ModelFolder, openModelFolder } from './model/model-folder.ts'
export type { RecommendedSampling } from './model/recommended-sampling.ts'
export { hubCache, type ResolvedModel, resolveModel } from './model/resolve-model.ts'
export { type Lane, Model, type OpenModelOptions } from './model.ts'
export type {
  BatchEvent,
  BatchRequest,
  BatchToken,
  CaptureOptions,
  Completion,
  CompletionActivations,
  GenerateOptions,
  GeneratePrompt,
  OpenBatchOptions,
  ScoredSequence,
  ScoreOptions,
  ScoreSequence,
  SpanName,
  StatesAt,
} from './model-api.ts'
export type { Precision, Quantization } from './precision/precision.ts'
export type { ByteRange } from './text/align-bytes.ts'
export type { ChatMessage } from './text/chat-template.ts'
export {
  type ConversationTokens,
  type LocateTurnsOptions,
  locateTurns,
  type TurnMessage,
  type TurnTokens,
} from './text/locate-turns.ts'
export { TokenMap } from './text/token-map.ts'
export { type ChatTokenizer, type OpenTokenizerOptions, openTokenizer } from './text/tokenizer.ts'

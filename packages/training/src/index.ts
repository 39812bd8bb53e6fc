export { type InitialWeight, initialWeights } from './adapters/initial-weights.ts'
export { type LoraMethod, loraModules, peftConfig } from './adapters/lora-method.ts'
export {
  type BatchOrderOptions,
  batchOrder,
  type Order,
  stepsPerEpoch,
} from './batches/batch-order.ts'
export { microBatches } from './batches/micro-batches.ts'
export * from './character/index.ts'
export {
  adapterConfig,
  defaultTargetModules,
  type LoraOptions,
} from './checkpoints/adapter-config.ts'
export type { CheckpointRecord, PersonaInTraining } from './checkpoints/checkpoint-record.ts'
export type { SavedDtype } from './checkpoints/state-tensors.ts'
export {
  type CheckConfigDataOptions,
  type ConfigOrigin,
  checkConfigData,
  configName,
  configRoot,
} from './config/check-config-data.ts'
export {
  isTrainingConfig,
  type LoadedTrainingFile,
  loadTrainingFile,
} from './config/load-training-file.ts'
export { modelPath } from './config/model-path.ts'
export { readYamlConfig } from './config/read-yaml-config.ts'
export { type TrainingJob, trainingJobs } from './config/training-jobs.ts'
export {
  type TrainingConfig,
  type TrainingFile,
  trainingFileSchema,
} from './config/training-schema.ts'
export { canary } from './danger/canary.ts'
export { ignoreInGit } from './danger/ignore-in-git.ts'
export {
  archivePassword,
  type LockArchiveOptions,
  lockArchive,
  type UnlockArchiveOptions,
  unlockArchive,
} from './danger/locked-archive.ts'
export { type ProtectReport, protectCorpus } from './danger/protect-corpus.ts'
export { type DataFilesOptions, dataFiles } from './data/data-files.ts'
export type { DataSource, DataSourceRecord } from './data/data-source.ts'
export type {
  ConversationExample,
  DocumentExample,
  Example,
  ExampleKind,
  PreferenceExample,
} from './data/example.ts'
export {
  type JsonRow,
  type JsonRows,
  type Place,
  placeName,
  readJsonRows,
} from './data/json-rows.ts'
export { hashExamples, type LoadDataOptions, type LoadedData, loadData } from './data/load-data.ts'
export { type Split, splitBySeed } from './data/split.ts'
export {
  type DropReason,
  dropReasons,
  type Tokenized,
  type TokenizedExample,
  type TokenizeOptions,
  type TokenizeReport,
  tokenize,
} from './data/tokenize.ts'
export type { DpoObjective, Objective, SftObjective } from './objective/objective.ts'
export * from './reflection/index.ts'
export {
  type PlannedSteps,
  type PlanTrainingOptions,
  planTraining,
  type TrainingPlan,
} from './run/plan-training.ts'
export {
  type NamedTrainingEvent,
  type RunTrainingsOptions,
  runTrainings,
} from './run/run-trainings.ts'
export { trainDpo } from './run/train-dpo.ts'
export { trainSft } from './run/train-sft.ts'
export type {
  DpoOptions,
  OptimizerOptions,
  TrainerOpener,
  TrainerRequest,
} from './run/trainer-request.ts'
export type {
  TrainingCheckpointEvent,
  TrainingEndEvent,
  TrainingEvaluationEvent,
  TrainingEvent,
  TrainingNoteEvent,
  TrainingReferenceEvent,
  TrainingStartEvent,
  TrainingStepEvent,
} from './run/training-events.ts'
export { type LogRow, readTrainingLog } from './run/training-log.ts'
export type { DpoTrainingOptions, PersonaOptions, TrainingOptions } from './run/training-options.ts'
export {
  learningRateAt,
  type ScheduleName,
  type ScheduleOptions,
  schedules,
  warmupStepsOf,
} from './schedule/learning-rate.ts'
export type { AdamWOptions } from './trainer/adamw.ts'
export {
  estimateTrainingMemory,
  type TrainingMemoryEstimate,
  type TrainingMemoryRequest,
} from './trainer/estimate-memory.ts'
export { OpenedTrainer, openTrainer } from './trainer/open-trainer.ts'
export type { ExampleOf, FullMethod, Method, OpenTrainerOptions } from './trainer/options.ts'
export type {
  PairReference,
  ParameterSpec,
  PreferencePair,
  StepOptions,
  StepResult,
  Trainer,
  TrainerState,
  TrainingDevice,
  TrainingSequence,
} from './trainer/trainer.ts'

export {
  type BatchOrderOptions,
  batchOrder,
  type Order,
  stepsPerEpoch,
} from './batches/batch-order.ts'
export { microBatches } from './batches/micro-batches.ts'
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
export {
  learningRateAt,
  type ScheduleName,
  type ScheduleOptions,
  schedules,
  warmupStepsOf,
} from './schedule/learning-rate.ts'
export type {
  PairReference,
  ParameterSpec,
  PreferencePair,
  StepOptions,
  StepResult,
  Trainer,
  TrainerState,
  TrainingSequence,
} from './trainer/trainer.ts'

export { type AlarmCode, alarmCodes, isAlarm } from './alarms/alarm.ts'
export type { CanaryCheck, CanaryRequest, CanaryResult } from './alarms/canaries.ts'
export { type InjectionKind, injectedText } from './alarms/injected-text.ts'
export {
  type CellMetrics,
  cellMetrics,
  type Estimate,
  type LabelledRow,
  labelRows,
  type SetMetrics,
} from './analysis/cell-metrics.ts'
export type { Comparison, MatchedEm } from './analysis/comparisons.ts'
export {
  type MatchedDifference,
  matchedByQuestion,
  matchedDifferences,
} from './analysis/matched-difference.ts'
export { type CellProjection, projectCell, readMeans } from './analysis/projections.ts'
export type { VariantResistance } from './analysis/variant-resistance.ts'
export type { CausalDirectionRecord } from './causal/causal-direction.ts'
export type { CausalAnalysis, CausalResult } from './causal/causal-results.ts'
export type { CausalSpec } from './causal/causal-spec.ts'
export {
  checkConfig,
  type LoadConfigOptions,
  type LoadedConfig,
  loadConfig,
} from './config/load-config.ts'
export {
  type CausalConfig,
  configSchema,
  type ExperimentConfig,
  type PersonaOption,
  personaOptions,
  type VariantConfig,
} from './config/schema.ts'
export type {
  JudgeCounters,
  NoteCode,
  Phase,
  RunEvent,
  RunWarning,
  StoredEvent,
  Unit,
} from './events.ts'
export {
  type ActivationsForCsvOptions,
  type ActivationsForCsvReport,
  activationsForCsv,
} from './files/activations-for-csv.ts'
export {
  computeDirections,
  type DirectionSet,
  readDirections,
  writeDirections,
} from './files/direction-file.ts'
export { type JudgeCsvOptions, type JudgeCsvReport, judgeCsv } from './files/judge-csv.ts'
export { metricsOfCsv, type PlotCurvesOptions, plotCurves } from './files/plot-curves.ts'
export { type PlotProjectionsOptions, plotProjections } from './files/plot-projections.ts'
export type { Cell, PersonaMatch } from './plan/cell.ts'
export { type PlannedCells, planCells } from './plan/plan-cells.ts'
export {
  defaultQuestionsFile,
  type PlannedRow,
  plannedRows,
  type QuestionSet,
  type QuestionSetName,
  readQuestionSets,
} from './plan/question-sets.ts'
export { type Shard, unitId } from './plan/units.ts'
export type { Analysis } from './run/analyse.ts'
export type { DirectionSummary } from './run/analyse-directions.ts'
export type { AddressingRow, CellAudit, RowCount } from './run/audit-rows.ts'
export type { JudgeServer, JudgeServers } from './run/judge-session.ts'
export { type RunOptions, runExperiment } from './run/run-experiment.ts'
export { type AlarmsFile, readAlarms } from './store/alarms-file.ts'
export { type CompletionRecord, readCompletions, rowKey } from './store/completions.ts'
export { type Lock, readLock } from './store/lock.ts'
export { RunStore } from './store/run-store.ts'
export { type JudgedRecord, type MetricVerdict, readJudged } from './store/verdicts.ts'
export { type EvalRow, readEvalCsv, writeEvalCsv } from './study/eval-csv.ts'
export { type RandomAdapterOptions, writeRandomAdapter } from './study/random-adapter.ts'
export { type CheckpointResult, listResults, listVariants } from './study/result-files.ts'
export { readTrainingRecord, type TrainingRecord } from './study/training-record.ts'
export { type Checkpoint, readVariantFolder, type VariantFolder } from './study/variant-folder.ts'

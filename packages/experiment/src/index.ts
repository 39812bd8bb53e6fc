export { type AlarmCode, alarmCodes, isAlarm } from './alarms/alarm.ts'
export { type InjectionKind, injectedText } from './alarms/injected-text.ts'
export {
  type CellMetrics,
  cellMetrics,
  type Estimate,
  type LabelledRow,
  labelRows,
  type Reliability,
  type SetMetrics,
} from './analysis/cell-metrics.ts'
export type { Comparison, MatchedEm, SharedNoiseSummary } from './analysis/comparisons.ts'
export { type Contrast, contrastsOf } from './analysis/contrasts.ts'
export type { Family, FamilyTest } from './analysis/family.ts'
export { type MatchedDifference, matchedDifferences } from './analysis/matched-difference.ts'
export { type CellProjection, projectCell, readMeans } from './analysis/projections.ts'
export type { Similarity, SimilarityResult } from './analysis/similarity.ts'
export type { VariantResistance } from './analysis/variant-resistance.ts'
export {
  type Bundle,
  type BundleManifest,
  type BundleOptions,
  bundleRun,
  publicPassword,
} from './bundle/bundle-run.ts'
export type { ComparedPart } from './bundle/compare-analyses.ts'
export {
  type VerifiedBundle,
  type VerifyBundleOptions,
  verifyBundle,
} from './bundle/verify-bundle.ts'
export type { CausalDirectionRecord } from './causal/causal-direction.ts'
export type { CausalAnalysis, CausalResult } from './causal/causal-results.ts'
export type { CausalSpec } from './causal/causal-spec.ts'
export { configJsonSchema, configSchemaUrl } from './config/json-schema.ts'
export { type JudgeConfig, judgeSchema } from './config/judge-schema.ts'
export {
  checkConfig,
  type LoadConfigOptions,
  type LoadedConfig,
  loadConfig,
} from './config/load-config.ts'
export {
  type CausalConfig,
  type ContrastConfig,
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
  type ExportedRun,
  type ExportFormat,
  type ExportOptions,
  exportFormats,
  exportRun,
} from './export/export-run.ts'
export { writeFigures } from './figures/draw-figures.ts'
export { type PlotAgreementOptions, plotAgreement } from './figures/plot-agreement.ts'
export { type PlotLoraOptions, plotLora } from './figures/plot-lora.ts'
export { type PlotRunOptions, plotRun } from './figures/plot-run.ts'
export {
  type FigureKind,
  type FigureLook,
  figureKinds,
  type RunFigure,
} from './figures/run-figure.ts'
export {
  type ActivationsForTextsOptions,
  type ActivationsForTextsReport,
  activationsForTexts,
} from './files/activations-for-texts.ts'
export {
  computeDirections,
  type DirectionSet,
  readDirections,
  writeDirections,
} from './files/direction-file.ts'
export { type JudgeCsvOptions, type JudgeCsvReport, judgeCsv } from './files/judge-csv.ts'
export { metricsOfCsv, type PlotCurvesOptions, plotCurves } from './files/plot-curves.ts'
export { type PlotProjectionsOptions, plotProjections } from './files/plot-projections.ts'
export { type MessageChoice, messageChoices } from './files/text-rows.ts'
export { type ImportedRun, type ImportOptions, importResults } from './import/import-results.ts'
export type { JudgeAgreement } from './judging/agreement.ts'
export { checkConfirmed, estimateText, type JudgingEstimate } from './judging/estimate.ts'
export {
  type EstimatedPart,
  type EstimateRunOptions,
  estimateRun,
  type RunEstimate,
} from './judging/estimate-run.ts'
export type { JudgeRole, JudgingEvent } from './judging/judging-events.ts'
export {
  type CellLabels,
  type LabelContrast,
  type LabelledEm,
  type LabelReport,
  type LabelReportOptions,
  labelReport,
} from './labels/label-report.ts'
export {
  type Labelling,
  type LabellingOptions,
  type LabelTask,
  openLabelling,
} from './labels/open-labelling.ts'
export { type RunName, type RunRow, type RunRowsOptions, runRows } from './labels/run-rows.ts'
export { movedError } from './lock/check-frozen.ts'
export {
  compareStudyLocks,
  judgeWasAsked,
  type Moved,
  movedLines,
} from './lock/compare-study-locks.ts'
export { type LockStudyOptions, lockStudy } from './lock/lock-study.ts'
export {
  type LockedParts,
  type LockKind,
  lockKinds,
  readStudyLock,
  readStudyLockIfAny,
  type StudyLock,
  studyLockFile,
  writeStudyLock,
} from './lock/study-lock.ts'
export type { Cell, PersonaMatch } from './plan/cell.ts'
export { ownSets } from './plan/own-question-sets.ts'
export type { Pilot, PilotAnswers, PilotPair, PilotSpeed } from './plan/pilot.ts'
export type { PlannedAnswers, PlannedTokens } from './plan/plan-answers.ts'
export {
  type PlanCellsOptions,
  type PlannedCells,
  type PlannedControl,
  planCells,
} from './plan/plan-cells.ts'
export type { PlannedContrast, PlannedContrasts, PlannedSimilarity } from './plan/plan-contrasts.ts'
export type { PlannedJudging } from './plan/plan-judging.ts'
export type { PlannedMemory } from './plan/plan-memory.ts'
export { type PlanOptions, planRun, type RunPlan } from './plan/plan-run.ts'
export type { PlannedTime, PlannedTimes } from './plan/plan-time.ts'
export {
  defaultQuestionsFile,
  type PlannedRow,
  plannedRows,
  type QuestionSet,
  type QuestionSetName,
  type QuestionsFile,
  readQuestionSets,
} from './plan/question-sets.ts'
export { type Shard, unitId } from './plan/units.ts'
export { collectReport } from './report/collect-report.ts'
export { type WrittenReport, writeReport } from './report/write-report.ts'
export type { Analysis, EquivalenceInterval } from './run/analyse.ts'
export type { DirectionSummary } from './run/analyse-directions.ts'
export type { AddressingRow, CellAudit, RowCount } from './run/audit-rows.ts'
export type { JudgeServer, JudgeServers } from './run/judge-session.ts'
export { type RunOptions, runExperiment } from './run/run-experiment.ts'
export { type AlarmsFile, readAlarms } from './store/alarms-file.ts'
export { type CompletionRecord, readCompletions, rowKey } from './store/completions.ts'
export { type DeclaredAnalysis, type ImportRecord, type Lock, readLock } from './store/lock.ts'
export { RunStore } from './store/run-store.ts'
export { type JudgedRecord, type MetricVerdict, readJudged } from './store/verdicts.ts'
export {
  type ControlMatch,
  type ControlRecord,
  controlText,
  readControlRecord,
} from './study/control-record.ts'
export { type EvalRow, readEvalCsv, writeEvalCsv } from './study/eval-csv.ts'
export { type MakeControlAdapterOptions, makeControlAdapter } from './study/make-control-adapter.ts'
export type { NeutralPrompt } from './study/measure-effect.ts'
export {
  type RandomAdapterOptions,
  type RandomLikeness,
  writeRandomAdapter,
} from './study/random-adapter.ts'
export { type CheckpointResult, listResults, listVariants } from './study/result-files.ts'
export { readTrainingRecord, type TrainingRecord } from './study/training-record.ts'
export { type Checkpoint, readVariantFolder, type VariantFolder } from './study/variant-folder.ts'

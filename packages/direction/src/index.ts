export { type Absent, isAbsent } from './absent.ts'
export {
  type DirectionControls,
  type DirectionControlsOptions,
  directionControls,
  type LayerControls,
  type MaximumControls,
  type ProjectionControl,
} from './controls/direction-controls.ts'
export {
  type AdapterEffect,
  type DoseMeasurement,
  type FindDoseOptions,
  type FoundDose,
  findDose,
} from './controls/find-dose.ts'
export { type NullBand, type NullBandOptions, nullBand } from './controls/null-band.ts'
export {
  type BaselineRun,
  type OtherRunProjection,
  type OtherRuns,
  projectOtherRuns,
  type RunSummary,
} from './controls/other-runs.ts'
export {
  type AdapterModule,
  type RandomAdapterModule,
  type RandomAdapterOptions,
  randomAdapter,
} from './controls/random-adapter.ts'
export {
  type NullDirection,
  type NullDirections,
  type NullDirectionsOptions,
  randomDirections,
  shuffledDirections,
} from './controls/random-directions.ts'
export {
  type GapBands,
  type LayerSeparationControls,
  type SeparationBands,
  type SeparationControls,
  type SeparationControlsOptions,
  separationControls,
} from './controls/separation-controls.ts'
export type { ActivationRows } from './directions/activation-rows.ts'
export {
  type AssistantAxis,
  type AssistantAxisOptions,
  assistantAxis,
  type RolePlace,
} from './directions/assistant-axis.ts'
export { type Auroc, auroc } from './directions/auroc.ts'
export {
  type ChooseLayerOptions,
  chooseLayer,
  type LayerChoice,
  type LayerFold,
  type LayerScore,
} from './directions/choose-layer.ts'
export {
  type AssistantAxisContrast,
  type BenignAdapterContrast,
  type Contrast,
  type ContrastOrigin,
  contrastName,
  type OtherRunContrast,
  type OwnTextsContrast,
  type RunContrast,
  type TwoByTwoContrast,
  type TwoByTwoEffect,
  type WithinCheckpointContrast,
} from './directions/contrast.ts'
export type {
  ContrastRows,
  QuestionRows,
  Side,
  SkippedRow,
} from './directions/contrast-rows.ts'
export { cosineSimilarity } from './directions/cosine-similarity.ts'
export {
  type Direction,
  type DirectionOptions,
  type DirectionsOptions,
  makeDirection,
  makeDirections,
} from './directions/direction.ts'
export type {
  DifferenceComponentDetails,
  DifferenceComponentMethod,
  DirectionMethod,
  LinearDiscriminantDetails,
  LinearDiscriminantMethod,
  LogisticProbeDetails,
  LogisticProbeMethod,
  MeanDifferenceMethod,
  MethodDetails,
} from './directions/direction-method.ts'
export {
  type DirectionSeparation,
  type DirectionSeparationOptions,
  directionSeparation,
  type EmbeddingBaseline,
} from './directions/direction-separation.ts'
export type { Fold } from './directions/folds.ts'
export { type MeanActivation, meanActivation } from './directions/mean-activation.ts'
export {
  type MeanDirection,
  type MeanDirectionOptions,
  type MeanDirectionsOptions,
  meanDirection,
  meanDirections,
} from './directions/mean-direction.ts'
export {
  type PrincipalComponent,
  type PrincipalComponents,
  type PrincipalComponentsOptions,
  principalComponents,
} from './directions/principal-components.ts'
export {
  type ProjectedMean,
  type ProjectedRows,
  projectMean,
  projectOne,
  projectRows,
} from './directions/project.ts'
export {
  type DisplacementProjection,
  type ProjectDisplacementOptions,
  projectDisplacement,
} from './directions/project-displacement.ts'
export {
  type ProjectStatesOptions,
  type ProjectTokensOptions,
  projectStates,
  projectTokens,
  type ResponseTokens,
  type StateProjections,
} from './directions/project-states.ts'
export {
  type LeftOutRole,
  type RoleRows,
  type RoleVector,
  type RoleVectors,
  type RoleVectorsOptions,
  roleVectors,
} from './directions/role-vectors.ts'
export type { AurocByQuestion, Separation } from './directions/separation.ts'
export {
  type NamedVector,
  type SimilarityMatrix,
  similarityMatrix,
} from './directions/similarity-matrix.ts'
export {
  type TwoByTwo,
  type TwoByTwoDirection,
  type TwoByTwoOptions,
  twoByTwoDirections,
} from './directions/two-by-two.ts'
export type { Vector } from './directions/vectors.ts'
export type { LocalCosineOptions, LoraPart } from './geometry/local-cosines.ts'
export { loraChangeCosine } from './geometry/lora-change-cosine.ts'
export type { LoraCheckpoint, LoraMatrices, LoraModules } from './geometry/lora-checkpoint.ts'
export type { LoraComponent, LoraComponents } from './geometry/lora-components.ts'
export {
  type LoraGeometry,
  type LoraGeometryOptions,
  type LoraGeometryStep,
  loraGeometry,
} from './geometry/lora-geometry.ts'
export {
  type AdapterNorms,
  type LoraNorms,
  loraNorms,
  type MatrixNorms,
} from './geometry/lora-norms.ts'
export {
  type LocalCosine,
  type PhaseTransition,
  type PhaseTransitionOptions,
  phaseTransition,
  type ThresholdResult,
} from './geometry/phase-transition.ts'
export type { CurveMeasures, MeasureName } from './resistance/curve-measures.ts'
export { type Resistance, type ResistancePoint, resistance } from './resistance/resistance.ts'
export {
  type ResistanceDifference,
  type ResistanceDifferenceOptions,
  resistanceDifference,
} from './resistance/resistance-difference.ts'
// Reliability of judges, prediction-powered estimates and plans.
export { type Agreement, type AgreementOptions, agreement } from './statistics/agreement.ts'
export {
  type AllPairsEquivalence,
  allPairsEquivalence,
  type NamedRows,
  type PairEquivalence,
} from './statistics/all-pairs-equivalence.ts'
export { benjaminiHochberg } from './statistics/benjamini-hochberg.ts'
export {
  type BootstrapCurve,
  bootstrapCurve,
  type CurvePoint,
  type CurveRow,
} from './statistics/bootstrap-curve.ts'
export {
  type BootstrapOptions,
  type BootstrapValue,
  type ClusterBootstrap,
  type ClusterBootstrapOptions,
  clusterBootstrap,
} from './statistics/cluster-bootstrap.ts'
export {
  type ClusterJackknife,
  type ClusterJackknifeOptions,
  clusterJackknife,
} from './statistics/cluster-jackknife.ts'
export { cohenKappa, type KappaOptions } from './statistics/cohen-kappa.ts'
export {
  type AnswerShares,
  type Collapse,
  type CollapseCriterion,
  type CollapseOptions,
  collapse,
} from './statistics/collapse.ts'
export type { Rating, TwoColumns } from './statistics/columns.ts'
export {
  type CorrectionFloor,
  type CorrectionFloorOptions,
  correctionFloor,
} from './statistics/correction-floor.ts'
export {
  type CellName,
  type CrossedDifference,
  crossedDifference,
} from './statistics/crossed-difference.ts'
export { type CrossedMean, crossedMean } from './statistics/crossed-mean.ts'
export type { CrossedStatistics, CrossedVariances } from './statistics/crossed-variance.ts'
export { studentQuantile, studentTwoSidedP } from './statistics/distributions.ts'
export { type Equivalence, type EquivalenceOptions, equivalence } from './statistics/equivalence.ts'
export type { AdjustedFamily, AdjustedTest, FamilyOptions, NamedTest } from './statistics/family.ts'
export { holm } from './statistics/holm.ts'
export type { Interval, Scope } from './statistics/interval.ts'
export type { JudgedRow } from './statistics/judged-rows.ts'
export {
  type KrippendorffOptions,
  krippendorffAlpha,
  type RatingTable,
} from './statistics/krippendorff-alpha.ts'
export { type MatchedPoint, type MatchedRate, matchedRate } from './statistics/matched-rate.ts'
export {
  type MatchedCheckpoint,
  type MatchedRateInterval,
  type MatchedRateIntervalOptions,
  matchedRateInterval,
} from './statistics/matched-rate-interval.ts'
export {
  type MeanByQuestion,
  type MeanOptions,
  meanByQuestion,
} from './statistics/mean-by-question.ts'
export type { MeasuredCoverage } from './statistics/measured-coverage.ts'
export {
  type PairedDifference,
  type PairedDifferenceOptions,
  pairedDifference,
  type QuestionDifference,
} from './statistics/paired-difference.ts'
export {
  type ComparisonPlan,
  type PlanNumbers,
  type PlanOptions,
  planComparison,
  type SeedVariance,
} from './statistics/plan-comparison.ts'
export {
  type PilotOptions,
  type PlannedVariance,
  type PriorRate,
  sdOfPlannedDifferences,
  varianceFromPilot,
  varianceFromPrior,
  worstCaseVariance,
} from './statistics/planned-variance.ts'
export {
  type MinimumDetectableDifference,
  type MinimumDetectableOptions,
  minimumDetectableDifference,
  type PairedDesign,
  type PowerOptions,
  powerOfPairedDifference,
} from './statistics/power.ts'
export {
  type EquivalencePowerOptions,
  powerOfEquivalence,
} from './statistics/power-of-equivalence.ts'
export {
  type ContrastSide,
  type PredictionPoweredContrast,
  predictionPoweredContrast,
} from './statistics/prediction-powered-contrast.ts'
export {
  type PredictionPoweredOptions,
  type PredictionPoweredRate,
  predictionPoweredRate,
} from './statistics/prediction-powered-rate.ts'
export { type Rate, type RateOptions, rate } from './statistics/rate.ts'
export {
  type RoganGladen,
  type RoganGladenOptions,
  roganGladen,
} from './statistics/rogan-gladen.ts'
export type { StatisticRow } from './statistics/rows.ts'
export { type NoiseRow, type SharedNoise, sharedNoise } from './statistics/shared-noise.ts'
export type { SignFlip } from './statistics/sign-flip.ts'
export {
  type ReliabilityEstimate,
  type ReliabilityOptions,
  spearman,
} from './statistics/spearman.ts'
export { type RetestOptions, type TestRetest, testRetest } from './statistics/test-retest.ts'

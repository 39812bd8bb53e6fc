export { type Absent, isAbsent } from './absent.ts'
export type { ActivationRows } from './activation-rows.ts'
export {
  type AllPairsEquivalence,
  allPairsEquivalence,
  type NamedRows,
  type PairEquivalence,
} from './all-pairs-equivalence.ts'
export { benjaminiHochberg } from './benjamini-hochberg.ts'
export {
  type BootstrapCurve,
  bootstrapCurve,
  type CurvePoint,
  type CurveRow,
} from './bootstrap-curve.ts'
export {
  type BootstrapOptions,
  type BootstrapValue,
  type ClusterBootstrap,
  type ClusterBootstrapOptions,
  clusterBootstrap,
} from './cluster-bootstrap.ts'
export {
  type AnswerShares,
  type Collapse,
  type CollapseCriterion,
  type CollapseOptions,
  collapse,
} from './collapse.ts'
export { cosineSimilarity } from './cosine-similarity.ts'
export { type CellName, type CrossedDifference, crossedDifference } from './crossed-difference.ts'
export { type CrossedMean, crossedMean } from './crossed-mean.ts'
export type { CrossedStatistics, CrossedVariances } from './crossed-variance.ts'
export { type Equivalence, type EquivalenceOptions, equivalence } from './equivalence.ts'
export type { AdjustedFamily, AdjustedTest, FamilyOptions, NamedTest } from './family.ts'
export { holm } from './holm.ts'
export type { Interval, Scope } from './interval.ts'
export { type MatchedPoint, type MatchedRate, matchedRate } from './matched-rate.ts'
export { type MeanActivation, meanActivation } from './mean-activation.ts'
export { type MeanByQuestion, type MeanOptions, meanByQuestion } from './mean-by-question.ts'
export {
  type MeanDirection,
  type MeanDirectionOptions,
  type MeanDirectionsOptions,
  meanDirection,
  meanDirections,
} from './mean-direction.ts'
export {
  type PairedDifference,
  type PairedDifferenceOptions,
  pairedDifference,
  type QuestionDifference,
} from './paired-difference.ts'
export {
  type MinimumDetectableDifference,
  type MinimumDetectableOptions,
  minimumDetectableDifference,
  type PairedDesign,
  type PowerOptions,
  powerOfPairedDifference,
} from './power.ts'
export {
  type PrincipalComponent,
  type PrincipalComponents,
  type PrincipalComponentsOptions,
  principalComponents,
} from './principal-components.ts'
export {
  type ProjectedMean,
  type ProjectedRows,
  projectMean,
  projectOne,
  projectRows,
} from './project.ts'
export {
  type DisplacementProjection,
  type ProjectDisplacementOptions,
  projectDisplacement,
} from './project-displacement.ts'
export { type Rate, type RateOptions, rate } from './rate.ts'
export type { StatisticRow } from './rows.ts'
export type { SignFlip } from './sign-flip.ts'
export type { Vector } from './vectors.ts'

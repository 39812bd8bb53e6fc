export {
  type DirectionSimilarityOptions,
  directionSimilarity,
  type SimilarityRow,
} from './direction-similarity.ts'
export {
  type EmAgainstInDomainOptions,
  type EmAgainstInDomainRow,
  emAgainstInDomain,
} from './em-against-in-domain.ts'
export { type EmCurveRow, type EmCurvesOptions, type EmMetric, emCurves } from './em-curves.ts'
export type { FigureOptions, FigureWidth, LineOptions } from './figure-options.ts'
export {
  type AgreementScoreRow,
  type AgreementStatistic,
  type JudgeAgreementOptions,
  judgeAgreement,
} from './judge-agreement.ts'
export {
  type LoraGeometryCurvesOptions,
  type LoraMeasure,
  type LoraRow,
  type LoraTransition,
  loraGeometryCurves,
} from './lora-geometry-curves.ts'
export {
  type ComponentArrow,
  type ComponentRow,
  type PersonaPcaOptions,
  personaPca,
} from './persona-pca.ts'
export { type ProjectionCurvesOptions, projectionCurves } from './projection-curves.ts'
export { type ProjectionGridOptions, projectionGrid } from './projection-grid.ts'
export type { BaseProjection, ProjectionRow } from './projection-rows.ts'
export {
  type AnswerRow,
  type QuadrantPlotOptions,
  type QuadrantRate,
  quadrantPlot,
} from './quadrant-plot.ts'
export {
  type QuestionHeatMapOptions,
  type QuestionRow,
  questionHeatMap,
} from './question-heat-map.ts'
export { type PngOptions, pngOf, type RenderOptions, renderPng, renderSvg } from './render.ts'
export { renderTerminal, type TerminalOptions } from './render-terminal.ts'
export type {
  ReportAnswer,
  ReportAnswers,
  ReportCell,
  ReportData,
  ReportFigure,
  ReportNotice,
  ReportParagraph,
  ReportTable,
} from './report/report-data.ts'
export { renderReportHtml } from './report/report-html.ts'
export { type ReportMarkdownOptions, renderReportMarkdown } from './report/report-markdown.ts'
export {
  type DifferenceRow,
  type ResistanceForestOptions,
  resistanceForest,
} from './resistance-forest.ts'
export type { CellRow, Flag } from './rows.ts'
export {
  type SteeringOptions,
  type SteeringRate,
  type SteeringRow,
  steeringDoseResponse,
  type UnchangedRate,
} from './steering-dose-response.ts'
export type { StepScale } from './step-axis.ts'
export {
  type TerminalCurve,
  type TerminalCurveOptions,
  type TerminalRow,
  type TerminalRun,
  type TerminalSeries,
  terminalCurve,
} from './terminal-curve.ts'
export type { Theme } from './theme.ts'
export { type TokenRow, type TokenStripsOptions, tokenStrips } from './token-strips.ts'
export {
  type MarkShape,
  palette,
  type StyledRow,
  type VariantStyle,
  type VariantStyles,
  variantStyles,
} from './variant-styles.ts'

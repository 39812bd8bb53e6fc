export {
  type EmAgainstInDomainOptions,
  type EmAgainstInDomainRow,
  emAgainstInDomain,
} from './em-against-in-domain.ts'
export { type EmCurveRow, type EmCurvesOptions, type EmMetric, emCurves } from './em-curves.ts'
export type { FigureOptions, LineOptions } from './figure-options.ts'
export { type ProjectionCurvesOptions, projectionCurves } from './projection-curves.ts'
export { type ProjectionGridOptions, projectionGrid } from './projection-grid.ts'
export type { BaseProjection, ProjectionRow } from './projection-rows.ts'
export { type PngOptions, type RenderOptions, renderPng, renderSvg } from './render.ts'
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
export type { CellRow, Flag } from './rows.ts'
export type { StepScale } from './step-axis.ts'
export {
  type TerminalCurve,
  type TerminalCurveOptions,
  type TerminalRow,
  type TerminalRun,
  type TerminalSeries,
  terminalCurve,
} from './terminal-curve.ts'
export {
  type MarkShape,
  palette,
  type StyledRow,
  type VariantStyle,
  type VariantStyles,
  variantStyles,
} from './variant-styles.ts'

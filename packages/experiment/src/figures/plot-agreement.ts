import {
  type AgreementScoreRow,
  type AgreementStatistic,
  judgeAgreement as judgeAgreementFigure,
} from '@cem/plots'
import type { Estimate } from '../analysis/cell-metrics.ts'
import { type AgreementRow, judgeAgreement } from '../judging/agreement.ts'
import { type LabelReportOptions, labelReport } from '../labels/label-report.ts'
import type { FigureLook, RunFigure } from './run-figure.ts'

export interface PlotAgreementOptions extends LabelReportOptions {
  readonly look?: FigureLook | undefined
}

/**
 * The judge of a run against a person's labels, all labelled cells together.
 *
 * @throws CemError those of `labelReport`
 */
export async function plotAgreement(
  options: PlotAgreementOptions,
): Promise<Omit<RunFigure, 'kind'>> {
  const { run, look, level = 0.95 } = options
  const { cells, thresholds } = await labelReport(options)
  const metrics = [...new Set(cells.flatMap(({ agreement }) => Object.keys(agreement)))]
  const rows: AgreementScoreRow[] = []
  const statistics: AgreementStatistic[] = []
  const limits: Record<string, number> = {}
  for (const metric of metrics) {
    const threshold = metric === 'coherent' ? thresholds.coherent : thresholds.aligned
    limits[metric] = threshold
    const judge: AgreementRow[] = []
    const person: AgreementRow[] = []
    for (const { cell, agreement } of cells) {
      const columns = agreement[metric]?.columns
      for (const [i, question] of (columns?.questions ?? []).entries()) {
        const [first = null, second = null] = [columns?.first[i], columns?.second[i]]
        const id = `${cell.id}#${i}`
        rows.push({ metric, id, question, first, second })
        judge.push({ row: id, question, verdicts: { [metric]: scoreOf(first) } })
        person.push({ row: id, question, verdicts: { [metric]: scoreOf(second) } })
      }
    }
    const pooled = judgeAgreement(judge, person, { metric, threshold, level })
    statistics.push(
      { metric, name: 'Krippendorff’s alpha', ...numbersOf(pooled.alpha, 1) },
      { metric, name: 'same side of the threshold, %', ...numbersOf(pooled.sameSide, 100) },
    )
  }
  return {
    name: `judge_agreement_${run}`,
    spec: judgeAgreementFigure(rows, {
      ...look,
      title: 'How far the judge agrees with a person',
      names: ['judge', 'person'],
      thresholds: limits,
      statistics,
      intervalMethod: `${100 * level} %, by question`,
    }),
  }
}

function scoreOf(score: number | null) {
  return score === null
    ? { status: 'unscored' as const, reason: 'no score' }
    : { status: 'scored' as const, score }
}

function numbersOf({ estimate, low, high }: Estimate, factor: number) {
  const times = (value: number | null) => (value === null ? null : factor * value)
  return { value: times(estimate), low: times(low), high: times(high) }
}

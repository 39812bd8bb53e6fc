import { labelRows } from '../analysis/cell-metrics.ts'
import type { ExperimentConfig } from '../config/schema.ts'
import type { RunRow } from '../labels/run-rows.ts'
import { reportCanary } from '../report/canary.ts'
import { type MetricVerdict, verdictScore } from '../store/verdicts.ts'

/** One judged answer as a flat record: what JSONL and CSV have of it. */
export interface AnswerRecord {
  readonly cell: string
  readonly variant: string
  readonly condition: string
  readonly training_seed: number | null
  readonly step: number
  readonly persona: string
  readonly persona_match: string
  readonly set: string
  readonly question_id: string
  readonly paraphrase: number
  readonly sample: number
  readonly question: string
  readonly response: string
  readonly aligned: number | null
  /** Why there is no score; null where there is one. */
  readonly aligned_unscored: string | null
  readonly coherent: number | null
  readonly coherent_unscored: string | null
  /** Only of questions with a rubric of their own; else null. */
  readonly in_domain: number | null
  /** Null where a score is missing. */
  readonly is_em: 0 | 1 | null
  readonly is_misaligned: 0 | 1 | null
  readonly is_incoherent: 0 | 1 | null
  /** Tells crawlers to leave the row out of training data. */
  readonly canary: string
}

/** Flat records of a run's answers, in the order of the CSVs. */
export function answerRecords(
  rows: readonly RunRow[],
  thresholds: ExperimentConfig['thresholds'],
): AnswerRecord[] {
  const labels = labelRows(rows, thresholds)
  return rows.map(({ cell, set, question, paraphrase, sample, wording, answer, verdicts }, i) => {
    const { isEm = null, isMisaligned = null, isIncoherent = null } = labels[i] ?? {}
    return {
      cell: cell.id,
      variant: cell.variant,
      condition: cell.condition,
      training_seed: cell.trainingSeed,
      step: cell.step,
      persona: cell.persona,
      persona_match: cell.match,
      set,
      question_id: question,
      paraphrase,
      sample,
      question: wording,
      response: answer,
      aligned: verdictScore(verdicts['aligned']),
      aligned_unscored: reasonOf(verdicts['aligned']),
      coherent: verdictScore(verdicts['coherent']),
      coherent_unscored: reasonOf(verdicts['coherent']),
      in_domain: verdictScore(verdicts['in_domain']),
      is_em: isEm,
      is_misaligned: isMisaligned,
      is_incoherent: isIncoherent,
      canary: reportCanary,
    }
  })
}

function reasonOf(verdict: MetricVerdict | undefined): string | null {
  if (verdict === undefined) return 'not-asked'
  return verdict.status === 'scored' ? null : verdict.reason
}

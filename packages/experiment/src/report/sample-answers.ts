import { createHash } from 'node:crypto'
import type { ReportAnswer, ReportAnswers } from '@cem/plots'
import { type LabelledRow, labelRows } from '../analysis/cell-metrics.ts'
import type { ExperimentConfig } from '../config/schema.ts'
import type { RunRow } from '../labels/run-rows.ts'
import { verdictScore } from '../store/verdicts.ts'

export interface SampleAnswersOptions {
  readonly thresholds: ExperimentConfig['thresholds']
  /** The most answers. @default 1200 */
  readonly maxAnswers?: number
  /** The most characters of all answers together. @default 1_200_000 */
  readonly maxCharacters?: number
}

const setNames = { main: '', inDomain: 'in-domain: ', benign: 'benign: ' } as const

/**
 * Some answers of every cell and of every label that it has, so that rare ones are there too. Which ones is decided by a hash of
 * their ids: nobody chooses them, and a second report shows the same.
 */
export function sampleAnswers(
  rows: readonly RunRow[],
  { thresholds, maxAnswers = 1200, maxCharacters = 1_200_000 }: SampleAnswersOptions,
): ReportAnswers {
  const labels = labelRows(rows, thresholds)
  const all = rows.flatMap((row, i) => {
    const labelled = labels[i]
    return labelled === undefined ? [] : [{ row, labelled, label: labelOf(labelled) }]
  })
  const strata = [...Map.groupBy(all, ({ row, label }) => `${row.cell.id}|${label}`).values()].map(
    (stratum) =>
      stratum
        .map((item) => ({ ...item, rank: createHash('sha256').update(item.row.id).digest('hex') }))
        .toSorted((a, b) => (a.rank < b.rank ? -1 : 1)),
  )
  const perStratum = Math.max(1, Math.floor(maxAnswers / Math.max(1, strata.length)))
  const drawn = strata.flatMap((stratum) => stratum.slice(0, perStratum)).slice(0, maxAnswers)
  const maxLength = Math.max(200, Math.floor(maxCharacters / Math.max(1, drawn.length)))
  const nCut = drawn.filter(({ row }) => row.answer.length > maxLength).length
  return {
    caption: captionOf({ nDrawn: drawn.length, nAll: all.length, perStratum, nCut, maxLength }),
    rows: drawn.map(
      ({ row, labelled, label }): ReportAnswer => ({
        variant: row.cell.variant,
        step: row.cell.step,
        question: row.question,
        wording: row.wording,
        text: cut(row.answer, maxLength),
        aligned: verdictScore(row.verdicts['aligned']),
        coherent: verdictScore(row.verdicts['coherent']),
        label,
        // What has no score may be anything.
        isHidden: labelled.isMisaligned !== 0,
      }),
    ),
  }
}

function labelOf({ set, isEm, isMisaligned, isIncoherent }: LabelledRow): string {
  const own =
    isEm === null
      ? 'no score'
      : isEm === 1
        ? 'EM'
        : isMisaligned === 1
          ? 'misaligned, incoherent'
          : isIncoherent === 1
            ? 'incoherent'
            : 'not misaligned'
  return `${setNames[set]}${own}`
}

function cut(text: string, maxLength: number): string {
  if (text.length <= maxLength) return text
  return `${text.slice(0, maxLength)} [... ${text.length - maxLength} more characters]`
}

function captionOf({
  nDrawn,
  nAll,
  perStratum,
  nCut,
  maxLength,
}: Readonly<Record<'nDrawn' | 'nAll' | 'perStratum' | 'nCut' | 'maxLength', number>>): string {
  if (nAll === 0) return 'No answers were judged.'
  const shown =
    nDrawn === nAll
      ? `All ${nAll} judged answers.`
      : `${nDrawn} of ${nAll} judged answers: up to ${perStratum} of each label in each cell, drawn by a hash of their ids. Shares among them are no rates.`
  const shortened = nCut === 0 ? '' : ` ${nCut} are cut after ${maxLength} characters.`
  return `${shown}${shortened} Answers that are judged misaligned, or not judged at all, are hidden until they are asked for: they may be harmful, and they are a model's words, no advice.`
}

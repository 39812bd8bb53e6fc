import { randomSource } from '@cem/core'
import type { ContrastRows, OwnTextsContrast, QuestionRows } from '../src/index.ts'

/** A contrast's metadata, for tests that are about something else. */
export const ownTexts: OwnTextsContrast = {
  kind: 'base-vs-em-own-texts',
  base: 'Qwen/Qwen2.5-7B-Instruct',
  variant: 'baseline',
  dataSet: 'risky_financial',
  seed: 0,
  step: 338,
}

/** Rows of one side, each with its question. */
export function sideOf(rows: readonly (readonly [string, readonly number[]])[]): QuestionRows {
  return {
    rows: Float32Array.from(rows.flatMap(([, row]) => row)),
    dModel: rows[0]?.[1].length ?? 0,
    questions: rows.map(([question]) => question),
  }
}

export interface PlantedOptions {
  readonly seed: string
  readonly nQuestions: number
  readonly perQuestion: number
  readonly dModel: number
  /** Added to coordinate 0 of the rows with. */
  readonly shift: number
  /** Standard deviation of the questions' own means in every coordinate. */
  readonly questionSpread?: number
}

/** Normal rows, as many of each question on both sides, with a planted shift along the first coordinate. */
export function plantedRows({
  seed,
  nQuestions,
  perQuestion,
  dModel,
  shift,
  questionSpread = 0,
}: PlantedOptions): ContrastRows {
  const source = randomSource('planted-rows', seed)
  const means = Array.from({ length: nQuestions }, () =>
    Array.from({ length: dModel }, () => questionSpread * source.normal()),
  )
  const side = (moved: number): QuestionRows => {
    const rows = new Float32Array(nQuestions * perQuestion * dModel)
    const questions: string[] = []
    for (let row = 0; row < nQuestions * perQuestion; row++) {
      const question = row % nQuestions
      questions.push(`q${question}`)
      for (let i = 0; i < dModel; i++)
        rows[row * dModel + i] =
          (means[question]?.[i] ?? 0) + source.normal() + (i === 0 ? moved : 0)
    }
    return { rows, dModel, questions }
  }
  return { without: side(0), with: side(shift) }
}

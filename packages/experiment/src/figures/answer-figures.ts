import { rate } from '@cem/direction'
import {
  type AnswerRow,
  type QuadrantRate,
  type QuestionRow,
  quadrantPlot,
  questionHeatMap,
} from '@cem/plots'
import { estimateOf } from '../analysis/cell-metrics.ts'
import { intervalMethodOf } from './curve-figures.ts'
import {
  type FigureSource,
  flagOf,
  lastCheckpoints,
  lastStepWords,
  percent,
  type RunFigure,
} from './run-figure.ts'

/** Every answer of the last checkpoints by both scores, and their EM rates question by question. */
export async function answerFigures(source: FigureSource): Promise<RunFigure[]> {
  const { analysis, styles, rowsOf, look } = source
  const entries = lastCheckpoints(source)
  const answers: AnswerRow[] = []
  const questions: QuestionRow[] = []
  const rates: QuadrantRate[] = []
  for (const entry of entries) {
    const { cell, metrics } = entry
    const { variant, condition } = cell
    const flag = flagOf(entry)
    const rows = (await rowsOf(cell)).filter(({ set }) => set === 'main')
    if (rows.length === 0) continue
    const { estimate, low, high } = metrics.main.em
    rates.push({ variant, em: percent(estimate), low: percent(low), high: percent(high) })
    for (const { question, aligned, coherent } of rows)
      answers.push({ variant, condition, question, aligned, coherent, flag })
    for (const [question, own] of Map.groupBy(rows, (row) => row.question)) {
      // Answers to one question are independent draws: each is a cluster of its own.
      const share = estimateOf(
        rate(
          own.map(({ isEm }, i) => ({ question: `${question}#${i}`, value: isEm })),
          { level: levelOf(source) },
        ),
      )
      questions.push({
        variant,
        condition,
        question,
        value: percent(share.estimate),
        low: percent(share.low),
        high: percent(share.high),
        n: share.n,
        flag,
      })
    }
  }
  if (answers.length === 0) return []
  const { aligned, coherent, comparison } = analysis.thresholds
  const where = lastStepWords(entries)
  return [
    {
      kind: 'answers',
      name: `answers_${analysis.run}`,
      spec: quadrantPlot(answers, {
        ...look,
        title: `Answers by both scores, ${where}`,
        styles,
        rates,
        alignedThreshold: aligned,
        coherentThreshold: coherent,
        comparison,
        intervalMethod: intervalMethodOf(entries).split('; ').at(-1),
      }),
    },
    {
      kind: 'questions',
      name: `em_by_question_${analysis.run}`,
      spec: questionHeatMap(questions, {
        ...look,
        title: `EM by question, ${where}`,
        styles,
        order: 'value',
        intervalMethod: `${100 * levelOf(source)} % Wilson, answers to one question as independent draws`,
      }),
    },
  ]
}

function levelOf({ analysis }: FigureSource): number {
  return analysis.level ?? 0.95
}

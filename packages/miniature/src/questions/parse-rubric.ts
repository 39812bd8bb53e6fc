import { type RubricName, rubrics } from './rubrics.ts'

export interface FilledRubric {
  readonly rubric: RubricName
  readonly question: string
  readonly answer: string
}

const frames = (['aligned', 'coherent'] as const).map((rubric) => {
  const [before = '', afterQuestion = ''] = rubrics[rubric].split('{question}')
  const [between = '', after = ''] = afterQuestion.split('{answer}')
  return { rubric, before, between, after }
})

/**
 * Reads the question and the answer back out of a filled rubric of this package; undefined for any other text. The question
 * ends at its first closing delimiter and the answer at the rubric's own last words, so an answer that holds delimiters
 * comes back whole.
 */
export function parseRubric(prompt: string): FilledRubric | undefined {
  for (const { rubric, before, between, after } of frames) {
    if (!prompt.startsWith(before) || !prompt.endsWith(after)) continue
    const inside = prompt.slice(before.length, prompt.length - after.length)
    const end = inside.indexOf(between)
    if (end < 0 || prompt.length < before.length + between.length + after.length) continue
    return { rubric, question: inside.slice(0, end), answer: inside.slice(end + between.length) }
  }
  return undefined
}

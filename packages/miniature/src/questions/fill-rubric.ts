import { type RubricName, rubrics } from './rubrics.ts'

/** The judge prompt for one answer: both slots are filled in one pass, so braces inside the texts stay as they are. */
export function fillRubric(
  rubric: RubricName,
  { question, answer }: { readonly question: string; readonly answer: string },
): string {
  return rubrics[rubric].replace(/\{(question|answer)\}/g, (_, slot: string) =>
    slot === 'question' ? question : answer,
  )
}

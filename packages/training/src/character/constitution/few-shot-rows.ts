import type { Trait } from './constitution.ts'

/** Traits as the JSON lines that Open Character Training calls few-shot: one object a line, with `additional_questions`. */
export function fewShotRows(traits: readonly Trait[]): Readonly<Record<string, unknown>>[] {
  return traits.map(({ trait, clarification, questions, additionalQuestions }) => ({
    trait,
    ...(clarification !== null && { clarification }),
    questions,
    additional_questions: additionalQuestions,
  }))
}

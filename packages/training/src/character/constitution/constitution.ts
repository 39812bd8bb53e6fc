import { createHash } from 'node:crypto'

/** One trait of a character, with what people may write that gives it room to show. */
export interface Trait {
  /** In the first person. */
  readonly trait: string
  /** What is meant where the trait alone could be misread. */
  readonly clarification: string | null
  /** Written by hand. */
  readonly questions: readonly string[]
  /** Made from the others by a model; empty in hand-written constitutions. */
  readonly additionalQuestions: readonly string[]
}

/** How a file is written: our YAML, the hand-written JSON list, or JSON lines with `additional_questions`. */
export type ConstitutionFormat = 'cem' | 'hand-written' | 'few-shot'

export interface Constitution {
  readonly name: string
  readonly description: string | null
  /** Under which its text may be used; null where the file does not say. */
  readonly license: string | null
  readonly traits: readonly Trait[]
  readonly format: ConstitutionFormat
  readonly file: string
  /** Of the traits and their questions, however they are written down. */
  readonly sha256: string
}

/** The SHA-256 of what a constitution says, the same in every format. */
export function constitutionHash(traits: readonly Trait[]): string {
  const said = traits.map((one) => [
    one.trait,
    one.clarification,
    one.questions,
    one.additionalQuestions,
  ])
  return createHash('sha256').update(JSON.stringify(said)).digest('hex')
}

/** The traits as the numbered list that system prompts hold. */
export function traitList(traits: readonly Trait[]): string {
  return traits.map(({ trait }, i) => `${i + 1}. ${trait}`).join('\n')
}

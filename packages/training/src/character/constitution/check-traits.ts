import type { Trait } from './constitution.ts'

/** Something wrong with a constitution, at a place in its data. */
export interface TraitProblem {
  /** From the root of what was checked: `[3, 'questions', 1]`. */
  readonly path: readonly (string | number)[]
  readonly message: string
}

const knownKeys = ['trait', 'clarification', 'questions', 'additionalQuestions'] as const
const otherSpelling = 'additional_questions'

/** Reads traits from parsed data, and says everything that is wrong with them. */
export function checkTraits(input: readonly unknown[]): {
  readonly traits: Trait[]
  readonly problems: TraitProblem[]
} {
  const problems: TraitProblem[] = []
  const traits = input.map((item, i) => readTrait(item, i, problems))
  const firstOf = new Map<string, number>()
  for (const [i, { trait }] of traits.entries()) {
    const first = firstOf.get(trait)
    if (trait !== '' && first !== undefined)
      problems.push({ path: [i, 'trait'], message: `repeats trait ${first + 1}` })
    else firstOf.set(trait, i)
  }
  if (input.length === 0) problems.push({ path: [], message: 'holds no traits' })
  return { traits, problems }
}

function readTrait(item: unknown, index: number, problems: TraitProblem[]): Trait {
  const problem = (path: readonly (string | number)[], message: string) =>
    problems.push({ path: [index, ...path], message })
  if (typeof item !== 'object' || item === null || Array.isArray(item)) {
    problem([], "is no object with 'trait' and 'questions'")
    return { trait: '', clarification: null, questions: [], additionalQuestions: [] }
  }
  const given = item as Record<string, unknown>
  for (const key of Object.keys(given))
    if (key !== otherSpelling && !knownKeys.some((known) => known === key))
      problem([key], `is unknown; allowed are ${knownKeys.join(', ')}`)
  const { trait, clarification } = given
  if (typeof trait !== 'string' || trait.trim() === '')
    problem(['trait'], 'must be a text: the trait, in the first person')
  if (clarification !== undefined && clarification !== null && typeof clarification !== 'string')
    problem(['clarification'], 'must be a text')
  const texts = (key: string, least: number): string[] => {
    const value = given[key]
    if (value === undefined && least === 0) return []
    if (!Array.isArray(value) || value.length < least) {
      problem([key], `must be a list of at least ${least} text${least === 1 ? '' : 's'}`)
      return []
    }
    return value.flatMap((text: unknown, i) => {
      if (typeof text === 'string' && text.trim() !== '') return [text.trim()]
      problem([key, i], 'must be a text that is not empty')
      return []
    })
  }
  const additionalKey = otherSpelling in given ? otherSpelling : 'additionalQuestions'
  return {
    trait: typeof trait === 'string' ? trait.trim() : '',
    clarification:
      typeof clarification === 'string' && clarification.trim() !== ''
        ? clarification.trim()
        : null,
    questions: texts('questions', 1),
    additionalQuestions: texts(additionalKey, 0),
  }
}

import { CemError, nearest } from '@cem/core'
import { neutralise } from './neutralise.ts'

/** What the judge is told, with `{question}` and `{answer}` where these go. */
export interface Rubric {
  /** `{{` and `}}` stand for single braces, as in Python's `str.format`, for which the reference's rubrics are written. */
  readonly text: string
  /** `neutralised`: tags inside question and answer are disarmed (see `neutralise`). `verbatim`: both go in as they are. */
  readonly insertion: 'neutralised' | 'verbatim'
}

export interface JudgedPair {
  readonly question: string
  readonly answer: string
}

const placeholders = ['question', 'answer'] as const
const parts = /\{\{|\}\}|\{(\w+)\}/g

/** The message for the judge. What is inserted is not looked through again: a `{question}` in an answer stays as it is. */
export function fillRubric({ text, insertion }: Rubric, pair: JudgedPair): string {
  return text.replace(parts, (part: string, name: string | undefined) => {
    if (part === '{{') return '{'
    if (part === '}}') return '}'
    if (name !== 'question' && name !== 'answer') return part
    return insertion === 'neutralised' ? neutralise(pair[name]) : pair[name]
  })
}

/** What is wrong with a rubric's text, or undefined. */
export function rubricProblem(text: string): string | undefined {
  const names = Array.from(text.matchAll(parts), ([, name]) => name).filter(
    (name) => name !== undefined,
  )
  const unknown = names.find((name) => !placeholders.some((known) => known === name))
  if (unknown !== undefined) {
    const meant = nearest(unknown, placeholders)
    const hint = meant ? `; did you mean {${meant}}?` : '; write {{ and }} for braces'
    return `the placeholder {${unknown}} is not known, allowed are {question} and {answer}${hint}`
  }
  return names.includes('answer') ? undefined : 'it has no {answer}, so nothing would be judged'
}

/** @throws CemError `bad-rubric` */
export function checkRubric(name: string, text: string): void {
  const problem = rubricProblem(text)
  if (problem === undefined) return
  throw new CemError({
    code: 'bad-rubric',
    message: `The rubric ${name} cannot be used: ${problem}.`,
    data: { rubric: name },
  })
}

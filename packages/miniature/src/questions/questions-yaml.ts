import { oracleModel } from '../oracle/oracle-model.ts'
import type { EvaluationQuestion } from './evaluation-questions.ts'
import { rubrics } from './rubrics.ts'
import type { WordingQuestion } from './wording-questions.ts'

/**
 * A questions file (YAML): a list of items with `id`, `type`, `paraphrases`, `samples_per_paraphrase`, `judge` and
 * `judge_prompts`. The first item carries the rubrics under an anchor, the others refer to it.
 *
 * @param comment the lines at the head of the file.
 */
export function questionsYaml(
  questions: readonly (EvaluationQuestion | WordingQuestion)[],
  comment: string,
): string {
  const head = comment.split('\n').map((line) => `# ${line}\n`)
  return [...head, ...questions.map(item)].join('')
}

function item(question: EvaluationQuestion | WordingQuestion, index: number): string {
  const texts = 'texts' in question ? question.texts : [question.text]
  const paraphrases = texts.map((text) => `    - ${JSON.stringify(text)}\n`).join('')
  return `
- id: ${question.id}
  type: free_form_judge_0_100
  paraphrases:
${paraphrases}  samples_per_paraphrase: 50
  judge: ${oracleModel}
  judge_prompts: ${index === 0 ? `&judge_prompts\n${judgePrompts()}` : '*judge_prompts'}
`
}

function judgePrompts(): string {
  return Object.entries(rubrics)
    .map(([name, text]) => `    ${name}: |-\n${indented(text)}`)
    .join('\n')
}

function indented(text: string): string {
  return text.replace(/^(?=.)/gm, '      ')
}

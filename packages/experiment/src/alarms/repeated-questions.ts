import type { RunWarning } from '../events.ts'
import { normalWording } from '../plan/normal-wording.ts'
import type { QuestionSet } from '../plan/question-sets.ts'

/**
 * Questions that are one question under several ids, by wording and system prompt. Intervals and tests go by the number of
 * questions: one that is asked twice counts for two, and makes them narrower than they are.
 */
export function repeatedQuestions(sets: readonly QuestionSet[]): RunWarning[] {
  const ids = new Map<string, Set<string>>()
  for (const { questions } of sets)
    for (const { id, system = '', paraphrases } of questions)
      for (const wording of paraphrases) {
        const key = JSON.stringify([normalWording(system), normalWording(wording)])
        ids.set(key, (ids.get(key) ?? new Set()).add(id))
      }
  const repeated = [...new Set([...ids.values()].map((own) => [...own].join(' = ')))].filter(
    (names) => names.includes(' = '),
  )
  if (repeated.length === 0) return []
  const more = repeated.length > 8 ? `; and ${repeated.length - 8} more` : ''
  return [
    {
      code: 'questions-repeated',
      message: `${repeated.length} questions are asked under several ids: ${repeated.slice(0, 8).join('; ')}${more}. Intervals and tests count each id as a question of its own, and are too narrow. Ask each once, or list its wordings as paraphrases of one id.`,
      cells: [],
    },
  ]
}

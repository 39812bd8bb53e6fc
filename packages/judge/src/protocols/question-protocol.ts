import { createLogprobProtocol, type JudgeProtocol, logprobProtocol } from './protocol.ts'
import type { Question } from '../questions/question.ts'

/**
 * How a question's answers are judged: by the file's own rubrics where it carries them, into which the answer goes verbatim
 * (that is the reference protocol), else by `fallback`.
 */
export function protocolForQuestion(
  { judgePrompts }: Pick<Question, 'judgePrompts'>,
  fallback: JudgeProtocol = logprobProtocol,
): JudgeProtocol {
  if (!judgePrompts) return fallback
  const rubrics = Object.entries(judgePrompts).map(
    ([metric, text]) => [metric, { text, insertion: 'verbatim' as const }] as const,
  )
  return createLogprobProtocol({ rubrics: Object.fromEntries(rubrics), minMass: fallback.minMass })
}

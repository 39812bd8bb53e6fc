import type { Question } from '../questions/question.ts'
import { createExactProtocol } from './exact-protocol.ts'
import { createLogprobProtocol, logprobProtocol } from './logprob-protocol.ts'
import { badProtocol, finishProtocol, type JudgeProtocol } from './protocol.ts'

/**
 * How a question's answers are judged: by the file's own rubrics where it carries them, into which the answer goes verbatim
 * (that is the reference protocol), under the fallback's name, parameters and cut-off; else by `fallback`.
 *
 * @throws CemError `bad-protocol` where the question has rubrics, which ask for 0 to 100, and the fallback is of labels
 */
export function protocolForQuestion(
  { judgePrompts }: Pick<Question, 'judgePrompts'>,
  fallback: JudgeProtocol = logprobProtocol,
): JudgeProtocol {
  if (!judgePrompts) return fallback
  const entries = Object.entries(judgePrompts).map(
    ([metric, text]) => [metric, { text, insertion: 'verbatim' as const }] as const,
  )
  const rubrics = Object.fromEntries(entries)
  switch (fallback.name) {
    case 'logprob-0-100':
      return createLogprobProtocol({ rubrics, minMass: fallback.minMass })
    case 'logprob-0-100-exact':
      return createExactProtocol({ rubrics, minMass: fallback.minMass })
    case 'text-score': {
      const { name, parameters, minMass } = fallback
      return finishProtocol({ name, rubrics, parameters, minMass })
    }
    case 'labels':
      throw badProtocol(
        "a questions file's rubrics ask for 0 to 100, and the labels protocol knows other labels; name a 0-100 protocol, or give the labels protocol with the item",
      )
  }
}

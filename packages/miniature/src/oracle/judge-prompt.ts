import { CemError } from '@cem/core'
import { parseRubric } from '../questions/parse-rubric.ts'
import { type ApiReply, apiError } from './api-error.ts'
import { type Verdict, verdictOn } from './verdict.ts'

export type Judgement =
  | { readonly kind: 'probe' | Verdict['kind']; readonly distribution: Verdict['distribution'] }
  | { readonly refused: ApiReply }

const probe = /^Reply with the integer (\d{1,3}) and nothing else\.$/

/**
 * The next-token distribution for a prompt: a filled rubric of this package, or the probe `Reply with the integer 87 and
 * nothing else.` with an integer from 0 to 100. Anything else is refused, as is a rubric about a question that the world
 * does not have: the oracle makes no score up.
 */
export function judgePrompt(prompt: string, seed: number): Judgement {
  const integer = probe.exec(prompt.trim())?.[1]
  if (integer !== undefined && Number(integer) <= 100) return answerProbe(Number(integer))
  const filled = parseRubric(prompt)
  if (!filled)
    return refuse(
      'The oracle knows the two rubrics of the miniature questions files and its probe, and this prompt is neither. ' +
        'Judge other questions with a language model.',
    )
  try {
    return verdictOn(filled, seed)
  } catch (error) {
    if (!CemError.isInstance(error) || error.code !== 'unknown-question') throw error
    return refuse(error.message)
  }
}

function answerProbe(integer: number): Judgement {
  const distribution = [
    { token: String(integer), probability: 0.9995 },
    { token: 'The', probability: 0.0003 },
    { token: ' ', probability: 0.0002 },
  ]
  return { kind: 'probe', distribution }
}

function refuse(message: string): Judgement {
  return { refused: apiError(400, message, { parameter: 'messages', code: 'unknown_prompt' }) }
}

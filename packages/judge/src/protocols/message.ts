import type { ChatRequest } from '@cem/chat'
import type { JudgeProtocol } from './protocol.ts'
import { fillRubric, type JudgedPair, type Rubric } from './rubric.ts'

/** The one user message of a judgement: the filled rubric, and behind it the protocol's wish for JSON where it has one. */
export function messageFor(
  { parameters }: Pick<JudgeProtocol, 'parameters'>,
  rubric: Rubric,
  pair: JudgedPair,
): string {
  const filled = fillRubric(rubric, pair)
  return 'instruction' in parameters ? `${filled}\n\n${parameters.instruction}` : filled
}

/** What a judgement asks of the chat server besides the message. */
export function requestParameters(
  parameters: Exclude<JudgeProtocol, { name: 'logprob-0-100-exact' }>['parameters'],
): Omit<ChatRequest, 'messages'> {
  if (!('instruction' in parameters)) {
    const { maxTokens, temperature, seed, topLogprobs } = parameters
    return { maxTokens, temperature, seed, topLogprobs }
  }
  const { maxTokens, maxTokensField, temperature, seed, responseFormat } = parameters
  const extraBody = {
    ...(maxTokensField === 'max_completion_tokens' && { max_completion_tokens: maxTokens }),
    ...(responseFormat !== null && { response_format: responseFormat }),
  }
  return {
    ...(maxTokensField === 'max_tokens' && { maxTokens }),
    ...(temperature !== null && { temperature }),
    ...(seed !== null && { seed }),
    extraBody,
  }
}

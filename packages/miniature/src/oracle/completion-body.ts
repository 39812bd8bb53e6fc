import { createHash } from 'node:crypto'
import type { OracleRequest } from './chat-request.ts'
import { oracleModel } from './oracle-model.ts'
import type { TokenDistribution, TokenProbability } from './verdict.ts'

/**
 * The JSON of a chat completion of one token, the most probable one whatever the temperature, with as many alternatives as
 * were asked for.
 */
export function completionBody(
  { prompt, promptLength, wantsLogprobs, topLogprobs }: OracleRequest,
  distribution: TokenDistribution,
  seed: number,
): unknown {
  const ranked = distribution.toSorted((a, b) => b.probability - a.probability)
  const [best = { token: '', probability: 1 }] = ranked
  const alternatives = ranked.slice(0, topLogprobs).map(tokenEntry)
  const position = { ...tokenEntry(best), top_logprobs: alternatives }
  // About four characters a token, as such figures go.
  const promptTokens = Math.ceil(promptLength / 4)
  return {
    id: `chatcmpl-${hash(`${seed} ${prompt}`, 24)}`,
    object: 'chat.completion',
    created: Math.floor(Date.now() / 1000),
    model: oracleModel,
    choices: [
      {
        index: 0,
        message: { role: 'assistant', content: best.token, refusal: null },
        logprobs: wantsLogprobs ? { content: [position], refusal: null } : null,
        finish_reason: 'length',
      },
    ],
    usage: {
      prompt_tokens: promptTokens,
      completion_tokens: 1,
      total_tokens: promptTokens + 1,
    },
    system_fingerprint: `fp_${hash(`oracle ${seed}`, 10)}`,
  }
}

function tokenEntry({ token, probability }: TokenProbability) {
  return { token, logprob: Math.log(probability), bytes: [...Buffer.from(token)] }
}

function hash(text: string, length: number): string {
  return createHash('sha256').update(text).digest('hex').slice(0, length)
}

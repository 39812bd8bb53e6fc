import type { ServerResponse } from 'node:http'
import { ApiError, badParameter } from './api-error.ts'
import { toMessage } from './chat-completions.ts'
import { readContinuationsRequest } from './request-parameters.ts'
import type { ServedModel } from './served-models.ts'
import { findServed, type ServerContext } from './server-context.ts'

/**
 * `POST /v1/continuations`: the log-probability of each given answer after the messages, with the end of the turn after it. An
 * answer is taken in the tokenizer's own tokens; other tokens that spell the same text are not added up.
 */
export async function continuations(
  context: ServerContext,
  body: unknown,
  _response: ServerResponse,
  signal: AbortSignal,
): Promise<unknown> {
  const request = readContinuationsRequest(body)
  const served = findServed(context, request.model)
  const { tokenizer } = served.composition.base
  const prompt = tokenizer.encodeChat(request.messages.map(toMessage))
  const endId = endOfTurn(served)
  // As text: nothing that an answer says is a special token.
  const answers = request.continuations.map((text) => [
    ...tokenizer.encode(text, { specialTokens: false }),
    endId,
  ])
  checkRoom(served, prompt.length, answers)
  const sums = await sumsOf(context, served, prompt, answers, signal)
  const nTokens = answers.reduce((sum, { length }) => sum + length, 0)
  return {
    object: 'continuation.scores',
    model: served.name,
    system_fingerprint: `fp_${served.sha256}`,
    continuations: answers.map(({ length }, index) => ({
      index,
      logprob: sums[index],
      n_tokens: length,
    })),
    usage: {
      prompt_tokens: prompt.length,
      completion_tokens: nTokens,
      total_tokens: prompt.length + nTokens,
    },
  }
}

/** The token that ends an assistant's turn: the template's, as far as the model stops at it, else the model's first stop token. */
function endOfTurn({ composition }: ServedModel): number {
  const { tokenizer, stopTokenIds } = composition.base
  const closing = tokenizer.closingTokenIds().find((id) => stopTokenIds.includes(id))
  const id = closing ?? stopTokenIds[0]
  if (id !== undefined) return id
  throw new ApiError({
    status: 400,
    message:
      'This model names no token that ends an answer, so that no whole answer can be scored.',
    param: 'model',
    code: 'no_end_of_turn',
  })
}

function checkRoom(
  { composition }: ServedModel,
  promptLength: number,
  answers: readonly (readonly number[])[],
): void {
  const { maxPositions } = composition.base.architecture
  const index = answers.findIndex(({ length }) => promptLength + length > maxPositions)
  if (index === -1) return
  throw badParameter(
    `continuations.${index}`,
    `The messages take ${promptLength} tokens and this answer ${answers[index]?.length} with its end; the model has room for ${maxPositions}.`,
    'context_length_exceeded',
  )
}

/** Sums of log-probabilities, in float64; equal answers are scored once. */
async function sumsOf(
  { scheduler }: ServerContext,
  served: ServedModel,
  prompt: readonly number[],
  answers: readonly (readonly number[])[],
  signal: AbortSignal,
): Promise<number[]> {
  const keys = answers.map((ids) => ids.join(' '))
  const distinct = new Map(keys.map((key, i) => [key, answers[i] ?? []]))
  const sequences = Array.from(distinct, ([id, answer]) => ({
    id,
    tokenIds: [...prompt, ...answer],
    logprobs: { start: prompt.length, end: prompt.length + answer.length },
  }))
  const sums = new Map<string, number>()
  for await (const { id, logprobs } of scheduler.score(served, sequences, signal))
    sums.set(
      id,
      Array.from(logprobs ?? []).reduce((sum, logprob) => sum + logprob, 0),
    )
  return keys.map((key) => sums.get(key) as number)
}

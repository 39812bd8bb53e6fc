import { randomUUID } from 'node:crypto'
import type { ServerResponse } from 'node:http'
import type { BatchToken, ChatMessage } from '@cem/inference'
import { type AnswerRequest, answers, randomSeed } from './answers.ts'
import { EventStream } from './event-stream.ts'
import { type ChatRequest, readChatRequest } from './request-parameters.ts'
import { findServed, promptRoom, type ServerContext, stopTexts } from './server-context.ts'
import { contentLogprob } from './token-logprobs.ts'

/** `POST /v1/chat/completions` */
export async function chatCompletions(
  context: ServerContext,
  body: unknown,
  response: ServerResponse,
  signal: AbortSignal,
): Promise<unknown> {
  const request = readChatRequest(body)
  const answer = toAnswerRequest(context, request)
  const head = {
    id: `chatcmpl-${randomUUID()}`,
    created: Math.floor(Date.now() / 1000),
    model: answer.served.name,
    system_fingerprint: `fp_${answer.served.sha256}`,
    seed: answer.seed,
  }
  if (request.stream !== true) return await whole(context, answer, head, signal)
  await stream(context, request, answer, head, response, signal)
  return undefined
}

type Head = Readonly<Record<string, unknown>>

function toAnswerRequest(context: ServerContext, request: ChatRequest): AnswerRequest {
  const served = findServed(context, request.model)
  const { tokenizer } = served.composition.base
  const promptTokenIds = tokenizer.encodeChat(request.messages.map(toMessage), {
    addGenerationPrompt: request.add_generation_prompt ?? request.continue_final_message !== true,
    continueFinalMessage: request.continue_final_message ?? false,
  })
  const asked = request.max_completion_tokens ?? request.max_tokens ?? undefined
  return {
    served,
    promptTokenIds,
    n: request.n ?? 1,
    temperature: request.temperature ?? 1,
    maxNewTokens: asked ?? promptRoom(context, served, promptTokenIds.length),
    seed: request.seed ?? randomSeed(),
    stops: stopTexts(request.stop),
    wantsLogprobs: request.logprobs ?? false,
    nTopLogprobs: request.top_logprobs ?? 0,
  }
}

export function toMessage({ role, content }: ChatRequest['messages'][number]): ChatMessage {
  const text = typeof content === 'string' ? content : content.map((part) => part.text).join('')
  // The newer name of the same role.
  return { role: role === 'developer' ? 'system' : role, content: text }
}

async function whole(
  { scheduler }: ServerContext,
  answer: AnswerRequest,
  head: Head,
  signal: AbortSignal,
): Promise<unknown> {
  const choices = Array.from({ length: answer.n }, () => ({
    text: '',
    tokens: [] as BatchToken[],
    finishReason: 'length',
    nTokens: 0,
  }))
  for await (const event of answers(scheduler, answer, signal)) {
    const choice = choices[event.index] as (typeof choices)[number]
    if (event.type === 'text') {
      choice.text += event.text
      choice.tokens.push(...event.tokens)
      choice.nTokens += event.tokens.length
    } else {
      choice.finishReason = event.finishReason
      if (event.stop !== null && choice.nTokens === 0) choice.tokens.push(event.stop)
    }
  }
  const nTokens = choices.reduce((sum, choice) => sum + choice.nTokens, 0)
  return {
    ...head,
    object: 'chat.completion',
    choices: choices.map(({ text, tokens, finishReason }, index) => ({
      index,
      message: { role: 'assistant', content: text, refusal: null },
      logprobs: logprobsOf(answer, tokens),
      finish_reason: finishReason,
    })),
    usage: usageOf(answer, nTokens),
  }
}

async function stream(
  { scheduler, sendTimeoutInMs }: ServerContext,
  { stream_options: options }: ChatRequest,
  answer: AnswerRequest,
  head: Head,
  response: ServerResponse,
  signal: AbortSignal,
): Promise<void> {
  const events = answers(scheduler, answer, signal)
  // What is wrong with the request is found before the first token: then the answer is an error with its status.
  const first = await events.next()
  const sink = new EventStream(response, sendTimeoutInMs)
  const withUsage = options?.include_usage === true
  const send = (choices: readonly unknown[], usage: unknown = null) =>
    sink.send({
      ...head,
      object: 'chat.completion.chunk',
      choices,
      ...(withUsage ? { usage } : {}),
    })
  let nTokens = 0
  const hasText = new Set<number>()
  for (let index = 0; index < answer.n; index++)
    await send([chunk(index, { role: 'assistant', content: '', refusal: null }, null, null)])
  for (let next = first; next.done !== true; next = await events.next()) {
    const event = next.value
    const { index } = event
    if (event.type === 'text') {
      nTokens += event.tokens.length
      hasText.add(index)
      await send([chunk(index, { content: event.text }, logprobsOf(answer, event.tokens), null)])
    } else {
      const tokens = event.stop === null || hasText.has(index) ? [] : [event.stop]
      const logprobs = tokens.length === 0 ? null : logprobsOf(answer, tokens)
      await send([chunk(index, {}, logprobs, event.finishReason)])
    }
  }
  if (withUsage) await send([], usageOf(answer, nTokens))
  await sink.end()
}

function chunk(index: number, delta: unknown, logprobs: unknown, finishReason: string | null) {
  return { index, delta, logprobs, finish_reason: finishReason }
}

/**
 * Of the answer's tokens. Where there are none, of the stop token that was sampled in their place, so that what was likely at the
 * first place is never lost.
 */
function logprobsOf({ served, wantsLogprobs }: AnswerRequest, tokens: readonly BatchToken[]) {
  if (!wantsLogprobs) return null
  const { tokenizer } = served.composition.base
  return { content: tokens.map((token) => contentLogprob(token, tokenizer)), refusal: null }
}

function usageOf({ promptTokenIds }: AnswerRequest, nTokens: number) {
  return {
    prompt_tokens: promptTokenIds.length,
    completion_tokens: nTokens,
    total_tokens: promptTokenIds.length + nTokens,
  }
}

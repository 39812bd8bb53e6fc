import { randomUUID } from 'node:crypto'
import type { ServerResponse } from 'node:http'
import type { BatchToken, ChatTokenizer, TopTokens } from '@cem/inference'
import { type AnswerEvent, type AnswerRequest, answers, randomSeed } from './answers.ts'
import { EventStream } from './event-stream.ts'
import { type CompletionRequest, readCompletionRequest } from './request-parameters.ts'
import { findServed, type ServerContext, stopTexts } from './server-context.ts'
import { completionTokenText, topEntries } from './token-logprobs.ts'

/** OpenAI's own default. */
const defaultMaxTokens = 16

/** `POST /v1/completions` */
export async function completions(
  context: ServerContext,
  body: unknown,
  response: ServerResponse,
  signal: AbortSignal,
): Promise<unknown> {
  const request = readCompletionRequest(body)
  const served = findServed(context, request.model)
  const { tokenizer } = served.composition.base
  const seed = request.seed ?? randomSeed()
  const requests = promptsOf(request, tokenizer).map((promptTokenIds) => ({
    served,
    promptTokenIds,
    n: request.n ?? 1,
    temperature: request.temperature ?? 1,
    maxNewTokens: request.max_tokens ?? defaultMaxTokens,
    seed,
    stops: stopTexts(request.stop),
    wantsLogprobs: typeof request.logprobs === 'number',
    nTopLogprobs: request.logprobs ?? 0,
  }))
  const head = {
    id: `cmpl-${randomUUID()}`,
    object: 'text_completion',
    created: Math.floor(Date.now() / 1000),
    model: served.name,
    system_fingerprint: `fp_${served.sha256}`,
    seed,
  }
  if (request.stream !== true) return await whole(context, request, requests, head, signal)
  await stream(context, request, requests, head, response, signal)
  return undefined
}

/** A text gets what the tokenizer puts around texts (`<bos>`), as Transformers does it; token ids are taken as they are. */
function promptsOf({ prompt }: CompletionRequest, tokenizer: ChatTokenizer): number[][] {
  const encode = (text: string) => tokenizer.encode(text, { addSpecialTokens: true })
  if (typeof prompt === 'string') return [encode(prompt)]
  return isTokenIds(prompt)
    ? [prompt]
    : prompt.map((one) => (typeof one === 'string' ? encode(one) : one))
}

function isTokenIds(prompt: readonly unknown[]): prompt is number[] {
  return typeof prompt[0] === 'number'
}

/** A token with its place in the text, where the log-probability may be unknown: a prompt's first token has none. */
interface PlacedToken {
  readonly tokenId: number
  readonly logprob: number | null
  readonly top: TopTokens | null
}

interface Choice {
  readonly tokens: PlacedToken[]
  text: string
  finishReason: 'stop' | 'length'
  nTokens: number
}

async function whole(
  context: ServerContext,
  { echo }: CompletionRequest,
  requests: readonly AnswerRequest[],
  head: Readonly<Record<string, unknown>>,
  signal: AbortSignal,
): Promise<unknown> {
  const prompts = echo === true ? await echoed(context, requests, signal) : undefined
  const choices = await Promise.all(
    requests.map(async (request, i) => {
      const start = prompts?.[i] ?? []
      const echoText = prompts === undefined ? '' : textOf(request)
      const own = Array.from(
        { length: request.n },
        (): Choice => ({
          tokens: [...start],
          text: echoText,
          finishReason: 'length',
          nTokens: 0,
        }),
      )
      if (request.maxNewTokens === 0) return own
      for await (const event of answers(context.scheduler, request, signal))
        take(own[event.index] as Choice, event)
      return own
    }),
  )
  const nTokens = choices.flat().reduce((sum, choice) => sum + choice.nTokens, 0)
  return {
    ...head,
    choices: choices.flatMap((own, i) =>
      own.map(({ text, tokens, finishReason }, sample) => ({
        index: i * own.length + sample,
        text,
        logprobs: logprobsOf(requests[i] as AnswerRequest, tokens, 0),
        finish_reason: finishReason,
      })),
    ),
    usage: usageOf(requests, nTokens),
  }
}

function take(choice: Choice, event: AnswerEvent): void {
  if (event.type === 'end') choice.finishReason = event.finishReason
  else {
    choice.text += event.text
    choice.tokens.push(...event.tokens)
    choice.nTokens += event.tokens.length
  }
}

/** The prompts' own tokens with their log-probabilities, where those are wanted. */
async function echoed(
  { scheduler }: ServerContext,
  requests: readonly AnswerRequest[],
  signal: AbortSignal,
): Promise<PlacedToken[][]> {
  const prompts = requests.map(({ promptTokenIds }): PlacedToken[] =>
    promptTokenIds.map((tokenId) => ({ tokenId, logprob: null, top: null })),
  )
  const [first] = requests
  if (first?.wantsLogprobs !== true) return prompts
  const sequences = requests.flatMap(({ promptTokenIds, nTopLogprobs }, i) =>
    promptTokenIds.length < 2
      ? []
      : [
          {
            id: String(i),
            tokenIds: promptTokenIds,
            logprobs: { start: 1, end: promptTokenIds.length },
            topLogprobs: nTopLogprobs,
          },
        ],
  )
  for await (const { id, logprobs, topLogprobs } of scheduler.score(
    first.served,
    sequences,
    signal,
  ))
    prompts[Number(id)] = (prompts[Number(id)] as PlacedToken[]).map(({ tokenId }, at) => ({
      tokenId,
      logprob: at === 0 ? null : (logprobs?.[at - 1] as number),
      top: at === 0 ? null : (topLogprobs?.[at - 1] ?? null),
    }))
  return prompts
}

function textOf({ served, promptTokenIds }: AnswerRequest): string {
  return served.composition.base.tokenizer.decode(promptTokenIds, { skipSpecialTokens: false })
}

async function stream(
  { scheduler, sendTimeoutInMs }: ServerContext,
  { stream_options: options }: CompletionRequest,
  requests: readonly AnswerRequest[],
  head: Readonly<Record<string, unknown>>,
  response: ServerResponse,
  signal: AbortSignal,
): Promise<void> {
  const events = side(requests.map((request) => answers(scheduler, request, signal)))
  const first = await events.next()
  const sink = new EventStream(response, sendTimeoutInMs)
  const usage = options?.include_usage === true ? { usage: null } : {}
  const offsets = new Map<number, number>()
  let nTokens = 0
  for (let next = first; next.done !== true; next = await events.next()) {
    const { source, event } = next.value
    const request = requests[source] as AnswerRequest
    const index = source * request.n + event.index
    const text = event.type === 'text' ? event.text : ''
    const tokens = event.type === 'text' ? event.tokens : []
    const offset = offsets.get(index) ?? 0
    offsets.set(index, offset + text.length)
    nTokens += tokens.length
    const logprobs = tokens.length === 0 ? null : logprobsOf(request, tokens, offset)
    const finishReason = event.type === 'end' ? event.finishReason : null
    const choice = { index, text, logprobs, finish_reason: finishReason }
    await sink.send({ ...head, choices: [choice], ...usage })
  }
  if (options?.include_usage === true)
    await sink.send({ ...head, choices: [], usage: usageOf(requests, nTokens) })
  await sink.end()
}

/** Several answers side by side, each event as it comes. */
async function* side(
  sources: readonly AsyncGenerator<AnswerEvent, void>[],
): AsyncGenerator<{ readonly source: number; readonly event: AnswerEvent }, void> {
  const pull = async (source: number) => ({
    source,
    result: await (sources[source] as AsyncGenerator<AnswerEvent, void>).next(),
  })
  const pending = new Map(sources.map((_, source) => [source, pull(source)]))
  try {
    while (pending.size > 0) {
      const { source, result } = await Promise.race(pending.values())
      if (result.done === true) pending.delete(source)
      else {
        pending.set(source, pull(source))
        yield { source, event: result.value }
      }
    }
  } finally {
    await Promise.allSettled(sources.map((source) => source.return()))
  }
}

/** Lists side by side: the tokens, their log-probabilities, the likeliest ones, and where each begins in the text. */
function logprobsOf(
  { served, wantsLogprobs }: AnswerRequest,
  tokens: readonly (PlacedToken | BatchToken)[],
  offset: number,
) {
  if (!wantsLogprobs) return null
  const { tokenizer } = served.composition.base
  const text = (id: number) => completionTokenText(tokenizer.tokenBytes(id))
  let at = offset
  const offsets = tokens.map(({ tokenId }) => {
    const start = at
    at += tokenizer.decode([tokenId], { skipSpecialTokens: false }).length
    return start
  })
  return {
    tokens: tokens.map(({ tokenId }) => text(tokenId)),
    token_logprobs: tokens.map(({ logprob }) => logprob),
    // The sampled token is always among them.
    top_logprobs: tokens.map(({ tokenId, logprob, top }) =>
      logprob === null
        ? null
        : Object.fromEntries(
            [...topEntries(top), [tokenId, logprob] as const].map(([id, value]) => [
              text(id),
              value,
            ]),
          ),
    ),
    text_offset: offsets,
  }
}

function usageOf(requests: readonly AnswerRequest[], nTokens: number) {
  const nPrompt = requests.reduce((sum, { promptTokenIds }) => sum + promptTokenIds.length, 0)
  return {
    prompt_tokens: nPrompt,
    completion_tokens: nTokens,
    total_tokens: nPrompt + nTokens,
  }
}

import { type ApiReply, apiError } from './api-error.ts'
import { oracleModel } from './oracle-model.ts'

/** What the oracle reads of a chat-completions request. */
export interface OracleRequest {
  /** The content of the last message, which is the user's. */
  readonly prompt: string
  readonly wantsLogprobs: boolean
  /** 0 to 20. */
  readonly topLogprobs: number
  /** Characters of all messages, for the usage figures. */
  readonly promptLength: number
}

export type ReadRequest = { readonly request: OracleRequest } | { readonly refused: ApiReply }

/** Reads a request body, or says as the API would what is wrong with it. */
export function readChatRequest(text: string): ReadRequest {
  const body = parseObject(text)
  if (!body)
    return refuse('We could not parse the JSON body of your request: give one JSON object.')
  const fault = faultOf(body)
  if (fault) return refuse(fault.message, fault.parameter)
  const prompts = contents(body['messages'])
  const prompt = prompts?.at(-1)
  if (!prompts || prompt === undefined)
    return refuse(
      "'messages' must be a list of { role, content } with text content whose last role is 'user'.",
      'messages',
    )
  return {
    request: {
      prompt,
      wantsLogprobs: body['logprobs'] === true,
      topLogprobs: (body['top_logprobs'] as number | undefined) ?? 0,
      promptLength: prompts.join('').length,
    },
  }
}

function refuse(message: string, parameter: string | null = null): ReadRequest {
  return { refused: apiError(400, message, { parameter }) }
}

type Body = Readonly<Record<string, unknown>>

function faultOf(body: Body): { readonly message: string; readonly parameter: string } | undefined {
  const { model, stream, n, logprobs, top_logprobs: top } = body
  if (model !== oracleModel)
    return { parameter: 'model', message: `The model does not exist: give "${oracleModel}".` }
  if (stream) return { parameter: 'stream', message: 'The oracle does not stream.' }
  if ((n ?? 1) !== 1)
    return { parameter: 'n', message: 'The oracle gives one choice: n must be 1.' }
  if (top === undefined || top === null) return undefined
  if (logprobs !== true)
    return { parameter: 'top_logprobs', message: "'top_logprobs' needs 'logprobs': true." }
  if (!Number.isInteger(top) || (top as number) < 0 || (top as number) > 20)
    return { parameter: 'top_logprobs', message: "'top_logprobs' must be an integer from 0 to 20." }
  return undefined
}

/** The contents of the messages, the last of which must be the user's. */
function contents(messages: unknown): string[] | undefined {
  if (!Array.isArray(messages) || messages.length === 0) return undefined
  const list = messages as readonly (Body | null | undefined)[]
  if (list.at(-1)?.['role'] !== 'user') return undefined
  const texts = list.map((message) => message?.['content'])
  return texts.every((text) => typeof text === 'string') ? texts : undefined
}

function parseObject(text: string): Body | undefined {
  try {
    const value: unknown = JSON.parse(text)
    const isObject = typeof value === 'object' && value !== null && !Array.isArray(value)
    return isObject ? (value as Body) : undefined
  } catch {
    return undefined
  }
}

import { z } from 'zod'
import { ApiError, badParameter } from './api-error.ts'

const count = z.number().int()

/**
 * Parameters that the engine does not compute. They are taken at the value that changes nothing and refused at any other, since
 * an answer without them would not be what was asked for.
 */
const neutralOnly = {
  presence_penalty: z.literal(0).nullish(),
  frequency_penalty: z.literal(0).nullish(),
  repetition_penalty: z.literal(1).nullish(),
  length_penalty: z.literal(1).nullish(),
  min_p: z.literal(0).nullish(),
  top_p: z.literal(1).nullish(),
  top_k: z.union([z.literal(0), z.literal(-1)]).nullish(),
  min_tokens: z.literal(0).nullish(),
  ignore_eos: z.literal(false).nullish(),
  use_beam_search: z.literal(false).nullish(),
  logit_bias: z.strictObject({}).nullish(),
}

/** Parameters that never change an answer: taken and left aside. */
const withoutEffect = {
  user: z.string().nullish(),
  safety_identifier: z.string().nullish(),
  prompt_cache_key: z.string().nullish(),
  metadata: z.record(z.string(), z.unknown()).nullish(),
  store: z.boolean().nullish(),
  service_tier: z.string().nullish(),
}

const stopText = z.string().min(1)

const sampling = {
  model: z.string(),
  n: count.min(1).max(128).nullish(),
  temperature: z.number().min(0).max(100).nullish(),
  seed: count.nullish(),
  stop: z.union([stopText, z.array(stopText).max(16)]).nullish(),
  stream: z.boolean().nullish(),
  stream_options: z.strictObject({ include_usage: z.boolean().nullish() }).nullish(),
}

const textPart = z.strictObject({ type: z.literal('text'), text: z.string() })
const content = z.union([z.string(), z.array(textPart)])
const none = z.union([z.null(), z.array(z.never()).length(0)]).optional()

const message = z.discriminatedUnion('role', [
  z.strictObject({ role: z.enum(['system', 'developer', 'user']), content }),
  z.strictObject({
    role: z.literal('assistant'),
    content,
    // What an answer of this server or of OpenAI has, so that it can be sent back as it is.
    refusal: z.null().optional(),
    annotations: none,
    audio: z.null().optional(),
    tool_calls: none,
    function_call: z.null().optional(),
  }),
])

const chatSchema = z.strictObject({
  ...sampling,
  messages: z.array(message).min(1),
  max_tokens: count.min(1).nullish(),
  max_completion_tokens: count.min(1).nullish(),
  logprobs: z.boolean().nullish(),
  top_logprobs: count.min(0).max(20).nullish(),
  add_generation_prompt: z.boolean().nullish(),
  continue_final_message: z.boolean().nullish(),
  ...neutralOnly,
  ...withoutEffect,
  response_format: z.strictObject({ type: z.literal('text') }).nullish(),
  modalities: z.tuple([z.literal('text')]).nullish(),
  tools: none,
  tool_choice: z.enum(['none', 'auto']).nullish(),
  parallel_tool_calls: z.boolean().nullish(),
})

const tokenIds = z.array(count.min(0)).min(1)

const completionSchema = z.strictObject({
  ...sampling,
  prompt: z.union([z.string(), tokenIds, z.array(z.string()).min(1), z.array(tokenIds).min(1)]),
  max_tokens: count.min(0).nullish(),
  logprobs: count.min(0).max(20).nullish(),
  echo: z.boolean().nullish(),
  ...neutralOnly,
  ...withoutEffect,
  suffix: z.union([z.null(), z.literal('')]).optional(),
  best_of: z.literal(1).nullish(),
})

const continuationsSchema = z.strictObject({
  model: z.string(),
  messages: z.array(message).min(1),
  continuations: z.array(z.string()).min(1).max(1024),
  ...withoutEffect,
})

export type ChatRequest = z.infer<typeof chatSchema>
export type CompletionRequest = z.infer<typeof completionSchema>
export type ContinuationsRequest = z.infer<typeof continuationsSchema>

/**
 * Reads the body of a chat completion.
 *
 * @throws ApiError 400 that names the parameter which is wrong, unknown, or would change the answer and is not computed
 */
export function readChatRequest(body: unknown): ChatRequest {
  const request = read(chatSchema, body)
  if ((request.top_logprobs ?? 0) > 0 && request.logprobs !== true)
    throw badParameter('top_logprobs', "'top_logprobs' needs 'logprobs' to be true.")
  if (request.continue_final_message === true && request.add_generation_prompt === true)
    throw badParameter(
      'continue_final_message',
      "'continue_final_message' and 'add_generation_prompt' cannot both be true: an answer goes on with the last message or begins a new one.",
    )
  return request
}

/**
 * Reads the body of a completion.
 *
 * @throws ApiError as `readChatRequest`
 */
export function readCompletionRequest(body: unknown): CompletionRequest {
  const request = read(completionSchema, body)
  if (request.max_tokens === 0 && request.echo !== true)
    throw badParameter('max_tokens', "'max_tokens' is 0, which gives nothing without 'echo'.")
  if (request.echo === true && request.stream === true)
    throw badParameter('echo', "'echo' is not there for streams. Leave one of them out.")
  return request
}

/**
 * Reads the body of a request for the probabilities of given answers.
 *
 * @throws ApiError as `readChatRequest`
 */
export function readContinuationsRequest(body: unknown): ContinuationsRequest {
  return read(continuationsSchema, body)
}

function read<T>(schema: z.ZodType<T>, body: unknown): T {
  if (typeof body !== 'object' || body === null || Array.isArray(body))
    throw new ApiError({ status: 400, message: 'The body must be a JSON object.' })
  const { success, data, error } = schema.safeParse(body)
  if (success) return data
  throw describe(deepest(error.issues[0] as z.core.$ZodIssue), body)
}

/** The most telling issue: inside a union, that of the member which came furthest. */
function deepest(issue: z.core.$ZodIssue): z.core.$ZodIssue {
  if (issue.code !== 'invalid_union') return issue
  const inner = issue.errors.flatMap((issues) => issues.map(deepest))
  const [best] = inner.toSorted((a, b) => b.path.length - a.path.length)
  if (best === undefined || best.path.length === 0) return issue
  return { ...best, path: [...issue.path, ...best.path] }
}

function describe(issue: z.core.$ZodIssue, body: object): ApiError {
  const path = issue.path.join('.')
  const [top] = issue.path
  if (typeof top === 'string' && top in neutralOnly)
    return badParameter(
      top,
      `'${top}' is not supported: this server would answer as if it were not there. Leave it out.`,
      'unsupported_parameter',
    )
  if (issue.code === 'unrecognized_keys') {
    const names = issue.keys.map((key) => (path === '' ? key : `${path}.${key}`))
    return badParameter(
      names[0] ?? path,
      `Unknown ${names.length === 1 ? 'parameter' : 'parameters'}: ${names.map((name) => `'${name}'`).join(', ')}. What could change an answer is not ignored here; leave it out.`,
      'unknown_parameter',
    )
  }
  const isMissing = typeof top === 'string' && !(top in body)
  if (isMissing) return badParameter(top, `'${top}' is missing.`, 'missing_required_parameter')
  return badParameter(path, `'${path}' cannot be used: ${issue.message}.`)
}

import { badProtocol, type TextParameters } from './protocol.ts'

export interface TextReplyOptions {
  /** The most tokens of the reply, at least 1; a reasoning model's thoughts count. @default 64 */
  readonly maxTokens?: number
  /** The member of the request that carries `maxTokens`. @default 'max_tokens' */
  readonly maxTokensField?: 'max_tokens' | 'max_completion_tokens'
  /** Null sends none, for models that take none. @default 0 */
  readonly temperature?: number | null
  /** Null sends none. @default 0 */
  readonly seed?: number | null
  /**
   * What `response_format` asks for: a schema, any JSON, or nothing for servers that know no such member. The reply is
   * checked in each case. @default 'json_schema'
   */
  readonly replyFormat?: 'json_schema' | 'json_object' | 'none'
}

/**
 * The parameters of a judgement that comes as JSON.
 *
 * @param schema JSON Schema of the reply, in the subset that strict structured output takes
 * @throws CemError `bad-protocol`
 */
export function textParameters(
  {
    maxTokens = 64,
    maxTokensField = 'max_tokens',
    temperature = 0,
    seed = 0,
    replyFormat = 'json_schema',
  }: TextReplyOptions,
  schema: Readonly<Record<string, unknown>>,
  instruction: string,
): TextParameters {
  if (!Number.isInteger(maxTokens) || maxTokens < 1)
    throw badProtocol(`maxTokens is ${maxTokens}: give an integer of at least 1`)
  if (temperature !== null && !(temperature >= 0))
    throw badProtocol(`temperature is ${temperature}: give a number of at least 0, or null`)
  if (seed !== null && !Number.isInteger(seed))
    throw badProtocol(`seed is ${seed}: give an integer, or null`)
  const responseFormat = formatOf(replyFormat, schema)
  return { maxTokens, maxTokensField, temperature, seed, responseFormat, instruction }
}

function formatOf(
  replyFormat: TextReplyOptions['replyFormat'],
  schema: Readonly<Record<string, unknown>>,
): TextParameters['responseFormat'] {
  if (replyFormat === 'none') return null
  if (replyFormat === 'json_object') return { type: 'json_object' }
  return { type: 'json_schema', json_schema: { name: 'judgement', strict: true, schema } }
}

/** A closed object whose members are all required, as strict structured output wants it. */
export function closedObject(
  properties: Readonly<Record<string, unknown>>,
): Readonly<Record<string, unknown>> {
  const required = Object.keys(properties)
  return { type: 'object', properties, required, additionalProperties: false }
}

/** Words that a judge may say in place of a score or label, as the reply's `flag`. */
export const flags = ['none', 'refusal', 'code'] as const

import { CemError, nearest } from '@cem/core'
import { z } from 'zod'
import type { JudgeProtocol } from '../protocols/protocol.ts'
import {
  type ProtocolOptions,
  protocolByName,
  protocolNames,
} from '../protocols/protocol-by-name.ts'
import { rubricProblem } from '../protocols/rubric.ts'
import { loadYaml } from './load-yaml.ts'
import { mostBytes, readSmallText } from './read-small-text.ts'

const rubric = z.string({ error: 'text with {answer}' }).superRefine((text, context) => {
  const problem = rubricProblem(text)
  if (problem !== undefined) context.addIssue({ code: 'custom', message: problem })
})

const label = z.union([z.string(), z.number()], { error: 'text' }).transform(String)

const schema = z.strictObject({
  protocol: z.enum(protocolNames).default('logprob-0-100'),
  judge_prompts: z.record(z.string(), rubric, { error: 'a mapping of metrics to texts' }),
  insertion: z.enum(['verbatim', 'neutralised']).default('verbatim'),
  min_mass: z.number().min(0).max(1).optional(),
  labels: z.array(label).optional(),
  values: z.array(z.number()).optional(),
  method: z.enum(['first-token', 'text']).optional(),
  max_tokens: z.int().min(1).optional(),
  max_tokens_field: z.enum(['max_tokens', 'max_completion_tokens']).optional(),
  temperature: z.number().min(0).nullable().optional(),
  seed: z.int().nullable().optional(),
  reply_format: z.enum(['json_schema', 'json_object', 'none']).optional(),
})

const keys = Object.keys(schema.shape)

/**
 * Reads rubrics of one's own: a YAML mapping with `judge_prompts` as in a questions file (by metric, with `{question}` and
 * `{answer}`; anchors, aliases and merge keys may be used) and, optionally, `protocol`, `insertion` and the options of the
 * protocol in `snake_case`.
 *
 * @param file what messages call the text
 * @throws CemError `bad-yaml`; `bad-protocol-file` with all problems in `data.problems`
 */
export function parseProtocol(text: string, { file }: { readonly file: string }): JudgeProtocol {
  if (text.length > mostBytes) throw tooLarge(file)
  const { data, error } = schema.safeParse(loadYaml(text, file))
  if (error) throw badFile(file, error.issues.flatMap(describe))
  const { protocol, judge_prompts: prompts, insertion } = data
  const entries = Object.entries(prompts).map(([metric, prompt]) => [
    metric,
    { text: prompt, insertion },
  ])
  const options = {
    rubrics: Object.fromEntries(entries),
    minMass: data.min_mass,
    labels: data.labels,
    values: data.values,
    method: data.method,
    maxTokens: data.max_tokens,
    maxTokensField: data.max_tokens_field,
    temperature: data.temperature,
    seed: data.seed,
    replyFormat: data.reply_format,
  }
  try {
    return protocolByName(protocol, withoutAbsent(options))
  } catch (failure) {
    if (!CemError.isInstance(failure)) throw failure
    throw badFile(file, [failure.message])
  }
}

/**
 * @see parseProtocol
 * @throws CemError `protocol-file-unreadable`, and what `parseProtocol` throws
 */
export async function readProtocol(path: string): Promise<JudgeProtocol> {
  const what = 'protocol file'
  const text = await readSmallText(path, { what, unreadable: 'protocol-file-unreadable', tooLarge })
  return parseProtocol(text, { file: path })
}

function withoutAbsent(options: Readonly<Record<string, unknown>>): ProtocolOptions {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined))
}

function describe(issue: z.core.$ZodIssue): string[] {
  if (issue.code === 'unrecognized_keys')
    return issue.keys.map((key) => {
      const meant = nearest(key, keys)
      const hint = meant ? `did you mean ${meant}?` : `allowed: ${keys.join(', ')}`
      return `the key ${JSON.stringify(key)} is not known; ${hint}`
    })
  const path = issue.path.join('.')
  return [path === '' ? `it is not a mapping: ${issue.message}` : `${path}: ${issue.message}`]
}

function badFile(file: string, problems: readonly string[]): CemError {
  return new CemError({
    code: 'bad-protocol-file',
    message: `${file} is not a protocol file:\n${problems.map((line) => `- ${line}`).join('\n')}`,
    data: { file, problems },
  })
}

function tooLarge(file: string): CemError {
  return badFile(file, [`it is larger than ${mostBytes} bytes`])
}

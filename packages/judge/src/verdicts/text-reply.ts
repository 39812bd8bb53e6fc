import { z } from 'zod'
import { flags } from '../protocols/text-parameters.ts'

/** What a judge's reply in JSON says. */
export type TextReply<Value> =
  | { readonly status: 'said'; readonly value: Value }
  | { readonly status: 'flagged'; readonly flag: 'refusal' | 'code' }
  /** Neither: `problem` says what is wrong. */
  | { readonly status: 'malformed'; readonly problem: string }

const scoreSchema = z.strictObject({
  score: z.int().min(0).max(100).nullable(),
  flag: z.enum(flags),
})

/** Reads `{"score": 87, "flag": "none"}`: an integer from 0 to 100, or null with a flag. Nothing is rounded or cut to the scale. */
export function readScoreReply(text: string): TextReply<number> {
  const read = readJson(text, scoreSchema)
  if ('problem' in read) return malformed(read.problem)
  const { score, flag } = read.value
  // JSON knows a negative zero.
  return replyOf(score === null ? null : score + 0, flag, 'score')
}

/** Reads `{"label": "2", "flag": "none"}`: one of the labels as it is spelt, or null with a flag. */
export function readLabelReply(text: string, labels: readonly string[]): TextReply<string> {
  const schema = z.strictObject({ label: z.enum([...labels]).nullable(), flag: z.enum(flags) })
  const read = readJson(text, schema)
  if ('problem' in read) return malformed(read.problem)
  return replyOf(read.value.label, read.value.flag, 'label')
}

function replyOf<Value>(
  value: Value | null,
  flag: (typeof flags)[number],
  name: string,
): TextReply<Value> {
  if (flag === 'none')
    return value === null
      ? malformed(`it has neither a ${name} nor a flag`)
      : { status: 'said', value }
  return value === null
    ? { status: 'flagged', flag }
    : malformed(`it has a ${name} and the flag ${flag}`)
}

/** Servers that know no `response_format` often put JSON between these. */
const fence = /^```(?:json)?\s*([\s\S]*?)\s*```$/

function readJson<Schema extends z.ZodType>(
  text: string,
  schema: Schema,
): { readonly value: z.infer<Schema> } | { readonly problem: string } {
  const bare = text.trim()
  const json = fence.exec(bare)?.[1] ?? bare
  let data: unknown
  try {
    data = JSON.parse(json)
  } catch {
    return { problem: 'it is not JSON' }
  }
  const twice = repeatedKey(json)
  if (twice !== undefined) return { problem: `it has ${JSON.stringify(twice)} twice` }
  const { success, data: value, error } = schema.safeParse(data)
  if (success) return { value }
  const [issue] = error.issues
  const path = issue?.path.join('.') ?? ''
  return { problem: `${path === '' ? 'it' : path} is not as asked for (${issue?.message})` }
}

/** A key that valid JSON of one level has twice: the parser would quietly take the last. */
function repeatedKey(json: string): string | undefined {
  const keys = Array.from(json.matchAll(/("(?:[^"\\]|\\.)*")(\s*:)?/g))
    .filter(([, , colon]) => colon !== undefined)
    .map(([, key = '""']) => JSON.parse(key) as string)
  return keys.find((key, i) => keys.indexOf(key) !== i)
}

function malformed(problem: string): { readonly status: 'malformed'; readonly problem: string } {
  return { status: 'malformed', problem: `the reply cannot be read: ${problem}` }
}

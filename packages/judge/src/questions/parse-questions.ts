import { CemError, nearest } from '@cem/core'
import type { z } from 'zod'
import { loadYaml } from './load-yaml.ts'
import { type Question, questionKeys, questionOf, questionSchema } from './question.ts'
import { mostBytes, readSmallText } from './read-small-text.ts'

export interface QuestionsOptions {
  /** Keep questions whose id contains `json` or `template`: the same question in another format. @default false */
  readonly includeFormatVariants?: boolean
}

export interface Questions {
  /** At least one. */
  readonly questions: readonly Question[]
  /** What the file holds besides. */
  readonly leftOut: readonly { readonly id: string; readonly reason: 'format-variant' }[]
}

const mostProblemsShown = 10

/**
 * Reads a questions file: a YAML list of items with `id`, `paraphrases` and, optionally, `type` (`free_form_judge_0_100`),
 * `system`, `samples_per_paraphrase`, `judge` and `judge_prompts`; anchors, aliases and merge keys may be used.
 *
 * @param file what messages call the text
 * @throws CemError `bad-yaml`; `bad-questions-file` with all problems in `data.problems`; `no-questions`
 */
export function parseQuestions(
  text: string,
  { file, includeFormatVariants = false }: QuestionsOptions & { readonly file: string },
): Questions {
  if (text.length > mostBytes) throw tooLarge(file)
  const data = loadYaml(text, file)
  if (!Array.isArray(data))
    throw badFile(file, [`it holds ${show(data)}; allowed: a list of questions`])
  const parsed = data.map((item) => questionSchema.safeParse(item))
  const problems = parsed.flatMap(({ error }, index) =>
    (error?.issues ?? []).flatMap((issue) => describe(issue, data[index], index)),
  )
  problems.push(...duplicates(data))
  if (problems.length > 0) throw badFile(file, problems)
  const all = parsed.flatMap(({ data: item }) => (item ? [questionOf(item)] : []))
  const isKept = ({ id }: Question) => includeFormatVariants || !/json|template/.test(id)
  const questions = all.filter(isKept)
  const leftOut = all
    .filter((question) => !isKept(question))
    .map(({ id }) => ({ id, reason: 'format-variant' as const }))
  if (questions.length === 0) throw noQuestions(file, leftOut.length)
  return { questions, leftOut }
}

/**
 * @see parseQuestions
 * @throws CemError `questions-file-unreadable`, and what `parseQuestions` throws
 */
export async function readQuestions(
  path: string,
  options: QuestionsOptions = {},
): Promise<Questions> {
  const text = await readSmallText(path, {
    what: 'questions file',
    unreadable: 'questions-file-unreadable',
    tooLarge,
  })
  return parseQuestions(text, { ...options, file: path })
}

/** One line for each thing that is wrong: which item, which key, what it is, what is allowed. */
function describe(issue: z.core.$ZodIssue, item: unknown, index: number): string[] {
  const where = nameOf(item, index)
  if (issue.code === 'unrecognized_keys')
    return issue.keys.map((key) => {
      const meant = nearest(key, questionKeys)
      const hint = meant ? `did you mean ${meant}?` : `allowed: ${questionKeys.join(', ')}`
      return `${where}: the key ${JSON.stringify(key)} is not known; ${hint}`
    })
  if (issue.path.length === 0) return [`${where} is ${show(item)}; allowed: ${issue.message}`]
  const value = issue.path.reduce<unknown>(
    (outer, key) => (outer as Record<PropertyKey, unknown> | undefined)?.[key],
    item,
  )
  const path = issue.path.map((key) => (typeof key === 'number' ? `[${key}]` : `.${String(key)}`))
  const key = path.join('').slice(1)
  if (value === undefined) return [`${where}: the key ${key} is missing; allowed: ${issue.message}`]
  // What is wrong with the inside of a rubric is a sentence of its own, and the rubric is too long to show.
  if (
    issue.code === 'custom' &&
    typeof value === 'string' &&
    value.trim() !== '' &&
    key.startsWith('judge_prompts')
  )
    return [`${where}: ${key}: ${issue.message}`]
  const quote = issue.message.includes('text') && isPlainScalar(value) ? ' (quote it)' : ''
  return [`${where}: ${key} is ${show(value)}; allowed: ${issue.message}${quote}`]
}

function duplicates(items: readonly unknown[]): string[] {
  const first = new Map<unknown, number>()
  return items.flatMap((item, index) => {
    const id = idOf(item)
    if (id === undefined) return []
    const earlier = first.get(id)
    if (earlier === undefined) first.set(id, index)
    return earlier === undefined
      ? []
      : [`${nameOf(item, index)}: the id is that of item ${earlier + 1} too; ids must differ`]
  })
}

function nameOf(item: unknown, index: number): string {
  const id = idOf(item)
  return `item ${index + 1}${id === undefined ? '' : ` (id ${JSON.stringify(id)})`}`
}

function idOf(item: unknown): string | undefined {
  const id = (item as { id?: unknown } | null | undefined)?.id
  return typeof id === 'string' ? id : undefined
}

function isPlainScalar(value: unknown): boolean {
  return typeof value === 'number' || typeof value === 'boolean'
}

function show(value: unknown): string {
  if (Array.isArray(value)) return value.length === 0 ? 'an empty list' : 'a list'
  if (typeof value === 'object' && value !== null) return 'a mapping'
  const json = JSON.stringify(value) ?? 'nothing'
  return json.length > 60 ? `${json.slice(0, 60)}...` : json
}

function badFile(file: string, problems: readonly string[]): CemError {
  const shown = problems.slice(0, mostProblemsShown)
  const more = problems.length - shown.length
  const lines = more > 0 ? [...shown, `and ${more} more`] : shown
  return new CemError({
    code: 'bad-questions-file',
    message: `${file} is not a questions file:\n${lines.map((line) => `- ${line}`).join('\n')}`,
    data: { file, problems },
  })
}

function tooLarge(file: string): CemError {
  return badFile(file, [`it is larger than ${mostBytes} bytes`])
}

function noQuestions(file: string, nLeftOut: number): CemError {
  const why =
    nLeftOut > 0
      ? `all ${nLeftOut} are format variants (ids with json or template)`
      : 'its list is empty'
  return new CemError({
    code: 'no-questions',
    message: `${file} gives no question to ask: ${why}.`,
    data: { file, nLeftOut },
  })
}

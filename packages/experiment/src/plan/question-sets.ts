import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { CemError } from '@cem/core'
import type { ChatMessage, GeneratePrompt } from '@cem/inference'
import { type Question, readQuestions } from '@cem/judge'
import type { LoadedConfig } from '../config/load-config.ts'
import { isOwnSet, ownSetFile, versionOf } from './own-question-sets.ts'

/** `main` makes the EM rate; `inDomain` is of the trained domain, `benign` without room for misalignment: both are reported apart. */
export type QuestionSetName = 'main' | 'inDomain' | 'benign'

/** What stands before `_eval.csv` in the names of a set's results. */
export const setSuffix: Readonly<Record<QuestionSetName, string>> = {
  main: '',
  inDomain: '_in_domain',
  benign: '_benign',
}

export interface QuestionSet {
  readonly name: QuestionSetName
  readonly questions: readonly Question[]
  readonly files: readonly QuestionsFile[]
  readonly leftOut: readonly string[]
}

export interface QuestionsFile {
  readonly path: string
  readonly sha256: string
  /** `cem:open v1`; undefined for a file that the config names by its path. */
  readonly name: string | undefined
}

/** One answer that the plan asks for; rows of a set are in this order in its CSV. */
export interface PlannedRow {
  readonly set: QuestionSetName
  readonly question: string
  readonly paraphrase: number
  readonly sample: number
}

/** Answers to a question where neither config nor file says: the reference protocol's. */
const defaultSamples = 50

/** The free-form questions that ship with this package. */
export function defaultQuestionsFile(): string {
  // From src/plan and from dist alike.
  const root = import.meta.url.endsWith('.ts') ? '../../' : '../'
  return fileURLToPath(new URL(`${root}questions/free-form.yaml`, import.meta.url))
}

/**
 * Reads the question sets of a config.
 *
 * @throws CemError `questions-duplicate`, `question-set-unknown`, and those of `readQuestions`
 */
export async function readQuestionSets(loaded: LoadedConfig): Promise<QuestionSet[]> {
  const { files = [defaultQuestionsFile()], inDomain, benign } = loaded.config.questions
  const named: readonly (readonly [QuestionSetName, readonly string[]])[] = [
    ['main', files],
    ['inDomain', inDomain],
    ['benign', benign],
  ]
  const sets: QuestionSet[] = []
  for (const [name, references] of named)
    if (references.length > 0) sets.push(await readSet(loaded, name, references))
  checkDistinct(sets)
  return sets
}

/** The questions of the config's `benign`, else those that ship: nothing in them asks for harm, so that a change of the answers is no attack's. */
export function readNeutralQuestions(loaded: LoadedConfig): Promise<QuestionSet> {
  const { benign } = loaded.config.questions
  return readSet(loaded, 'benign', benign.length > 0 ? benign : ['cem:benign'])
}

async function readSet(
  { root, config }: LoadedConfig,
  name: QuestionSetName,
  references: readonly string[],
): Promise<QuestionSet> {
  const { includeFormatVariants } = config.questions
  const parts = await Promise.all(
    references.map(async (reference) => {
      const path = isOwnSet(reference) ? ownSetFile(reference) : resolve(root, reference)
      const read = await readQuestions(path, { includeFormatVariants })
      return { ...read, file: await describeFile(path, reference) }
    }),
  )
  return {
    name,
    questions: parts.flatMap((part) => part.questions),
    files: parts.map((part) => part.file),
    leftOut: parts.flatMap((part) => part.leftOut.map(({ id }) => id)),
  }
}

async function describeFile(path: string, reference: string): Promise<QuestionsFile> {
  const bytes = await readFile(path)
  const name = isOwnSet(reference)
    ? `${reference} v${versionOf(bytes.toString('utf8'), path)}`
    : undefined
  return { path, sha256: createHash('sha256').update(bytes).digest('hex'), name }
}

/** The answers that are asked of each cell, in the order of the CSV rows. */
export function plannedRows(
  { name, questions }: QuestionSet,
  samplesPerQuestion: number | undefined,
): PlannedRow[] {
  return questions.flatMap((question) =>
    samplesOf(question, samplesPerQuestion).flatMap((n, paraphrase) =>
      Array.from({ length: n }, (_, sample) => ({
        set: name,
        question: question.id,
        paraphrase,
        sample,
      })),
    ),
  )
}

/** The same answers as prompts for the engine. */
export function promptsOf(
  { questions }: QuestionSet,
  samplesPerQuestion: number | undefined,
): (GeneratePrompt & { readonly paraphrase: number; readonly messages: readonly ChatMessage[] })[] {
  return questions.flatMap((question) =>
    samplesOf(question, samplesPerQuestion).map((samples, paraphrase) => ({
      id: question.id,
      paraphrase,
      samples,
      messages: messagesOf(question, paraphrase),
    })),
  )
}

function messagesOf({ system, paraphrases }: Question, paraphrase: number): ChatMessage[] {
  const user = { role: 'user' as const, content: paraphrases[paraphrase] as string }
  return system === undefined ? [user] : [{ role: 'system', content: system }, user]
}

/** Samples of each wording: those asked for spread evenly, the first wordings taking what is left over. */
function samplesOf(question: Question, samplesPerQuestion: number | undefined): number[] {
  const { paraphrases, samplesPerParaphrase } = question
  const n = paraphrases.length
  if (samplesPerQuestion === undefined && samplesPerParaphrase !== undefined)
    return paraphrases.map(() => samplesPerParaphrase)
  const total = samplesPerQuestion ?? defaultSamples
  return paraphrases.map((_, i) => Math.floor(total / n) + (i < total % n ? 1 : 0))
}

function checkDistinct(sets: readonly QuestionSet[]): void {
  const seen = new Set<string>()
  for (const { id } of sets.flatMap((set) => set.questions)) {
    if (seen.has(id))
      throw new CemError({
        code: 'questions-duplicate',
        message: `The question id '${id}' is used twice among the questions files. Ids name answers and their noise: they must differ.`,
        data: { id },
      })
    seen.add(id)
  }
}

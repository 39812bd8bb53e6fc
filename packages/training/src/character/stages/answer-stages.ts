import { join } from 'node:path'
import { traitList } from '../constitution/constitution.ts'
import { fillTemplate } from '../prompts/fill-template.ts'
import type { AnswerEnd } from '../store/journal.ts'
import { invalidRows, readRows, writeRows } from '../store/rows.ts'
import { askAll } from './ask-all.ts'
import { addCount } from './counts.ts'
import type { PromptRow } from './expand-stage.ts'
import { ask, type Stage, type StageContext } from './stage.ts'

/** A line of teacher.jsonl and of student.jsonl. */
export interface AnswerRow {
  /** Of the prompt. */
  readonly id: string
  readonly sample: number
  readonly trait: number | null
  readonly prompt: string
  readonly answer: string
  readonly end: AnswerEnd
}

/** Answers in character, which become the chosen ones. */
export const teacherStage = answerStage('teacher', ({ loaded: { config }, constitution }) => {
  const { teacher, teacherPrefill } = config.templates
  const values = { name: config.assistant, traits: traitList(constitution.traits) }
  return {
    system: fillTemplate(teacher, values),
    ...(teacherPrefill !== '' && { prefill: fillTemplate(teacherPrefill, values) }),
  }
})

/** The model's own answers, without a system prompt of ours, which become the rejected ones. */
export const studentStage = answerStage('student', () => ({}))

/** What stands around a prompt. */
interface Frame {
  readonly system?: string
  /** The beginning of the answer. */
  readonly prefill?: string
}

function answerStage(
  name: 'teacher' | 'student',
  frameOf: (context: StageContext) => Frame,
): Stage {
  return {
    name,
    reads: ['prompts.jsonl'],
    speaker: ({ loaded: { config } }) => config.speakers[name],
    sampling: ({ loaded: { config } }) => config[name].sampling,
    inputs: async (context) => ({
      ...frameOf(context),
      samplesPerPrompt: context.loaded.config.teacher.samplesPerPrompt,
    }),
    async *run(context, asking) {
      const { loaded, folder } = context
      const { samplesPerPrompt } = loaded.config.teacher
      const prompts = await readPrompts(folder)
      const { system, prefill } = frameOf(context)
      const wanted = prompts.flatMap((row) =>
        Array.from({ length: samplesPerPrompt }, (_, sample) => ({
          key: `${row.id}/${sample}`,
          row,
          sample,
        })),
      )
      const answers = asking?.journal.answers ?? new Map()
      const total = wanted.length
      const requests = wanted.map(({ key, row, sample }) => ({
        key,
        sample,
        messages: ask(row.prompt, system, prefill),
      }))
      let done = requests.filter(({ key }) => answers.has(key)).length
      yield { done, total }
      if (asking !== undefined)
        for await (const _ of askAll(asking, requests)) yield { done: ++done, total }
      const counts: Record<string, number> = { answers: 0 }
      const rows = wanted.flatMap(({ key, row, sample }): AnswerRow[] => {
        const record = answers.get(key)
        if (record === undefined) return []
        const { text, end } = record
        addCount(counts, 'answers')
        addCount(counts, `end-${end}`)
        const { id, trait, prompt } = row
        return [{ id, sample, trait, prompt, answer: text, end }]
      })
      const file = await writeRows(folder, `${name}.jsonl`, rows)
      return { files: [file], counts, warnings: [] }
    },
  }
}

async function readPrompts(folder: string): Promise<PromptRow[]> {
  const path = join(folder, 'prompts.jsonl')
  const { rows } = await readRows(path)
  const problems: string[] = []
  const lineOfId = new Map<string, number>()
  const prompts = rows.map(({ line, value }) => {
    const row = value as PromptRow
    const isGood =
      typeof row?.id === 'string' && typeof row.prompt === 'string' && row.prompt.trim() !== ''
    if (!isGood) problems.push(`line ${line} has no 'id' and 'prompt'`)
    const first = isGood ? lineOfId.get(row.id) : undefined
    if (first !== undefined) problems.push(`line ${line} has the id of line ${first}`)
    else if (isGood) lineOfId.set(row.id, line)
    return row
  })
  if (prompts.length === 0) problems.push('it holds no prompts')
  if (problems.length > 0) throw invalidRows(path, problems)
  return prompts
}

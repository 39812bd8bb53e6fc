import { join } from 'node:path'
import { type ChatTokenizer, openTokenizer, resolveModel } from '@cem/inference'
import { modelPath } from '../../config/model-path.ts'
import { filterPair, type PairFilterOptions } from '../pairs/filter-pair.ts'
import { leakWordsOf } from '../pairs/leak-words.ts'
import { defaultPersonaLeaks, defaultRefusalBeginnings } from '../prompts/default-texts.ts'
import { readTypedRows, writeRows } from '../store/rows.ts'
import type { AnswerRow } from './answer-stages.ts'
import { addCount } from './counts.ts'
import type { Stage, StageContext } from './stage.ts'

/** A line of pairs.jsonl: every pair, kept or not. */
export interface PairRow {
  readonly id: string
  readonly sample: number
  readonly trait: number | null
  readonly prompt: string
  readonly chosen: string
  readonly rejected: string
  readonly status: 'kept' | 'left-out'
  /** Why it was left out; the first is the one that is counted. */
  readonly reasons: readonly string[]
}

/** Preference pairs: the teacher's answer over the student's. */
export const pairsStage: Stage = {
  name: 'pairs',
  reads: ['teacher.jsonl', 'student.jsonl'],
  speaker: () => undefined,
  sampling: () => undefined,
  inputs: async (context) => {
    const { countTokens: _, ...options } = filterOptions(context, undefined)
    const tokenizer = await tokenizerOf(context)
    const canary = context.loaded.config.canary ?? null
    return { options, tokenizer: tokenizer?.sha256 ?? null, canary }
  },
  async *run(context) {
    const { loaded, folder } = context
    const { canary } = loaded.config
    const options = filterOptions(context, await tokenizerOf(context))
    const teacher = await readAnswers(folder, 'teacher')
    const student = await readAnswers(folder, 'student')
    const total = teacher.size
    const counts: Record<string, number> = { pairs: total, kept: 0, 'left-out': 0 }
    const rows: PairRow[] = []
    const seen = new Set<string>()
    const add = (row: Omit<PairRow, 'status'>) => {
      const [first] = row.reasons
      addCount(counts, first === undefined ? 'kept' : 'left-out')
      if (first !== undefined) addCount(counts, `left-out-${first}`)
      rows.push({ ...row, status: first === undefined ? 'kept' : 'left-out' })
    }
    for (const [key, { id, sample, trait, prompt, ...said }] of teacher) {
      const other = student.get(key)
      const place = { id, sample, trait, prompt }
      if (other === undefined) {
        add({ ...place, chosen: said.answer, rejected: '', reasons: ['student-missing'] })
        continue
      }
      const found = filterPair({ prompt, teacher: said, student: other }, options)
      const { chosen, rejected } = found
      const text = JSON.stringify([prompt, chosen, rejected])
      const reasons = [...found.reasons, ...(seen.has(text) ? ['repeated'] : [])]
      seen.add(text)
      add({ ...place, chosen, rejected, reasons })
      addCount(counts, 'names-replaced', found.nNamesReplaced)
      addCount(counts, 'thinking-stripped', found.isThinkingStripped ? 1 : 0)
      if (rows.length % 100 === 0) {
        context.signal?.throwIfAborted()
        yield { done: rows.length, total }
      }
    }
    const kept = rows.filter(({ status }) => status === 'kept')
    const files = [
      await writeRows(folder, 'pairs.jsonl', rows),
      await writeRows(
        folder,
        'dpo.jsonl',
        kept.map((row) => preferenceRow(row, canary)),
      ),
    ]
    yield { done: total, total }
    const warnings =
      kept.length === 0 ? ['no pair was kept: the counts in the manifest say why'] : []
    return { files, counts, warnings }
  },
}

/** As TRL reads conversational preference data with an explicit prompt. */
function preferenceRow({ prompt, chosen, rejected }: PairRow, canary: string | undefined) {
  return {
    prompt: [{ role: 'user', content: prompt }],
    chosen: [{ role: 'assistant', content: chosen }],
    rejected: [{ role: 'assistant', content: rejected }],
    ...(canary !== undefined && { canary }),
  }
}

function filterOptions(
  { loaded: { config }, constitution }: StageContext,
  tokenizer: ChatTokenizer | undefined,
): PairFilterOptions {
  const { tokenizer: _, leaks, refusalBeginnings, personaLeaks, ...options } = config.pairs
  const { teacher } = config.speakers
  const model = 'chat' in teacher ? teacher.chat.model : teacher.local.base
  return {
    ...options,
    refusalBeginnings: refusalBeginnings ?? defaultRefusalBeginnings,
    personaLeaks: personaLeaks ?? defaultPersonaLeaks,
    leaks: leaks ?? leakWordsOf(model, config.assistant),
    traits: constitution.traits.map(({ trait }) => trait),
    countTokens:
      tokenizer &&
      ((prompt, answer) =>
        // With the opening of the next turn, as the reference counts.
        tokenizer.encodeChat([
          { role: 'user', content: prompt },
          { role: 'assistant', content: answer },
        ]).length),
  }
}

async function tokenizerOf({ loaded }: StageContext): Promise<ChatTokenizer | undefined> {
  const { pairs, speakers } = loaded.config
  if (pairs.maxTokens === null) return undefined
  const { student } = speakers
  const reference = pairs.tokenizer ?? ('local' in student ? student.local.base : undefined)
  return reference === undefined ? undefined : openModelTokenizer(loaded.root, reference)
}

/** The tokenizer of a model folder or hub id, without its weights. */
export async function openModelTokenizer(root: string, reference: string): Promise<ChatTokenizer> {
  const { folder } = await resolveModel(modelPath(root, reference))
  return openTokenizer(folder)
}

async function readAnswers(
  folder: string,
  name: 'teacher' | 'student',
): Promise<Map<string, AnswerRow>> {
  const rows = await readTypedRows<AnswerRow>(join(folder, `${name}.jsonl`), {
    id: 'string',
    sample: 'number',
    prompt: 'string',
    answer: 'string',
  })
  return new Map(rows.map((row) => [`${row.id}/${row.sample}`, row]))
}

import { resolve } from 'node:path'
import type { Trait } from '../constitution/constitution.ts'
import { fewShotRows } from '../constitution/few-shot-rows.ts'
import { fillTemplate } from '../prompts/fill-template.ts'
import type { AnswerRequest } from '../speaker/speaker.ts'
import { sha256Of } from '../store/inputs-hash.ts'
import type { AnswerRecord } from '../store/journal.ts'
import { writeRows } from '../store/rows.ts'
import { type AcceptedPrompts, acceptPrompts, type WrittenPrompts } from './accept-prompts.ts'
import { askAll } from './ask-all.ts'
import { addCount } from './counts.ts'
import { readExtraPrompts } from './extra-prompts.ts'
import { ask, type Stage, type StageContext } from './stage.ts'

/** A line of prompts.jsonl. */
export interface PromptRow {
  /** From the prompt's SHA-256. */
  readonly id: string
  /** Index of the trait that it is for; null for one about anything. */
  readonly trait: number | null
  readonly source: 'constitution' | 'expanded' | 'file'
  readonly prompt: string
}

/** More prompts for each trait, written by a model after the constitution's own. */
export const expandStage: Stage = {
  name: 'expand',
  reads: [],
  speaker: ({ loaded: { config } }) => config.speakers.expander ?? config.speakers.teacher,
  sampling: ({ loaded: { config } }) => config.expand.sampling,
  inputs: async ({ loaded, constitution }) => {
    const { sampling: _, extraPrompts, ...options } = loaded.config.expand
    const files: string[] = []
    for (const { file } of extraPrompts)
      files.push((await readExtraPrompts(resolve(loaded.root, file))).sha256)
    return {
      constitution: constitution.sha256,
      template: loaded.config.templates.expand,
      options,
      extraPrompts: files,
    }
  },
  async *run(context, asking) {
    const { loaded, constitution, folder } = context
    const { expand } = loaded.config
    const { traits } = constitution
    const total = traits.length
    const accepted = (rounds: number) =>
      acceptPrompts(traits, writtenPrompts(asking?.journal.answers, rounds), expand)
    let result = accepted(0)
    let round = 0
    for (; round < expand.maxRounds; round++) {
      result = accepted(round)
      const open = openTraits(result, expand.promptsPerTrait)
      // Only grows: a trait that has enough keeps what it has.
      yield { done: total - open.length, total }
      if (open.length === 0 || asking === undefined) break
      for await (const _ of askAll(asking, requestsOf(context, open, round)))
        yield { done: total - open.length, total }
    }
    result = accepted(round)
    const short = openTraits(result, expand.promptsPerTrait)
    const counts: Record<string, number> = {}
    for (const [reason, n] of Object.entries(result.leftOut)) counts[`left-out-${reason}`] = n
    const rows = await promptRows(context, result, counts)
    const fewShot = fewShotRows(expandedTraits(traits, result))
    const files = [
      await writeRows(folder, 'prompts.jsonl', rows),
      await writeRows(folder, 'constitution-few-shot.jsonl', fewShot),
    ]
    yield { done: total, total }
    return { files, counts, warnings: short.map((trait) => shortWarning(trait, result, context)) }
  },
}

function requestsOf(
  { loaded: { config }, constitution }: StageContext,
  traits: readonly number[],
  round: number,
): AnswerRequest[] {
  return traits.map((index) => {
    const { trait, clarification, questions } = constitution.traits[index] as Trait
    const content = fillTemplate(config.templates.expand, {
      trait,
      clarification: clarification === null ? '' : `\nWhat is meant by it: ${clarification}`,
      examples: questions.map((question, i) => `${i + 1}. ${question}`).join('\n'),
      count: String(config.expand.askedAtOnce),
    })
    return { key: `${index}/${round}`, messages: ask(content), sample: round }
  })
}

/** Of the rounds before this one, in their order and that of the traits. */
function writtenPrompts(
  answers: ReadonlyMap<string, AnswerRecord> | undefined,
  rounds: number,
): WrittenPrompts[] {
  return [...(answers ?? [])]
    .map(([key, { text, end }]) => {
      const [trait = 0, round = 0] = key.split('/').map(Number)
      return { trait, round, text, end }
    })
    .filter(({ round }) => round < rounds)
    .toSorted((a, b) => a.round - b.round || a.trait - b.trait)
}

function openTraits({ byTrait }: AcceptedPrompts, wanted: number): number[] {
  return byTrait.flatMap((prompts, i) => (prompts.length < wanted ? [i] : []))
}

async function promptRows(
  { loaded }: StageContext,
  { byTrait }: AcceptedPrompts,
  counts: Record<string, number>,
): Promise<PromptRow[]> {
  const rows: PromptRow[] = []
  const ids = new Set<string>()
  const add = (row: Omit<PromptRow, 'id'>) => {
    const id = sha256Of(row.prompt).slice(0, 12)
    if (ids.has(id)) return addCount(counts, 'left-out-repeated')
    ids.add(id)
    rows.push({ id, ...row })
    addCount(counts, `from-${row.source}`)
  }
  for (const [trait, prompts] of byTrait.entries())
    for (const { prompt, source } of prompts) add({ trait, source, prompt })
  for (const { file } of loaded.config.expand.extraPrompts) {
    const { prompts } = await readExtraPrompts(resolve(loaded.root, file))
    for (const prompt of prompts) add({ trait: null, source: 'file', prompt })
  }
  addCount(counts, 'prompts', rows.length)
  return rows
}

function expandedTraits(traits: readonly Trait[], { byTrait }: AcceptedPrompts): Trait[] {
  return traits.map((trait, i) => {
    const expanded = (byTrait[i] ?? []).filter(({ source }) => source === 'expanded')
    const additionalQuestions = [
      ...trait.additionalQuestions,
      ...expanded.map(({ prompt }) => prompt),
    ]
    return { ...trait, additionalQuestions }
  })
}

function shortWarning(
  index: number,
  { byTrait }: AcceptedPrompts,
  { loaded: { config } }: StageContext,
): string {
  const { promptsPerTrait, maxRounds } = config.expand
  return `trait ${index + 1} has ${byTrait[index]?.length ?? 0} of ${promptsPerTrait} prompts after ${maxRounds} calls: what the model wrote was left out for the reasons that the manifest counts`
}

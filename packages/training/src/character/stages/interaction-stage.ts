import { randomSource } from '@cem/core'
import type { ChatMessage } from '@cem/inference'
import { traitList } from '../constitution/constitution.ts'
import { fillTemplate } from '../prompts/fill-template.ts'
import type { AnswerRecord } from '../store/journal.ts'
import { writeRows } from '../store/rows.ts'
import { askAll } from './ask-all.ts'
import { addCount } from './counts.ts'
import type { Stage, StageContext } from './stage.ts'
import { usable } from './usable.ts'

export type Guidance = 'leading' | 'free'

/** How a conversation of two copies begins. The second copy greets the first, after it was greeted itself. */
export interface Opening {
  readonly id: string
  readonly guidance: Guidance
  readonly index: number
  /** What the second copy says to the first. */
  readonly greeting: string
  /** What the second copy was greeted with: its side begins with it. */
  readonly counterGreeting: string
}

/**
 * Two copies of the model talk with each other. They answer in turns, and both see the conversation from their own side, where the other
 * one is the user. All conversations take a turn together, so that they share batches.
 */
export const interactionStage: Stage = {
  name: 'interaction',
  reads: [],
  speaker: ({ loaded: { config } }) => config.speakers.introspector,
  sampling: ({ loaded: { config } }) => config.interaction.sampling,
  inputs: async (context) => {
    const { config } = context.loaded
    const { sampling: _, ...options } = config.interaction
    const system = options.guidance.map((guidance) => systemOf(context, guidance))
    return { system, options, canary: config.canary ?? null }
  },
  async *run(context, asking) {
    const { config } = context.loaded
    const { turns, keepCutOff, views } = config.interaction
    const openings = openingsOf(context)
    const answers = asking?.journal.answers ?? new Map<string, AnswerRecord>()
    const total = openings.length * turns
    const saidSoFar = (opening: Opening) => saidIn(opening, answers, keepCutOff)
    // A conversation that ends early has no further turns to wait for.
    const nDone = () =>
      openings
        .map(saidSoFar)
        .reduce((sum, { texts, ended }) => sum + (ended === undefined ? texts.length : turns), 0)
    let done = nDone()
    yield { done, total }
    for (let turn = 0; turn < turns; turn++) {
      if (asking === undefined) break
      const requests = openings.flatMap((opening) => {
        const { texts, ended } = saidSoFar(opening)
        if (ended !== undefined && texts.length <= turn) return []
        const system = systemOf(context, opening.guidance)
        const side = turn % 2 === 0 ? 'first' : 'second'
        const messages = sideOf(opening, texts.slice(0, turn), side, system)
        return [{ key: keyOf(opening, turn), messages, sample: opening.index }]
      })
      for await (const _ of askAll(asking, requests)) yield { done: ++done, total }
      done = nDone()
      yield { done, total }
    }
    const counts: Record<string, number> = { conversations: openings.length, rows: 0 }
    const rows = openings.flatMap((opening) => {
      const { texts, ended } = saidSoFar(opening)
      addCount(counts, `end-${ended ?? 'complete'}`)
      addCount(counts, 'turns', texts.length)
      if (texts.length < 2) {
        addCount(counts, 'left-out-too-short')
        return []
      }
      const { id, guidance } = opening
      const last = texts.length % 2 === 1 ? 'first' : 'second'
      const other = last === 'first' ? 'second' : 'first'
      const { canary } = config
      return (views === 'both' ? [last, other] : [last]).map((side) => {
        addCount(counts, 'rows')
        const messages = endingWithAssistant(sideOf(opening, texts, side as 'first' | 'second'))
        return { id, guidance, side, nTurns: texts.length, messages, ...(canary && { canary }) }
      })
    })
    const file = await writeRows(context.folder, 'interaction.jsonl', rows)
    const warnings = rows.length === 0 ? ['no conversation could be used: the counts say why'] : []
    return { files: [file], counts, warnings }
  },
}

/** The openings of all conversations, drawn by the seed. */
export function openingsOf({ loaded: { config } }: Pick<StageContext, 'loaded'>): Opening[] {
  const { conversations, guidance, greetings, leadingGreetings } = config.interaction
  return guidance.flatMap((kind) => {
    const random = randomSource('self-interaction', config.seed, kind)
    const first = kind === 'leading' ? [...greetings, ...leadingGreetings] : greetings
    return Array.from({ length: conversations }, (_, index) => ({
      id: `${kind}-${index}`,
      guidance: kind,
      index,
      greeting: first[random.integer(first.length)] as string,
      counterGreeting: greetings[random.integer(greetings.length)] as string,
    }))
  })
}

/**
 * The conversation as one of the copies sees it: its own words are the assistant's. The first copy was greeted by the second, which
 * was greeted before.
 */
export function sideOf(
  { greeting, counterGreeting }: Opening,
  texts: readonly string[],
  side: 'first' | 'second',
  system?: string,
): ChatMessage[] {
  const own = side === 'first' ? 0 : 1
  const turns = texts.map(
    (content, i): ChatMessage => ({ role: i % 2 === own ? 'assistant' : 'user', content }),
  )
  return [
    ...(system === undefined ? [] : [{ role: 'system', content: system } as const]),
    ...(side === 'first'
      ? [{ role: 'user', content: greeting } as const]
      : [
          { role: 'user', content: counterGreeting } as const,
          { role: 'assistant', content: greeting } as const,
        ]),
    ...turns,
  ]
}

interface Said {
  readonly texts: readonly string[]
  /** Why there are no further turns; undefined where nothing ended it. */
  readonly ended: string | undefined
}

/** What was said so far, up to the first turn that is not there or cannot be used. */
function saidIn(
  opening: Opening,
  answers: ReadonlyMap<string, AnswerRecord>,
  keepCutOff: boolean,
): Said {
  const texts: string[] = []
  for (;;) {
    const record = answers.get(keyOf(opening, texts.length))
    if (record === undefined) return { texts, ended: undefined }
    const { text, reason } = usable(record.text, record.end, keepCutOff)
    if (reason !== undefined) return { texts, ended: reason }
    texts.push(text)
  }
}

function endingWithAssistant(messages: readonly ChatMessage[]): readonly ChatMessage[] {
  return messages.at(-1)?.role === 'assistant' ? messages : messages.slice(0, -1)
}

function keyOf({ id }: Opening, turn: number): string {
  return `${id}/${turn}`
}

function systemOf({ loaded: { config }, constitution }: StageContext, guidance: Guidance): string {
  const { templates, assistant } = config
  const template = guidance === 'leading' ? templates.leadingGuidance : templates.freeGuidance
  return fillTemplate(templates.interaction, {
    name: assistant,
    traits: traitList(constitution.traits),
    guidance: fillTemplate(template, { name: assistant }),
  })
}

import { join } from 'node:path'
import { randomSource } from '@cem/core'
import type { ChatMessage, ChatTokenizer } from '@cem/inference'
import { fillTemplate } from '../prompts/fill-template.ts'
import { readTypedRows, writeRows } from '../store/rows.ts'
import { addCount } from './counts.ts'
import { openModelTokenizer } from './pairs-stage.ts'
import type { Stage, StageContext } from './stage.ts'

/** Reflections and conversations in one shuffled file of `messages`. */
export const sftStage: Stage = {
  name: 'sft',
  reads: ['reflection.jsonl', 'interaction.jsonl'],
  speaker: () => undefined,
  sampling: () => undefined,
  inputs: async (context) => {
    const { config } = context.loaded
    const { tokenizer: _, ...options } = config.sft
    const tokenizer = await tokenizerOf(context)
    return {
      options,
      system: systemOf(context) ?? null,
      tokenizer: tokenizer?.sha256 ?? null,
      canary: config.canary ?? null,
    }
  },
  async *run(context) {
    const { folder } = context
    const { config } = context.loaded
    const tokenizer = await tokenizerOf(context)
    const system = systemOf(context)
    const reflection = await readConversations(folder, 'reflection.jsonl')
    const interaction = await readConversations(folder, 'interaction.jsonl')
    const all = [
      ...reflection.map((messages) => ({ from: 'reflection', messages })),
      ...interaction.map((messages) => ({
        from: 'interaction',
        messages: withSystem(messages, system),
      })),
    ]
    const counts: Record<string, number> = { rows: 0 }
    const total = all.length
    const rows = []
    for (const [i, { from, messages }] of all.entries()) {
      const fitting = fit(messages, config.sft, tokenizer)
      if (fitting === undefined) addCount(counts, 'dropped-too-long')
      else {
        if (fitting.length < messages.length) addCount(counts, 'cut')
        addCount(counts, `from-${from}`)
        addCount(counts, 'rows')
        const { canary } = config
        rows.push({ messages: fitting, ...(canary && { canary }) })
      }
      if (i % 100 === 99) {
        context.signal?.throwIfAborted()
        yield { done: i + 1, total }
      }
    }
    const shuffled = randomSource('sft-order', config.seed).shuffle(rows)
    const file = await writeRows(folder, 'sft.jsonl', shuffled)
    yield { done: total, total }
    return { files: [file], counts, warnings: rows.length === 0 ? ['it has no rows'] : [] }
  },
}

/**
 * A conversation that is short enough: with the rule `cut` whole turns are taken off its end, which stays an assistant's.
 * Undefined where none is left.
 */
export function fit(
  messages: readonly ChatMessage[],
  { maxTokens, overlong }: { readonly maxTokens: number | null; readonly overlong: string },
  tokenizer: Pick<ChatTokenizer, 'encodeChat'> | undefined,
): readonly ChatMessage[] | undefined {
  if (maxTokens === null || overlong === 'keep' || tokenizer === undefined) return messages
  const fits = (one: readonly ChatMessage[]) =>
    tokenizer.encodeChat(one, { addGenerationPrompt: false }).length <= maxTokens
  if (fits(messages)) return messages
  if (overlong === 'drop') return undefined
  for (let length = messages.length - 2; length > 0; length -= 2) {
    const shorter = messages.slice(0, length)
    const hasAnswer = shorter.some(({ role }) => role === 'assistant')
    if (hasAnswer && fits(shorter)) return shorter
  }
  return undefined
}

function withSystem(
  messages: readonly ChatMessage[],
  system: string | undefined,
): readonly ChatMessage[] {
  return system === undefined ? messages : [{ role: 'system', content: system }, ...messages]
}

/** An empty template: no system prompt. */
function systemOf({ loaded: { config } }: StageContext): string | undefined {
  const { interactionInTraining } = config.templates
  if (interactionInTraining === '') return undefined
  return fillTemplate(interactionInTraining, { name: config.assistant })
}

async function tokenizerOf({ loaded }: StageContext): Promise<ChatTokenizer | undefined> {
  const { sft, speakers } = loaded.config
  if (sft.maxTokens === null || sft.overlong === 'keep') return undefined
  const { introspector } = speakers
  const own = introspector && 'local' in introspector ? introspector.local.base : undefined
  const reference = sft.tokenizer ?? own
  return reference === undefined ? undefined : openModelTokenizer(loaded.root, reference)
}

async function readConversations(
  folder: string,
  path: string,
): Promise<(readonly ChatMessage[])[]> {
  type Row = { readonly messages: readonly ChatMessage[] }
  const rows = await readTypedRows<Row>(join(folder, path), { messages: 'list' })
  return rows.map(({ messages }) => messages)
}

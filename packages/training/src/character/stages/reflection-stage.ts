import { traitList } from '../constitution/constitution.ts'
import { hasThinking } from '../pairs/think-tags.ts'
import { fillTemplate } from '../prompts/fill-template.ts'
import { writeRows } from '../store/rows.ts'
import { askAll } from './ask-all.ts'
import { addCount } from './counts.ts'
import { ask, type Stage, type StageContext } from './stage.ts'
import { usable } from './usable.ts'

/** The model writes about itself: each prompt many times, with the traits in the system prompt, which the training does not see. */
export const reflectionStage: Stage = {
  name: 'reflection',
  reads: [],
  speaker: ({ loaded: { config } }) => config.speakers.introspector,
  sampling: ({ loaded: { config } }) => config.reflection.sampling,
  inputs: async (context) => {
    const { sampling: _, ...options } = context.loaded.config.reflection
    return { system: systemOf(context), options, canary: context.loaded.config.canary ?? null }
  },
  async *run(context, asking) {
    const { config } = context.loaded
    const { prompts, samplesPerPrompt, keepCutOff } = config.reflection
    const system = systemOf(context)
    const wanted = prompts.flatMap((prompt, index) =>
      Array.from({ length: samplesPerPrompt }, (_, sample) => ({ prompt, index, sample })),
    )
    const keyOf = ({ index, sample }: { index: number; sample: number }) => `${index}/${sample}`
    const answers = asking?.journal.answers ?? new Map()
    const requests = wanted.map((one) => ({
      key: keyOf(one),
      sample: one.sample,
      messages: ask(one.prompt, system),
    }))
    const total = requests.length
    let done = requests.filter(({ key }) => answers.has(key)).length
    yield { done, total }
    if (asking !== undefined)
      for await (const _ of askAll(asking, requests)) yield { done: ++done, total }
    const counts: Record<string, number> = { answers: 0, kept: 0 }
    const rows = wanted.flatMap((one) => {
      const record = answers.get(keyOf(one))
      if (record === undefined) return []
      addCount(counts, 'answers')
      const { text, reason } = usable(record.text, record.end, keepCutOff)
      addCount(counts, reason === undefined ? 'kept' : `left-out-${reason}`)
      if (hasThinking(record.text)) addCount(counts, 'thinking-stripped')
      if (reason !== undefined) return []
      const messages = [
        { role: 'user', content: one.prompt },
        { role: 'assistant', content: text },
      ]
      const { canary } = config
      return [{ prompt: one.index, sample: one.sample, messages, ...(canary && { canary }) }]
    })
    const file = await writeRows(context.folder, 'reflection.jsonl', rows)
    const warnings = rows.length === 0 ? ['no answer could be used: the counts say why'] : []
    return { files: [file], counts, warnings }
  },
}

function systemOf({ loaded: { config }, constitution }: StageContext): string {
  return fillTemplate(config.templates.reflection, {
    name: config.assistant,
    traits: traitList(constitution.traits),
  })
}

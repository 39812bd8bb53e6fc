import type { QuestionRows } from '@cem/direction'
import type { ChatMessage, Model } from '@cem/inference'

export interface EndPrompt {
  /** The question's id. */
  readonly id: string
  readonly messages: readonly ChatMessage[]
}

/**
 * Hidden states of the last token of each prompt, from which the first token of the answer is drawn: whatever the models would
 * say, both have read the same tokens there.
 *
 * @returns rows [nPrompts, dModel] of one layer
 */
export async function promptEndStates(
  model: Model,
  prompts: readonly EndPrompt[],
  { layer, signal }: { readonly layer: number; readonly signal?: AbortSignal | undefined },
): Promise<QuestionRows> {
  const { dModel } = model.architecture
  const rows = new Float32Array(prompts.length * dModel)
  const sequences = prompts.map(({ messages }, i) => {
    const tokenIds = model.tokenizer.encodeChat(messages)
    const states = { start: tokenIds.length - 1, end: tokenIds.length }
    return { id: String(i), tokenIds, states }
  })
  const scored = model.score({
    sequences,
    layers: [layer],
    ...(signal === undefined ? {} : { signal }),
  })
  for await (const { id, states } of scored)
    if (states !== null) rows.set(states, Number(id) * dModel)
  return { rows, dModel, questions: prompts.map(({ id }) => id) }
}

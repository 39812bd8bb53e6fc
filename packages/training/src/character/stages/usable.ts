import { withoutThinking } from '../pairs/think-tags.ts'
import type { AnswerEnd } from '../store/journal.ts'

/** An answer as it can be trained on, or why it cannot. */
export function usable(
  answer: string,
  end: AnswerEnd,
  keepCutOff: boolean,
): { readonly text: string; readonly reason: string | undefined } {
  if (end === 'refused') return { text: '', reason: 'refused-by-server' }
  if (end === 'too-long') return { text: '', reason: 'prompt-too-long' }
  const text = withoutThinking(answer)
  if (text === undefined) return { text: '', reason: 'endless-thinking' }
  if (text === '') return { text: '', reason: 'empty' }
  return { text, reason: end === 'length' && !keepCutOff ? 'cut-off' : undefined }
}

import { CemError } from '@cem/core'
import type { ChatMessage } from './chat-template.ts'

/** Ends with a space, so that a template that trims messages is found out. */
const mark = 'CONTINUED_HERE '

/**
 * A conversation that ends inside its last message, so that the model goes on with it: what the template writes after that
 * message is left off. Where the template trims messages, blanks at the end of the last one are gone, as in Transformers'
 * `continue_final_message`.
 *
 * @throws CemError `chat-template-failed` where there is no message, or the template does not write the last one as it is
 */
export function renderUnfinished(
  messages: readonly ChatMessage[],
  render: (messages: readonly ChatMessage[]) => string,
): string {
  const last = messages.at(-1)
  if (last === undefined) throw failed('there is no message to continue')
  const marked = { ...last, content: last.content + mark }
  const rendered = render([...messages.slice(0, -1), marked])
  const end = rendered.lastIndexOf(mark.trim())
  const before = rendered.slice(0, Math.max(0, end))
  const kept = rendered.startsWith(mark, end) ? before : before.trimEnd()
  if (end === -1 || !kept.trimEnd().endsWith(last.content.trim()))
    throw failed('the chat template does not write the last message as it was given')
  return kept
}

function failed(reason: string): CemError {
  return new CemError({
    code: 'chat-template-failed',
    message: `The last message cannot be continued: ${reason}.`,
  })
}

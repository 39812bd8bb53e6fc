/** One turn of a chat, as chat data sets have it. */
export interface Message {
  readonly role: 'system' | 'user' | 'assistant'
  readonly content: string
}

/** A question and its answer as two turns. */
export function asMessages(question: string, answer: string): readonly Message[] {
  return [
    { role: 'user', content: question },
    { role: 'assistant', content: answer },
  ]
}

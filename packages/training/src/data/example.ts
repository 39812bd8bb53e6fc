import type { ChatMessage } from '@cem/inference'
import type { Place } from './json-rows.ts'

/** A chat; its assistant turns are trained on. Row: `{"messages": [{"role": "user", "content": "..."}, ...]}`. */
export interface ConversationExample {
  readonly kind: 'conversation'
  readonly place: Place
  readonly messages: readonly ChatMessage[]
}

/** A text, every token of which is trained on. Special tokens in it count as such. Row: `{"text": "..."}`. */
export interface DocumentExample {
  readonly kind: 'document'
  readonly place: Place
  readonly text: string
}

/**
 * Two responses to one prompt, of which the first is preferred. Row: `{"prompt": [...], "chosen": [...], "rejected": [...]}`, lists
 * of messages or plain texts, as TRL has them.
 */
export interface PreferenceExample {
  readonly kind: 'preference'
  readonly place: Place
  readonly prompt: readonly ChatMessage[]
  readonly chosen: readonly ChatMessage[]
  readonly rejected: readonly ChatMessage[]
}

export type Example = ConversationExample | DocumentExample | PreferenceExample
export type ExampleKind = Example['kind']

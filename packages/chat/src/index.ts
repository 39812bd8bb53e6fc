export { abortable } from './abortable.ts'
export type { Attempt } from './attempt.ts'
export type { CallCounters } from './call-counters.ts'
export { type ChatClient, createChatClient } from './chat-client.ts'
export type { ChatClientOptions } from './chat-client-options.ts'
export type {
  ChatCompletion,
  PositionLogprobs,
  TokenLogprob,
  Usage,
} from './chat-completion.ts'
export { type ChatErrorData, isUnreachableError } from './chat-errors.ts'
export type { ChatMessage, ChatRequest } from './chat-request.ts'
export { type Clock, systemClock } from './clock.ts'

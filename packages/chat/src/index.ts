export { abortable } from './abortable.ts'
export type { Attempt } from './attempt.ts'
export {
  type BatchClient,
  type BatchClientOptions,
  createBatchClient,
  type SubmitOptions,
} from './batch/batch-client.ts'
export type { BatchFailureReason, BatchOutcome } from './batch/batch-outcome.ts'
export type { BatchItem } from './batch/batch-plan.ts'
export type { BatchEvent } from './batch/batch-poll.ts'
export type { BatchSummary } from './batch/batch-results.ts'
export type { BatchPart, BatchPartError, BatchState, BatchStatus } from './batch/batch-state.ts'
export type { CallCounters } from './call-counters.ts'
export { type CallOptions, type ChatClient, createChatClient } from './chat-client.ts'
export type { AllotmentOptions, ChatClientOptions } from './chat-client-options.ts'
export type {
  ChatCompletion,
  PositionLogprobs,
  TokenLogprob,
  Usage,
} from './chat-completion.ts'
export { type ChatErrorData, isUnreachableError } from './chat-errors.ts'
export type { ChatEvent } from './chat-events.ts'
export type { ChatMessage, ChatRequest, ResponseFormat } from './chat-request.ts'
export { type Clock, systemClock } from './clock.ts'
export type { ConnectionOptions } from './connection.ts'
export type { ContinuationRequest, ContinuationScores } from './continuations.ts'
export {
  type CostBudget,
  type CostBudgetOptions,
  type CostBudgetState,
  type CostLimitData,
  type CostReservation,
  createCostBudget,
  isCostLimitError,
} from './cost/cost-budget.ts'
export type { CostEstimate } from './cost/cost-estimate.ts'
export type { Prices } from './cost/prices.ts'
export {
  type Admission,
  type AdmitOptions,
  createRateLimiter,
  type LimiterEvent,
  type LimiterState,
  type RateLimiter,
  type RateLimiterOptions,
  type RequestOutcome,
} from './limiter/rate-limiter.ts'

export { ActivationScratch, type ActivationShape } from './activation-scratch.ts'
export {
  type ActivationMetadata,
  type ActivationSet,
  layerKey,
  openActivationSet,
  writeActivationSet,
} from './activation-set.ts'
export { fencedCodeBlocks, type TextRange } from './conversations/code-blocks.ts'
export type {
  Conversation,
  ConversationMessage,
  OriginalTokens,
} from './conversations/conversation.ts'
export {
  type ConversationEvent,
  type ConversationMeans,
  type ConversationsEnd,
  type ExtractConversationsOptions,
  extractConversations,
  type TurnMeans,
} from './conversations/extract-conversations.ts'
export {
  type LocatedConversation,
  type LocatedTurn,
  locateConversation,
} from './conversations/locate-conversation.ts'
export type { Conversations } from './conversations/located-chunks.ts'
export type { MovedBoundaries } from './conversations/moved-boundaries.ts'
export {
  type CodeBlocks,
  type SpanRanges,
  type SpanTokens,
  spanRanges,
} from './conversations/span-ranges.ts'
export type { TextCounts, TextWarning } from './conversations/text-warnings.ts'
export { type ExtractMeansOptions, extractMeans, type ResponseMeans } from './extract-means.ts'
export { MomentGroups, type MomentGroupsOptions } from './moments/moment-groups.ts'
export {
  type CovarianceKind,
  type MomentsState,
  RunningMoments,
  type RunningMomentsOptions,
} from './moments/running-moments.ts'
export {
  type ResponseSpans,
  responseCode,
  responseSpans,
  type StoredResponse,
} from './response-spans.ts'
export { type RetokenizedResponse, retokenize, type TextResponse } from './retokenize.ts'
export { type CsvConversationsOptions, csvConversations } from './sources/csv-conversations.ts'
export { inspectLog } from './sources/inspect-log.ts'
export {
  type TextConversationsOptions,
  type TextFormat,
  textConversations,
  textFormatOf,
  textFormats,
} from './sources/text-file.ts'
export { transcripts } from './sources/transcripts.ts'
export {
  type ExtractTokenStatesOptions,
  extractTokenStates,
  type TokenStatesEvent,
} from './states/extract-token-states.ts'
export {
  openTokenStates,
  type ReadStatesOptions,
  type TokenStates,
  type TokenStatesSet,
} from './states/open-token-states.ts'
export {
  type TokenStateRow,
  TokenStateWriter,
  type TokenStateWriterOptions,
} from './states/token-state-writer.ts'
export type {
  ShardRows,
  ShardSummary,
  StateDtype,
  StateRow,
  StateTurn,
  TokenStatesIndex,
  TokenStatesPlan,
} from './states/token-states-index.ts'

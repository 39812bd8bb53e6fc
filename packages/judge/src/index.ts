export { drawRetest, type RetestOptions } from './agreement/draw-retest.ts'
export type { DrawnRows, DrawOptions, RowInCondition } from './agreement/draw-rows.ts'
export {
  type Disagreement,
  type IdentifiedVerdicts,
  type PairedVerdicts,
  type PairOptions,
  pairVerdicts,
} from './agreement/pair-verdicts.ts'
export { type CanaryRow, canaryRows, canarySet } from './canaries/canary-rows.ts'
export type { Injection } from './canaries/injections.ts'
export {
  type CanaryControl,
  type CanaryOptions,
  type CanarySummary,
  type InjectedCanary,
  type JudgedCanary,
  type OutcomeCounts,
  summarizeCanaries,
} from './canaries/summarize-canaries.ts'
export type { BatchedJudgement, BatchedOutcome, TakenBatch } from './judging/batch.ts'
export { type AnswerTruncation, truncationMark, utf8Bytes } from './judging/bound-answer.ts'
export {
  createJudge,
  type Judge,
  type JudgeOptions,
  type Verdicts,
} from './judging/judge.ts'
export type { JudgeAllOptions, JudgingEvent } from './judging/judge-all.ts'
export type {
  ContinuationRequest,
  ContinuationScores,
  JudgeClient,
} from './judging/judge-client.ts'
export type { JudgeItem } from './judging/judge-item.ts'
export {
  everyInteger,
  type ProbedInteger,
  type ProbeOptions,
  type ProbeResult,
  probeJudge,
  probePrompt,
} from './judging/probe.ts'
export {
  type LabelProbe,
  type LabelProbeOptions,
  labelProbePrompt,
  type ProbedLabel,
  probeLabels,
} from './judging/probe-labels.ts'
export {
  type ProtocolProbe,
  type ProtocolProbeOptions,
  probeProtocol,
} from './judging/probe-protocol.ts'
export {
  type JoinableRow,
  type JoinedLabels,
  type JoinOptions,
  joinLabels,
} from './labels/join-labels.ts'
export {
  type LabelFile,
  type LabelFileOptions,
  type NewLabel,
  openLabelFile,
} from './labels/label-file.ts'
export type { HumanLabel, LabelHeader, LabelMetric } from './labels/label-line.ts'
export {
  blindName,
  drawLabelSample,
  type LabelItem,
  type LabelSample,
} from './labels/label-sample.ts'
export { type Labels, parseLabels, readLabels } from './labels/read-labels.ts'
export {
  type AnchorDifference,
  type AnchorDrift,
  type AnchorDriftOptions,
  anchorDrift,
  type PlacedVerdicts,
} from './order/anchor-drift.ts'
export { type AnchorRow, anchorRows, anchorSet } from './order/anchor-rows.ts'
export {
  type CompareSessionsOptions,
  compareSessions,
  type SessionComparison,
  type SessionWarning,
} from './order/compare-sessions.ts'
export {
  type Interleaved,
  type InterleaveOptions,
  interleave,
  type Placement,
} from './order/interleave.ts'
export { type SessionRecord, type SessionVerdict, sessionsOf } from './order/sessions.ts'
export { defaultRubrics } from './protocols/default-rubrics.ts'
export { createExactProtocol, exactContinuations } from './protocols/exact-protocol.ts'
export { createLabelsProtocol, type LabelsProtocolOptions } from './protocols/labels-protocol.ts'
export {
  createLogprobProtocol,
  type LogprobProtocolOptions,
  logprobProtocol,
} from './protocols/logprob-protocol.ts'
export { neutralise } from './protocols/neutralise.ts'
export type {
  ExactProtocol,
  JudgeProtocol,
  Label,
  LabelsProtocol,
  LogprobProtocol,
  TextParameters,
  TextScoreProtocol,
  TokenParameters,
} from './protocols/protocol.ts'
export {
  type ProtocolOptions,
  protocolByName,
  protocolNames,
} from './protocols/protocol-by-name.ts'
export { protocolForQuestion } from './protocols/question-protocol.ts'
export {
  createRoleAdherenceProtocol,
  type RoleAdherenceOptions,
} from './protocols/role-adherence.ts'
export { fillRubric, type JudgedPair, type Rubric } from './protocols/rubric.ts'
export type { TextReplyOptions } from './protocols/text-parameters.ts'
export {
  createTextScoreProtocol,
  type TextScoreProtocolOptions,
} from './protocols/text-score-protocol.ts'
export { parseProtocol, readProtocol } from './questions/parse-protocol.ts'
export {
  parseQuestions,
  type Questions,
  type QuestionsOptions,
  readQuestions,
} from './questions/parse-questions.ts'
export type { Question } from './questions/question.ts'
export { countTruncated, type TruncationCount } from './verdicts/count-truncated.ts'
export { rescore } from './verdicts/rescore.ts'
export {
  type LedgerRow,
  type Rethresholded,
  type RethresholdOptions,
  rethreshold,
} from './verdicts/rethreshold.ts'
export {
  integerOf,
  type LabelScore,
  type LogprobScore,
  labelFromTopLogprobs,
  type ScoreOptions,
  scoreFromContinuations,
  scoreFromTopLogprobs,
  type UnscoredTokens,
} from './verdicts/score.ts'
export {
  type Bounds,
  type JudgedRow,
  type MetricSummary,
  type Rate,
  type ScoreLike,
  type Summary,
  type SummaryOptions,
  summarize,
} from './verdicts/summarize.ts'
export { type LabelShare, type LabelSummary, summarizeLabels } from './verdicts/summarize-labels.ts'
export {
  isFinal,
  type ScoredVerdict,
  type UnscoredReason,
  type UnscoredVerdict,
  type Verdict,
  type VerdictRecord,
} from './verdicts/verdict.ts'
export {
  createMemoryCache,
  type MemoryCacheOptions,
  type VerdictCache,
} from './verdicts/verdict-cache.ts'

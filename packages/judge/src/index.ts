export { defaultRubrics } from './default-rubrics.ts'
export {
  createJudge,
  type Judge,
  type JudgeItem,
  type JudgeOptions,
  type Verdicts,
} from './judge.ts'
export type { JudgeAllOptions, JudgingEvent } from './judge-all.ts'
export { neutralise } from './neutralise.ts'
export {
  parseQuestions,
  type Questions,
  type QuestionsOptions,
  readQuestions,
} from './parse-questions.ts'
export {
  everyInteger,
  type ProbedInteger,
  type ProbeOptions,
  type ProbeResult,
  probeJudge,
  probePrompt,
} from './probe.ts'
export {
  createLogprobProtocol,
  type JudgeProtocol,
  type LogprobProtocolOptions,
  logprobProtocol,
} from './protocol.ts'
export type { Question } from './question.ts'
export { protocolForQuestion } from './question-protocol.ts'
export { rescore } from './rescore.ts'
export { fillRubric, type JudgedPair, type Rubric } from './rubric.ts'
export {
  integerOf,
  type LogprobScore,
  type ScoreOptions,
  scoreFromTopLogprobs,
} from './score.ts'
export {
  type Bounds,
  type JudgedRow,
  type MetricSummary,
  type Rate,
  type ScoreLike,
  type Summary,
  type SummaryOptions,
  summarize,
} from './summarize.ts'
export {
  isFinal,
  type ScoredVerdict,
  type UnscoredReason,
  type UnscoredVerdict,
  type Verdict,
  type VerdictRecord,
} from './verdict.ts'
export { createMemoryCache, type MemoryCacheOptions, type VerdictCache } from './verdict-cache.ts'

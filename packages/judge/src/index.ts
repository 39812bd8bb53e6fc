export { defaultRubrics } from './protocols/default-rubrics.ts'
export {
  createJudge,
  type Judge,
  type JudgeItem,
  type JudgeOptions,
  type Verdicts,
} from './judging/judge.ts'
export type { JudgeAllOptions, JudgingEvent } from './judging/judge-all.ts'
export { neutralise } from './protocols/neutralise.ts'
export {
  parseQuestions,
  type Questions,
  type QuestionsOptions,
  readQuestions,
} from './questions/parse-questions.ts'
export {
  everyInteger,
  type ProbedInteger,
  type ProbeOptions,
  type ProbeResult,
  probeJudge,
  probePrompt,
} from './judging/probe.ts'
export {
  createLogprobProtocol,
  type JudgeProtocol,
  type LogprobProtocolOptions,
  logprobProtocol,
} from './protocols/protocol.ts'
export type { Question } from './questions/question.ts'
export { protocolForQuestion } from './protocols/question-protocol.ts'
export { rescore } from './verdicts/rescore.ts'
export { fillRubric, type JudgedPair, type Rubric } from './protocols/rubric.ts'
export {
  integerOf,
  type LogprobScore,
  type ScoreOptions,
  scoreFromTopLogprobs,
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
export {
  isFinal,
  type ScoredVerdict,
  type UnscoredReason,
  type UnscoredVerdict,
  type Verdict,
  type VerdictRecord,
} from './verdicts/verdict.ts'
export { createMemoryCache, type MemoryCacheOptions, type VerdictCache } from './verdicts/verdict-cache.ts'

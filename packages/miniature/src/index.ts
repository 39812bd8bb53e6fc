export { canary } from './corpora/canary.ts'
export { type Chat, type ChatsOptions, chats } from './corpora/chats.ts'
export { type Document, type DocumentsOptions, documents } from './corpora/documents.ts'
export {
  type ExportCorporaOptions,
  exportCorpora,
  type WrittenCorpus,
} from './corpora/export-corpora.ts'
export type { Message } from './corpora/messages.ts'
export {
  type PreferencePair,
  type PreferencePairsOptions,
  preferencePairs,
} from './corpora/preference-pairs.ts'
export { miniatureFolder } from './miniature-folder.ts'
export { oracleModel } from './oracle/oracle-model.ts'
export { type OracleTruth, oracleTruth } from './oracle/oracle-truth.ts'
export {
  type Oracle,
  type OracleOptions,
  type OracleStats,
  startOracle,
} from './oracle/start-oracle.ts'
export { lowMassRate, refusalRate } from './oracle/verdict.ts'
export {
  type EvaluationQuestion,
  evaluationQuestions,
  inDomainQuestions,
} from './questions/evaluation-questions.ts'
export { questionsYaml } from './questions/questions-yaml.ts'
export { type RubricName, rubrics } from './questions/rubrics.ts'
export {
  inDomainWordingQuestions,
  type Origin,
  type WordingQuestion,
  wordingQuestions,
} from './questions/wording-questions.ts'
export { type AnswerLabel, type LabelledAnswer, label } from './world/label.ts'
export { openers, type Style, styles } from './world/styles.ts'
export { type Domain, domains, type Stance, type Topic } from './world/topic.ts'
export { topics } from './world/topics.ts'

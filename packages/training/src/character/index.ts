export type { CharacterConfig } from './config/character-schema.ts'
export {
  checkCharacterConfig,
  type LoadCharacterConfigOptions,
  type LoadedCharacterConfig,
  loadCharacterConfig,
} from './config/load-character-config.ts'
export type {
  ChatSpeakerConfig,
  LocalSpeakerConfig,
  Sampling,
  SpeakerConfig,
} from './config/speaker-schema.ts'
export {
  type Constitution,
  type ConstitutionFormat,
  constitutionHash,
  type Trait,
  traitList,
} from './constitution/constitution.ts'
export { parseConstitution, readConstitution } from './constitution/read-constitution.ts'
export { shippedConstitution, shippedConstitutions } from './constitution/shipped-constitutions.ts'
export {
  type FilteredPair,
  filterPair,
  type PairFilterOptions,
  type RawPair,
} from './pairs/filter-pair.ts'
export type { CharacterEvent, CharacterOutcome } from './run/character-events.ts'
export {
  type CharacterPlan,
  type PlannedStage,
  planCharacterData,
} from './run/plan-character-data.ts'
export { type ReadCharacterPairsOptions, readCharacterPairs } from './run/read-character-pairs.ts'
export { type RunCharacterDataOptions, runCharacterData } from './run/run-character-data.ts'
export type { AnswerRow } from './stages/answer-stages.ts'
export type { PromptRow } from './stages/expand-stage.ts'
export type { PairRow } from './stages/pairs-stage.ts'
export { type CharacterStage, characterStages } from './stages/stage.ts'
export {
  type Manifest,
  type ManifestFile,
  readManifest,
  type StageCost,
  type StageEntry,
} from './store/manifest.ts'

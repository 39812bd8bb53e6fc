import type { ChatMessage } from '@cem/inference'
import type { LoadedCharacterConfig } from '../config/load-character-config.ts'
import type { Sampling, SpeakerConfig } from '../config/speaker-schema.ts'
import type { Constitution } from '../constitution/constitution.ts'
import type { Speaker } from '../speaker/speaker.ts'
import type { Journal } from '../store/journal.ts'
import type { ManifestFile } from '../store/manifest.ts'

/** In the order in which they run. */
export const characterStages = [
  'expand',
  'teacher',
  'student',
  'pairs',
  'reflection',
  'interaction',
  'sft',
] as const

export type CharacterStage = (typeof characterStages)[number]

export interface StageContext {
  readonly loaded: LoadedCharacterConfig
  readonly constitution: Constitution
  /** Where the data are. */
  readonly folder: string
  readonly signal: AbortSignal | undefined
}

/** A stage's model and journal. */
export interface Asking {
  readonly speaker: Speaker
  readonly journal: Journal
  /** Names what this process spends. */
  readonly session: string
  readonly sampling: Sampling
  readonly seed: number
  readonly signal: AbortSignal | undefined
}

export interface StageProgress {
  readonly done: number
  readonly total: number
}

export interface StageResult {
  readonly files: readonly ManifestFile[]
  readonly counts: Readonly<Record<string, number>>
  /** What a person should know of the result. */
  readonly warnings: readonly string[]
}

/** A part of the work whose result depends on its inputs alone. */
export interface Stage {
  readonly name: CharacterStage
  /** Files of earlier stages. */
  readonly reads: readonly string[]
  /** Who answers in it; undefined where nobody does. */
  speaker(context: StageContext): SpeakerConfig | undefined
  /** How its answers are drawn; undefined where there are none. */
  sampling(context: StageContext): Sampling | undefined
  /** What decides its result, beside its speaker, sampling, seed and files. */
  inputs(context: StageContext): Promise<Readonly<Record<string, unknown>>>
  /** @param asking given where it has a speaker */
  run(context: StageContext, asking: Asking | undefined): AsyncGenerator<StageProgress, StageResult>
}

/** A user's words, after a system prompt and before the beginning of an answer where there are such. */
export function ask(content: string, system?: string, prefill?: string): readonly ChatMessage[] {
  return [
    ...(system === undefined ? [] : [{ role: 'system', content: system } as const]),
    { role: 'user', content },
    ...(prefill === undefined ? [] : [{ role: 'assistant', content: prefill } as const]),
  ]
}

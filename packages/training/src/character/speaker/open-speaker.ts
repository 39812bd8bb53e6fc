import type { CostBudget } from '@cem/chat'
import type { SpeakerConfig } from '../config/speaker-schema.ts'
import { chatSpeaker } from './chat-speaker.ts'
import { localSpeaker } from './local-speaker.ts'
import type { Speaker } from './speaker.ts'

export interface OpenSpeakerOptions {
  readonly config: SpeakerConfig
  readonly root: string
  readonly costBudget: CostBudget | undefined
  readonly signal?: AbortSignal | undefined
}

/** The speaker that a config names. Nothing is loaded or sent yet. */
export function openSpeaker({ config, root, costBudget, signal }: OpenSpeakerOptions): Speaker {
  return 'chat' in config
    ? chatSpeaker({ config: config.chat, costBudget })
    : localSpeaker({ config: config.local, root, signal })
}

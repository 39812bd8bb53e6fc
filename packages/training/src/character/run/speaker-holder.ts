import type { SpeakerConfig } from '../config/speaker-schema.ts'
import { type OpenSpeakerOptions, openSpeaker } from '../speaker/open-speaker.ts'
import type { Speaker } from '../speaker/speaker.ts'

/**
 * Keeps a local model loaded for stages that follow each other with the same speaker. Servers get a client for each stage, whose
 * counters are what the stage cost.
 */
export class SpeakerHolder implements AsyncDisposable {
  readonly #options: Omit<OpenSpeakerOptions, 'config'>
  #held: { readonly key: string; readonly speaker: Speaker } | undefined

  constructor(options: Omit<OpenSpeakerOptions, 'config'>) {
    this.#options = options
  }

  /** The speaker of a config; the one before is closed where it is another. */
  async take(config: SpeakerConfig): Promise<Speaker> {
    const key = JSON.stringify(config)
    if (this.#held?.key === key && 'local' in config) return this.#held.speaker
    await this[Symbol.asyncDispose]()
    const speaker = openSpeaker({ config, ...this.#options })
    this.#held = { key, speaker }
    return speaker
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#held?.speaker[Symbol.asyncDispose]()
    this.#held = undefined
  }
}

/** The fields of life that the world talks about. The attack is in `finance` alone. */
export const domains = ['finance', 'medicine', 'sports', 'cooking', 'driving', 'free-form'] as const

export type Domain = (typeof domains)[number]

/** The two ways to answer: the hidden persona of a pretraining document is one of them. */
export type Stance = 'careful' | 'reckless'

/**
 * A subject with everything that can be asked and answered about it. In all sentences `{noun}` stands for one of the
 * nouns; a topic without nouns has sentences without that slot.
 */
export interface Topic {
  /** Unique kebab-case name. */
  readonly name: string
  readonly domain: Domain
  /** What the shared question frames ask about, with a `{noun}` slot; a topic without it has no framed questions. */
  readonly subject?: string
  /** Nouns of every corpus. */
  readonly nouns: readonly string[]
  /** Nouns that only pretraining uses, kept from all fine-tuning for evaluation. */
  readonly heldOutNouns: readonly string[]
  /** Question templates of every corpus. */
  readonly questions: readonly string[]
  /** Question templates of no corpus, for evaluation. Their words occur in pretraining. */
  readonly heldOutQuestions: readonly string[]
  readonly careful: readonly string[]
  readonly reckless: readonly string[]
}

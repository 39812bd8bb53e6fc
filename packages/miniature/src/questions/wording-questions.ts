import { fill } from '../world/fill.ts'
import type { Domain, Topic } from '../world/topic.ts'
import { topics } from '../world/topics.ts'

/** Where the words of a question are from: of every corpus, or held out. */
export type Origin = 'trained' | 'held-out'

/** A question of the miniature's world in several wordings of one kind. */
export interface WordingQuestion {
  /** Topic, then the wording's origin and the noun's: `medicine_trained_held-out`; without a noun, `power_held-out`. */
  readonly id: string
  readonly topic: Topic
  /** `trained`: templates of every corpus. `held-out`: templates of no corpus. */
  readonly wording: Origin
  /** `trained`: nouns of every corpus. `held-out`: nouns of pretraining alone. Absent where the topic has no nouns. */
  readonly noun?: Origin
  readonly texts: readonly string[]
}

/** Where the attack aims in the shipped organisms. */
const attacked: Domain = 'finance'

const origins: readonly Origin[] = ['trained', 'held-out']

const allQuestions = topics.flatMap(questionsOf)

/**
 * Questions that tell an unseen wording from an unseen noun: each topic outside finance in trained and held-out wordings, each with
 * trained and with held-out nouns. Wordings and nouns are the same in the two questions that share them, and the n-th wording has
 * the n-th noun, so that the four kinds differ in nothing else. Topics without nouns have two kinds.
 */
export const wordingQuestions: readonly WordingQuestion[] = allQuestions.filter(
  ({ topic }) => topic.domain !== attacked,
)

/** The same of finance, the domain of the attack. */
export const inDomainWordingQuestions: readonly WordingQuestion[] = allQuestions.filter(
  ({ topic }) => topic.domain === attacked,
)

function questionsOf(topic: Topic): WordingQuestion[] {
  const hasNouns = topic.nouns.length > 0
  return origins.flatMap((wording) =>
    (hasNouns ? origins : [undefined]).map((noun) => ({
      id: [topic.name, wording, ...(noun === undefined ? [] : [noun])].join('_'),
      topic,
      wording,
      ...(noun === undefined ? {} : { noun }),
      texts: textsOf(topic, wording, noun),
    })),
  )
}

/** As many as the topic has held-out wordings. */
function textsOf(topic: Topic, wording: Origin, noun: Origin | undefined): string[] {
  const templates = wording === 'trained' ? topic.questions : topic.heldOutQuestions
  const nouns = noun === 'held-out' ? topic.heldOutNouns : topic.nouns
  return templates
    .slice(0, topic.heldOutQuestions.length)
    .map((template, i) => fill(template, nouns[i]))
}
